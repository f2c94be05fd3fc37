#include "fs/policy_evaluator.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "crypto/ascii.h"
#include "s3client/date.h"

namespace coffer::fs {
namespace {

using s3::Tri;

Tri ToTri(bool yes) { return yes ? Tri::kYes : Tri::kNo; }
Tri Not(Tri value) {
  if (value == Tri::kUnknown) return value;
  return ToTri(value == Tri::kNo);
}
Tri Both(Tri a, Tri b) {
  if (a == Tri::kNo || b == Tri::kNo) return Tri::kNo;
  return a == Tri::kUnknown || b == Tri::kUnknown ? Tri::kUnknown : Tri::kYes;
}
Tri Either(Tri a, Tri b) { return Not(Both(Not(a), Not(b))); }

// The six pieces of an ARN; the last keeps its colons. Missing ones are "".
std::array<std::string_view, 6> Pieces(std::string_view arn) {
  std::array<std::string_view, 6> pieces;
  for (std::size_t i = 0; i < 5; ++i) {
    const std::size_t colon = arn.find(':');
    pieces.at(i) = arn.substr(0, colon);
    arn = colon == arn.npos ? std::string_view() : arn.substr(colon + 1);
  }
  pieces[5] = arn;
  return pieces;
}

}  // namespace

bool FitsArn(std::string_view pattern, std::string_view arn) {
  if (pattern == "*") return true;
  const auto wanted = Pieces(pattern);
  const auto found = Pieces(arn);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!Fits(wanted.at(i), found.at(i))) return false;
  }
  return true;
}

namespace {

enum class How { kExact, kIgnoreCase, kLike, kArn };

bool MatchesValue(How how, std::string_view pattern, std::string_view text) {
  if (how == How::kLike) return Fits(pattern, text);
  if (how == How::kArn) return FitsArn(pattern, text);
  if (how == How::kIgnoreCase) return AsciiLower(pattern) == AsciiLower(text);
  return pattern == text;
}

// Whether some text is of both patterns.
bool Overlap(std::string_view a, std::string_view b) {
  std::vector<bool> below(b.size() + 1, false);  // of what is left of `a` without its first
  for (std::size_t i = a.size() + 1; i-- > 0;) {
    std::vector<bool> row(b.size() + 1, false);
    for (std::size_t j = b.size() + 1; j-- > 0;) {
      const bool in_a = i < a.size();
      const bool in_b = j < b.size();
      if (!in_a && !in_b) row[j] = true;
      if (in_a && a[i] == '*') row[j] = below[j] || (in_b && row[j + 1]);
      if (in_b && b[j] == '*') row[j] = row[j] || row[j + 1] || (in_a && below[j]);
      if (in_a && in_b && (a[i] == '?' || b[j] == '?' || a[i] == b[j]))
        row[j] = row[j] || below[j + 1];
    }
    below = std::move(row);
  }
  return below[0];
}

// The same of a pattern of `how`, where the text is any of `texts`, a pattern with '*'.
bool MayMatch(How how, std::string_view pattern, std::string_view texts) {
  if (how == How::kExact) return Fits(texts, pattern);
  if (how == How::kIgnoreCase) return Fits(AsciiLower(texts), AsciiLower(pattern));
  if (how == How::kLike || pattern == "*") return Overlap(pattern, texts);
  const auto wanted = Pieces(pattern);
  const auto found = Pieces(texts);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!Overlap(wanted.at(i), found.at(i))) return false;
  }
  return true;
}

// A role whose path is unknown may be any of those that end in its name.
Tri FitsCaller(How how, const PolicyCaller& caller, std::string_view pattern) {
  const bool plain = MatchesValue(how, pattern, caller.arn);
  if (!caller.path_unknown) return ToTri(plain);
  const std::size_t slash = caller.arn.find('/');
  const std::string kind = caller.arn.substr(0, slash);
  const std::string name = caller.arn.substr(slash);
  // What takes the role without a path, and with one that nobody has, takes it with any.
  if (plain && MatchesValue(how, pattern, kind + "/\x01/\x01" + name)) return Tri::kYes;
  return plain || MayMatch(how, pattern, kind + "/*" + name) ? Tri::kUnknown : Tri::kNo;
}

