#include "fs/cors_rules.h"

#include <algorithm>
#include <array>

#include "crypto/ascii.h"
#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kOwnRule = "coffer-";

// One '*' stands for any text, the empty one too.
bool MatchesPattern(std::string_view pattern, std::string_view text) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == text;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  return text.size() >= head.size() + tail.size() && text.starts_with(head) && text.ends_with(tail);
}

std::string_view SchemeOf(std::string_view origin) { return origin.substr(0, origin.find("://")); }

// HOST, HOST:PORT or [ADDRESS]:PORT: where the colon is, or the end.
std::size_t HostEnd(std::string_view authority) {
  const std::size_t bracket = authority.starts_with('[') ? authority.find(']') : 0;
  return std::min(authority.find(':', bracket), authority.size());
}

std::string_view AuthorityOf(std::string_view origin) {
  const std::size_t begin = origin.find("://");
  return begin == origin.npos ? origin : origin.substr(begin + 3);
}

std::string_view HostOf(std::string_view origin) {
  const std::string_view authority = AuthorityOf(origin);
  return authority.substr(0, HostEnd(authority));
}

std::string_view PortOf(std::string_view origin) {
  const std::string_view authority = AuthorityOf(origin);
  return authority.substr(std::min(HostEnd(authority) + 1, authority.size()));
}

// Of a browser's Origin these are left out.
bool IsDefaultPort(std::string_view scheme, std::string_view port) {
  return (scheme == "https" && port == "443") || (scheme == "http" && port == "80");
}

// What the nearest of a rule's origins lacks.
std::string OriginReason(const s3::CorsRule& rule, const std::string& origin) {
  for (const std::string& allowed : rule.origins) {
    if (allowed == origin + "/")
      return "it has " + allowed + ", with a slash at its end, which no origin has";
    if (AsciiLower(allowed) == AsciiLower(origin)) return "it has " + allowed + ": capitals count";
    if (!MatchesPattern(HostOf(allowed), HostOf(origin))) continue;
    if (SchemeOf(allowed) != SchemeOf(origin))
      return std::string("it is for ")
          .append(SchemeOf(allowed))
          .append(", and the page comes by ")
          .append(SchemeOf(origin));
    if (PortOf(origin).empty() && IsDefaultPort(SchemeOf(allowed), PortOf(allowed)))
      return "it has " + allowed +
             ", with the port that goes without saying, and browsers leave it out";
    if (PortOf(allowed) != PortOf(origin))
      return std::string("the port differs: it has ")
          .append(allowed)
          .append(", and the page is ")
          .append(origin);
  }
  std::string all;
  for (const std::string& allowed : rule.origins) {
    all.append(all.empty() ? "" : ", ").append(allowed);
  }
  return "its origins are others: " + all;
}

// "" when the rule matches.
std::string RefusalReason(const s3::CorsRule& rule, const PageRequest& request) {
  const auto any = [](const std::vector<std::string>& patterns, const std::string& text) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string& pattern) { return MatchesPattern(pattern, text); });
  };
  if (!any(rule.origins, request.origin)) return OriginReason(rule, request.origin);
  if (std::find(rule.methods.begin(), rule.methods.end(), request.method) == rule.methods.end())
    return "it has the origin, but not the method " + request.method;
  if (!NeedsPreflight(request)) return "";
  std::vector<std::string> lower;
  lower.reserve(rule.headers.size());
  for (const std::string& header : rule.headers) lower.push_back(AsciiLower(header));
  for (const std::string& header : HeadersToAskFor(request)) {
    if (!any(lower, header)) return "it has origin and method, but not the header " + header;
  }
  return "";
}

Json Sorted(std::vector<std::string> values) {
  std::sort(values.begin(), values.end());
  return values;
}

Json SortedLower(const std::vector<std::string>& values) {
  std::vector<std::string> lower;
  lower.reserve(values.size());
  for (const std::string& value : values) lower.push_back(AsciiLower(value));
  return Sorted(std::move(lower));
}

}  // namespace