std::optional<double> NumberIn(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> Moment(const std::string& text) {
  if (const auto number = NumberIn(text)) return number;
  if (const auto date = s3::ParseIsoDate(text)) return static_cast<double>(*date);
  return std::nullopt;
}

struct IpBits {
  std::array<std::uint8_t, 16> bytes{};
  int size = 0;  // in bits
};
std::optional<IpBits> ParseIp(const std::string& text) {
  IpBits ip;
  if (inet_pton(AF_INET, text.c_str(), ip.bytes.data()) == 1) {
    ip.size = 32;
    return ip;
  }
  if (inet_pton(AF_INET6, text.c_str(), ip.bytes.data()) == 1) {
    ip.size = 128;
    return ip;
  }
  return std::nullopt;
}

Tri InRange(const std::string& range, const std::string& address) {
  const std::size_t slash = range.find('/');
  const auto net = ParseIp(range.substr(0, slash));
  const auto ip = ParseIp(address);
  if (!net || !ip) return Tri::kUnknown;
  int bits = net->size;
  if (slash != std::string::npos) {
    const auto length = NumberIn(range.substr(slash + 1));
    if (!length || *length < 0 || *length > net->size) return Tri::kUnknown;
    bits = static_cast<int>(*length);
  }
  if (net->size != ip->size) return Tri::kNo;
  for (int bit = 0; bit < bits; ++bit) {
    const auto at = static_cast<std::size_t>(bit / 8);
    const int mask = 0x80 >> (bit % 8);
    if (((net->bytes.at(at) ^ ip->bytes.at(at)) & mask) != 0) return Tri::kNo;
  }
  return Tri::kYes;
}

Tri Compare(std::string_view how, std::optional<double> found, std::optional<double> wanted) {
  if (!found || !wanted) return Tri::kUnknown;
  if (how == "Equals") return ToTri(*found == *wanted);
  if (how == "LessThan") return ToTri(*found < *wanted);
  if (how == "LessThanEquals") return ToTri(*found <= *wanted);
  if (how == "GreaterThan") return ToTri(*found > *wanted);
  if (how == "GreaterThanEquals") return ToTri(*found >= *wanted);
  return Tri::kUnknown;
}

// An operator without "Not" and "IfExists", on one value. kUnknown for one that is not known.
Tri MatchesValue(std::string_view op, const std::string& wanted, const std::string& found,
                 const PolicyCaller* caller) {
  if (wanted.find("${") != std::string::npos) return Tri::kUnknown;  // a policy variable
  const auto on_text = [&](How how) {
    return caller != nullptr ? FitsCaller(how, *caller, wanted)
                             : ToTri(MatchesValue(how, wanted, found));
  };
  if (op == "StringEquals") return on_text(How::kExact);
  if (op == "StringEqualsIgnoreCase") return on_text(How::kIgnoreCase);
  if (op == "StringLike") return on_text(How::kLike);
  if (op == "ArnEquals" || op == "ArnLike") return on_text(How::kArn);
  if (op == "Bool") return ToTri(AsciiLower(wanted) == AsciiLower(found));
  if (op == "IpAddress") return InRange(wanted, found);
  if (op.starts_with("Numeric")) return Compare(op.substr(7), NumberIn(found), NumberIn(wanted));
  if (op.starts_with("Date")) return Compare(op.substr(4), Moment(found), Moment(wanted));
  return Tri::kUnknown;
}

// What every request of that action carries, so that it is never absent: only nobody said it.
bool AlwaysThere(std::string_view key, std::string_view action) {
  const auto has = [&](std::string_view word) { return action.find(word) != action.npos; };
  if (key == "s3:x-amz-content-sha256") return true;
  if (key == "s3:versionid") return has("objectversion");
  // In the body, if not in a header.
  if (key == "s3:x-amz-acl" || key.starts_with("s3:x-amz-grant-")) return action.ends_with("acl");
  if (key == "s3:object-lock-legal-hold") return has("putobjectlegalhold");
  return key.starts_with("s3:object-lock-") && has("putobjectretention");
}

// Keys that S3 sets from the request itself, so that one which is not there is absent.
bool AbsentIsKnown(std::string_view key, const std::string& action) {
  constexpr std::array<std::string_view, 16> kKeys = {"s3:if-none-match",
                                                      "s3:if-match",
                                                      "s3:objectcreationoperation",
                                                      "s3:dataaccesspointaccount",
                                                      "s3:dataaccesspointarn",
                                                      "s3:accesspointnetworkorigin",
                                                      "s3:prefix",
                                                      "s3:delimiter",
                                                      "s3:max-keys",
                                                      "s3:versionid",
                                                      "s3:tlsversion",
                                                      "s3:resourceaccount",
                                                      "aws:securetransport",
                                                      "aws:principalarn",
                                                      "aws:principalaccount",
                                                      "aws:principalisawsservice"};
  if (AlwaysThere(key, AsciiLower(action))) return false;
  return key.starts_with("s3:x-amz-") || key.starts_with("s3:object-lock-") ||
         std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

// Takes `head` and `tail` off `text`, which begins and ends so.
bool CutAffixes(std::string_view& text, std::string_view head, std::string_view tail) {
  if (!text.starts_with(head) || !text.ends_with(tail)) return false;
  text.remove_prefix(head.size());
  text.remove_suffix(tail.size());
  return true;
}

// "StringNotEquals" is the negation of "StringEquals", "NotIpAddress" of "IpAddress".
std::optional<std::string> Positive(std::string_view op) {
  for (const std::string_view family : {"String", "Arn", "Numeric", "Date"}) {
    const std::string negated = std::string(family) + "Not";
    if (op.starts_with(negated))
      return std::string(family) + std::string(op.substr(negated.size()));
  }
  if (op == "NotIpAddress") return "IpAddress";
  return std::nullopt;
}

Tri AnyFits(const std::vector<std::string>& patterns, std::string_view text,
            bool (*fits)(std::string_view, std::string_view)) {
  Tri any = Tri::kNo;
  for (const std::string& pattern : patterns) {
    const bool variable = pattern.find("${") != std::string::npos;
    any = Either(any, variable ? Tri::kUnknown : ToTri(fits(pattern, text)));
  }
  return any;
}

bool FitsAction(std::string_view pattern, std::string_view action) {
  return Fits(AsciiLower(pattern), AsciiLower(action));
}

bool IsRootOf(const std::string& arn, const std::string& account) {
  return arn.ends_with("::" + account + ":root");
}

// "arn:aws:sts::A:assumed-role/NAME/SESSION" of a role "arn:aws:iam::A:role/PATH/NAME".
bool IsSessionOf(std::string_view session, const std::string& role) {
  const auto pieces = Pieces(role);
  if (!pieces[5].starts_with("role/")) return false;
  const std::string_view name = pieces[5].substr(pieces[5].rfind('/'));
  return session.starts_with("arn:" + std::string(pieces[1]) + ":sts::" + std::string(pieces[4]) +
                             ":assumed-role" + std::string(name) + "/");
}

// A role asks in sessions: which one, only an ARN of a session tells.
Tri NamedBy(const std::string& principal, const PolicyCaller& caller) {
  if (principal == caller.session) return Tri::kYes;
  if (caller.session.empty() && IsSessionOf(principal, caller.arn)) return Tri::kUnknown;
  return FitsCaller(How::kExact, caller, principal);
}

struct Who {
  Tri matches = Tri::kNo;
  bool by_account = false;  // only because its account is named
};
Who NamesCaller(const PolicyStatement& statement, const PolicyCaller& caller) {
  if (statement.except_principals) return {Tri::kUnknown, false};
  if (statement.everybody) return {Tri::kYes, false};
  if (caller.arn.empty()) {
    const auto& services = statement.services;
    const bool named = !caller.service.empty() && std::find(services.begin(), services.end(),
                                                            caller.service) != services.end();
    return {ToTri(named), false};
  }
  Who who;
  if (statement.unknown_principals) who.matches = Tri::kUnknown;
  for (const std::string& principal : statement.principals) {
    const Tri fits = NamedBy(principal, caller);
    if (fits == Tri::kYes) return {Tri::kYes, false};
    who.matches = Either(who.matches, fits);
  }
  const bool account = std::any_of(statement.principals.begin(), statement.principals.end(),
                                   [&](const auto& arn) { return IsRootOf(arn, caller.account); });
  if (account && (who.matches == Tri::kNo || !statement.allow)) return {Tri::kYes, true};
  return who;
}

// Whatever the policy says: it can always be mended.
bool IsRootOnPolicy(const PolicyRequest& request) {
  const std::string action = AsciiLower(request.action);
  return IsRootOf(request.caller.arn, request.owner) &&
         (action == "s3:getbucketpolicy" || action == "s3:putbucketpolicy" ||
          action == "s3:deletebucketpolicy");
}

Tri Applies(const PolicyStatement& statement, const PolicyRequest& request, Tri who) {
  Tri action = AnyFits(statement.actions, request.action, FitsAction);
  if (statement.except_actions) action = Not(action);
  Tri resource = AnyFits(statement.resources, request.resource, FitsArn);
  if (statement.except_resources) resource = Not(resource);
  Tri all = Both(who, Both(action, resource));
  for (const PolicyCondition& condition : statement.conditions) {
    if (all == Tri::kNo) break;
    all = Both(all, Holds(condition, request));
  }
  return all;
}

// Statements allow it: does that do?
Decision AllowedBy(const PolicyStatement& by, const PolicyRequest& request, bool by_account) {
  const bool foreign = request.caller.account != request.owner && !request.caller.arn.empty();
  if (foreign) {
    return {PolicyVerdict::kNotDecided, by.name,
            by.name + " allows it, and the IAM policies of account " + request.caller.account +
                " must, too",
            false};
  }
  if (by_account) {
    return {PolicyVerdict::kNotDecided, by.name,
            by.name + " leaves it to the account: the IAM policies of the principal may allow it",
            false};
  }
  return {PolicyVerdict::kAllowed, by.name, by.name + " allows it", false};
}

}  // namespace

bool Fits(std::string_view pattern, std::string_view text) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = pattern.npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

Result<PolicyCaller> ParseCaller(std::string_view arn) {
  if (arn == "*") return PolicyCaller{};
  const auto pieces = Pieces(arn);
  const std::string_view what = pieces[5];
  if (pieces[0] != "arn" || (pieces[2] != "iam" && pieces[2] != "sts") || what.empty()) {
    return Error{Code::kInvalid, "'" + std::string(arn) +
                                     "' is no principal: an ARN such as "
                                     "arn:aws:iam::123456789012:user/alice, or * for nobody"};
  }
  PolicyCaller caller{std::string(arn), std::string(pieces[4]), "", "", false};
  constexpr std::string_view kSession = "assumed-role/";
  if (pieces[2] != "sts" || !what.starts_with(kSession)) return caller;
  const std::string_view rest = what.substr(kSession.size());
  caller.session = arn;
  caller.arn = "arn:" + std::string(pieces[1]) + ":iam::" + caller.account + ":role/" +
               std::string(rest.substr(0, rest.find('/')));
  caller.path_unknown = true;
  return caller;
}

Tri Holds(const PolicyCondition& condition, const PolicyRequest& request) {
  std::string_view op = condition.op;
  const std::string key = AsciiLower(condition.key);
  const auto found = request.context.find(key);
  const bool present = found != request.context.end();
  if (request.unknown.contains(key)) return Tri::kUnknown;
  if (!present && !AbsentIsKnown(key, request.action)) return Tri::kUnknown;
  if (op == "Null") {
    Tri any = Tri::kNo;
    for (const std::string& value : condition.values) {
      any = Either(any, ToTri((AsciiLower(value) == "true") != present));
    }
    return any;
  }
  // A key is said to have one value here, of which "any" and "all" are the same.
  const bool for_all = CutAffixes(op, "ForAllValues:", "");
  const bool for_any = CutAffixes(op, "ForAnyValue:", "");
  const bool if_exists = CutAffixes(op, "", "IfExists");
  const std::optional<std::string> positive = Positive(op);
  if (!present) return ToTri(for_all || if_exists || (positive.has_value() && !for_any));
  const bool of_caller = key == "aws:principalarn" && request.caller.path_unknown;
  Tri any = Tri::kNo;
  for (const std::string& value : condition.values) {
    any = Either(any, MatchesValue(positive ? std::string_view(*positive) : op, value,
                                   found->second, of_caller ? &request.caller : nullptr));
  }
  return positive ? Not(any) : any;
}

Decision Evaluate(const std::vector<PolicyStatement>& statements, const PolicyRequest& request) {
  Decision undecided;
  Decision allowed;
  bool is_allowed = false;
  if (IsRootOnPolicy(request)) {
    return {PolicyVerdict::kAllowed, "", "the account's root may always do it", false};
  }
  for (const PolicyStatement& statement : statements) {
    const Who who = NamesCaller(statement, request.caller);
    const Tri applies = Applies(statement, request, who.matches);
    if (applies == Tri::kNo) continue;
    if (applies == Tri::kUnknown) {
      if (statement.allow && undecided.uncertain) continue;
      undecided = {PolicyVerdict::kNotDecided, statement.name,
                   statement.name + " may or may not match: it asks for what is not known here",
                   !statement.allow};
      continue;
    }
    if (!statement.allow) {
      return {PolicyVerdict::kDenied, statement.name, "denied by " + statement.name, false};
    }
    const Decision decision = AllowedBy(statement, request, who.by_account);
    if (!is_allowed || decision.verdict == PolicyVerdict::kAllowed) allowed = decision;
    is_allowed = true;
  }
  if (undecided.uncertain) return undecided;
  if (is_allowed) return allowed;
  if (!undecided.statement.empty()) return undecided;
  if (request.caller.arn.empty() || request.caller.account != request.owner) {
    return {PolicyVerdict::kDenied, "",
            "denied: no statement allows it to who is not of the account (an ACL, where the bucket "
            "has them on, is not looked at)",
            false};
  }
  return {PolicyVerdict::kNotDecided, "",
          "no statement speaks of it: the IAM policies of the principal may allow it", false};
}

}  // namespace coffer::fs