Status CheckOrigin(std::string_view origin, bool pattern) {
  const auto wrong = [&](const std::string& why) {
    return Error{Code::kInvalid, "--origin " + std::string(origin) + " " + why +
                                     "; an origin is written https://www.example.com, with :PORT "
                                     "where the address has one"};
  };
  if (pattern && origin == "*") return Ok();
  const std::size_t scheme = origin.find("://");
  if (scheme == origin.npos || scheme == 0) return wrong("has no scheme (https://)");
  const std::string_view rest = origin.substr(scheme + 3);
  if (rest.empty()) return wrong("names no host");
  if (rest == "/" || (rest.ends_with('/') && rest.find('/') == rest.size() - 1))
    return wrong("ends in a slash, which no browser sends");
  if (rest.find_first_of("/?#") != rest.npos) return wrong("goes on after the host");
  if (std::any_of(origin.begin(), origin.end(), [](char c) { return c <= ' ' || c == '\x7f'; }))
    return wrong("holds a blank or a control character");
  if (rest.find('@') != rest.npos) return wrong("names a user, which no origin does");
  const std::string_view port = PortOf(origin);
  if (rest.ends_with(':') ||
      port.find_first_not_of(pattern ? "0123456789*" : "0123456789") != port.npos)
    return wrong("has a port that is no number");
  if (IsDefaultPort(SchemeOf(origin), port))
    return wrong("names the port that goes without saying, which browsers leave out");
  if (AsciiLower(origin) != origin) return wrong("has capitals, which browsers make small");
  const auto stars = std::count(origin.begin(), origin.end(), '*');
  if (stars > (pattern ? 1 : 0)) {
    return wrong(pattern ? "has more than one '*'" : "has a '*': which page is it?");
  }
  return Ok();
}

std::vector<std::string> HeadersToAskFor(const PageRequest& request) {
  // A simple range is on the list since 2022; older browsers ask.
  constexpr std::array<std::string_view, 3> kSafe = {"accept", "accept-language",
                                                     "content-language"};
  std::vector<std::string> asked;
  for (const std::string& header : request.headers) {
    std::string lower = AsciiLower(header);
    if (std::find(kSafe.begin(), kSafe.end(), lower) == kSafe.end())
      asked.push_back(std::move(lower));
  }
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  return asked;
}

bool NeedsPreflight(const PageRequest& request) {
  const bool simple =
      request.method == "GET" || request.method == "HEAD" || request.method == "POST";
  return !simple || !HeadersToAskFor(request).empty();
}

CorsAnswer Decide(const std::vector<s3::CorsRule>& rules, const PageRequest& request) {
  CorsAnswer answer;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string reason = RefusalReason(rules[i], request);
    if (reason.empty()) {
      answer.rule = i;
      return answer;
    }
    answer.reasons.push_back(RuleName(rules, i) + " does not match: " + reason);
  }
  return answer;
}

std::string RuleName(const std::vector<s3::CorsRule>& rules, std::size_t index) {
  const std::string number = std::to_string(index + 1);
  const std::string& id = rules[index].id;
  return id.empty() ? "rule " + number : "rule " + id + " (number " + number + ")";
}

std::string CorsRuleId(const std::string& origin) {
  return std::string(kOwnRule) + HexEncode(Sha256(AsBytes(origin))).substr(0, 16);
}

bool IsOwn(const s3::CorsRule& rule) { return rule.id.starts_with(kOwnRule); }

Json Describe(const std::vector<s3::CorsRule>& rules) {
  Json all = Json::array();
  for (const s3::CorsRule& rule : rules) {
    Json one;
    if (!rule.id.empty()) one["id"] = rule.id;
    one["origins"] = Sorted(rule.origins);
    one["methods"] = Sorted(rule.methods);
    one["headers"] = SortedLower(rule.headers);
    one["expose"] = SortedLower(rule.expose);
    if (rule.max_age_s) one["max_age_s"] = *rule.max_age_s;
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace coffer::fs
