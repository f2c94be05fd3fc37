#include "fs/cmd_cors.h"

#include <algorithm>
#include <utility>

#include "crypto/ascii.h"
#include "fs/bucket_change.h"
#include "fs/cors_rules.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

using Rules = std::vector<s3::CorsRule>;

constexpr std::size_t kMostRules = 100;

// ---- show, allow, remove ----

int ShowRules(const Rules& rules, bool json, Console& console) {
  if (json) {
    console.out << ToText(Json{{"rules", Describe(rules)}}) << "\n";
    return kExitOk;
  }
  if (rules.empty()) console.out << "no CORS rules: no page of another origin may load a file\n";
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const s3::CorsRule& rule = rules[i];
    std::string line =
        RuleName(rules, i) + ": " + Joined(rule.methods) + " from " + Joined(rule.origins);
    if (!rule.headers.empty()) line += "; with " + Joined(rule.headers);
    if (!rule.expose.empty()) line += "; may read " + Joined(rule.expose);
    if (rule.max_age_s) line += "; kept for " + std::to_string(*rule.max_age_s) + " s";
    console.out << Printable(line) << "\n";
  }
  return kExitOk;
}

s3::CorsRule RuleFor(const std::string& origin, const SettingOptions& options) {
  s3::CorsRule rule;
  rule.id = CorsRuleId(origin);
  rule.origins = {origin};
  rule.methods = options.method.empty() ? std::vector<std::string>{"GET"} : options.method;
  rule.headers = options.header;
  rule.expose = options.expose;
  if (options.max_age.count() > 0) {
    rule.max_age_s = static_cast<std::uint64_t>(options.max_age.count() / 1000);
  }
  return rule;
}

// In its place where there is one for the origin, else behind all others.
Result<Rules> WithAllowed(Rules rules, const SettingOptions& options) {
  for (const std::string& origin : options.origin) {
    COFFER_TRY(CheckOrigin(origin, true));
    s3::CorsRule rule = RuleFor(origin, options);
    const auto old = std::find_if(rules.begin(), rules.end(),
                                  [&](const s3::CorsRule& one) { return one.id == rule.id; });
    if (old == rules.end()) {
      rules.push_back(std::move(rule));
    } else {
      *old = std::move(rule);
    }
  }
  if (rules.size() > kMostRules) {
    return Error{Code::kTooLarge, "a bucket has 100 CORS rules at most"};
  }
  return rules;
}

// Only what Coffer wrote: without --origin all of it.
Rules Remaining(Rules rules, const SettingOptions& options) {
  std::erase_if(rules, [&](const s3::CorsRule& rule) {
    return options.origin.empty() ? IsOwn(rule)
                                  : std::any_of(options.origin.begin(), options.origin.end(),
                                                [&](const std::string& origin) {
                                                  return CorsRuleId(origin) == rule.id;
                                                });
  });
  return rules;
}

Status CheckRemoved(const Rules& rules, const SettingOptions& options) {
  for (const std::string& origin : options.origin) {
    const std::string id = CorsRuleId(origin);
    const bool there = std::any_of(rules.begin(), rules.end(),
                                   [&](const s3::CorsRule& rule) { return rule.id == id; });
    if (!there) {
      return Error{Code::kInvalid,
                   "there is no rule that coffer wrote for " + origin +
                       "; rules of others are theirs ('coffer cors show' lists all)"};
    }
  }
  return Ok();
}

std::vector<std::string> Warnings(const SettingOptions& options) {
  std::vector<std::string> warnings;
  for (const std::string& origin : options.origin) {
    if (origin == "*") {
      warnings.emplace_back(
          "every page of the web may then load what its visitor has a link to; CORS itself "
          "gives nobody access");
    } else if (origin.starts_with("http://") && options.action == "allow") {
      warnings.push_back(origin + " is not https: whoever is on the way can put a page there");
    }
  }
  return warnings;
}

Result<int> Change(const SettingOptions& options, Connection& connection, const Rules& rules,
                   Console& console) {
  const bool allow = options.action == "allow";
  if (!allow) COFFER_TRY(CheckRemoved(rules, options));
  const auto changed = [&](const Rules& found) {
    return allow ? WithAllowed(found, options) : Result<Rules>(Remaining(found, options));
  };
  COFFER_ASSIGN(Rules wanted, changed(rules));
  Rules now = rules;
  s3::BucketSettings settings = connection.MakeSettings();
  BucketChange change;
  change.command = "cors " + options.action;
  change.what = "the CORS rules of " + connection.target().name;
  change.before = Describe(rules);
  change.after = Describe(wanted);
  change.warnings = Warnings(options);
  change.read = [&]() -> Result<Json> {
    COFFER_ASSIGN(now, settings.Cors());
    return Describe(now);
  };
  change.merge = [&]() -> Result<Json> {
    COFFER_ASSIGN(wanted, changed(now));
    return Describe(wanted);
  };
  change.apply = [&] { return settings.SetCors(wanted); };
  return MakeChange(change, {options.dry_run, options.yes, options.json}, connection.clock(),
                    console);
}

// ---- check ----

// What one reply lets a page have.
struct Seen {
  int status = 0;
  std::string origin;  // Access-Control-Allow-Origin
  std::vector<std::string> expose;
  bool passes = false;
};

bool ListHas(std::string_view list, std::string_view word) {
  std::string clean = "," + AsciiLower(list) + ",";
  std::erase(clean, ' ');
  return clean.find("," + AsciiLower(word) + ",") != std::string::npos || clean == ",*,";
}

class CorsCheck {
 public:
  CorsCheck(const SettingOptions& options, Connection& connection, Console& console)
      : options_(options), connection_(connection), console_(console) {
    page_.origin = options.origin.front();
    if (!options.method.empty()) page_.method = options.method.front();
    page_.headers = options.header;
  }

  Result<int> Run();

 private:
  Result<Seen> Preflight();
  Result<Seen> Real();
  bool OriginPasses(const Seen& seen) const {
    return seen.origin == "*" || seen.origin == page_.origin;
  }
  void Explain(const Result<Rules>& rules, bool passes);
  void Say(const std::string& sentence) { sentences_.push_back(sentence); }
  int Tell(bool passes);

  const SettingOptions& options_;
  Connection& connection_;
  Console& console_;
  PageRequest page_;
  s3::Url url_;
  std::vector<std::string> sentences_;
};

Result<Seen> CorsCheck::Preflight() {
  s3::Request request;
  request.operation = s3::Operation::kPreflight;
  request.method = "OPTIONS";
  request.url = url_;
  request.unsigned_request = true;
  request.headers.Add("Origin", page_.origin);
  request.headers.Add("Access-Control-Request-Method", page_.method);
  const auto headers = HeadersToAskFor(page_);
  if (!headers.empty()) {
    request.headers.Add("Access-Control-Request-Headers", Joined(headers, ","));
  }
  COFFER_ASSIGN(const s3::Response reply, connection_.plain().Send(request));
  Seen seen;
  seen.status = reply.status;
  seen.origin = std::string(reply.headers.Get("Access-Control-Allow-Origin"));
  const std::string_view methods = reply.headers.Get("Access-Control-Allow-Methods");
  const std::string_view allowed = reply.headers.Get("Access-Control-Allow-Headers");
  seen.passes = reply.status / 100 == 2 && OriginPasses(seen) && ListHas(methods, page_.method) &&
                std::all_of(headers.begin(), headers.end(),
                            [&](const std::string& header) { return ListHas(allowed, header); });
  return seen;
}

// One byte is enough: whether the page may have the answer stands in its head.
Result<Seen> CorsCheck::Real() {
  s3::Request request;
  request.operation = s3::Operation::kGetObject;
  request.method = page_.method;
  request.url = url_;
  request.headers.Add("Origin", page_.origin);
  if (page_.method == "GET") request.headers.Add("Range", "bytes=0-0");
  COFFER_ASSIGN(const s3::Response reply, connection_.signed_transport().Send(request));
  Seen seen;
  seen.status = reply.status;
  seen.origin = std::string(reply.headers.Get("Access-Control-Allow-Origin"));
  seen.passes = OriginPasses(seen);
  return seen;
}

void CorsCheck::Explain(const Result<Rules>& rules, bool passes) {
  if (!rules) {
    return Say("The bucket's rules cannot be read, so nothing tells why: " + rules.error().what +
               ".");
  }
  const CorsAnswer answer = Decide(*rules, page_);
  if (rules->empty()) Say("The bucket has no CORS rules.");
  if (answer.rule) {
    Say("By the bucket's rules, " + RuleName(*rules, *answer.rule) + " matches.");
    const std::vector<std::string>& expose = (*rules)[*answer.rule].expose;
    Say(expose.empty() ? "Of the reply's headers the page may read only those that are always safe."
                       : "Of the reply's headers the page may also read " + Joined(expose) + ".");
  } else {
    for (const std::string& reason : answer.reasons) Say("By the bucket's rules, " + reason + ".");
  }
  if (answer.rule.has_value() != passes) {
    Say("The server answered otherwise than the rules read; what a browser sees is its answer. "
        "Rules take a moment to hold, and some servers decide differently.");
  }
}

int CorsCheck::Tell(bool passes) {
  if (options_.json) {
    Json json;
    json["origin"] = page_.origin;
    json["method"] = page_.method;
    json["preflight"] = NeedsPreflight(page_);
    json["allowed"] = passes;
    json["sentences"] = sentences_;
    console_.out << ToText(json) << "\n";
  } else {
    for (const std::string& sentence : sentences_) console_.out << Printable(sentence) << "\n";
  }
  return passes ? kExitOk : kExitAccess;
}

Result<int> CorsCheck::Run() {
  COFFER_TRY(CheckOrigin(page_.origin, false));
  std::string key = connection_.target().key_prefix;
  if (key.ends_with('/') && !options_.volume.source.ends_with('/')) key.pop_back();
  if (key.empty()) {
    return Error{Code::kInvalid, "coffer cors check needs an object: s3://BUCKET/KEY"};
  }
  url_ = connection_.target().UrlFor(key);
  const std::string own = (url_.https ? "https://" : "http://") + url_.Authority();
  if (own == page_.origin) {
    Say("The page comes from where the file is (" + own + "): it needs no CORS.");
    return Tell(true);
  }
  Say("A link, an image or a download needs no CORS; fetch() and XMLHttpRequest of " +
      page_.origin + " do.");
  bool passes = true;
  if (NeedsPreflight(page_)) {
    COFFER_ASSIGN(const Seen asked, Preflight());
    passes = asked.passes;
    Say("The browser asks first (OPTIONS), and was answered " + std::to_string(asked.status) +
        (asked.passes ? ": it may go on." : ": it goes no further."));
    if (HeadersToAskFor(page_) == std::vector<std::string>{"range"}) {
      Say("A browser of 2022 or later does not ask for a range of the form bytes=0-99.");
    }
  } else {
    Say("The browser does not ask first: it sends the request, and looks whether the page may "
        "have the answer.");
  }
  if (passes && (page_.method == "GET" || page_.method == "HEAD")) {
    COFFER_ASSIGN(const Seen real, Real());
    passes = real.passes;
    Say("The request itself was answered " + std::to_string(real.status) +
        (real.passes ? ", for " + (real.origin == "*" ? "every origin" : real.origin) +
                           ": the page gets it."
                     : ", without the origin: the page gets an error and no reason."));
    if (real.passes && real.status / 100 != 2 && real.status != 416) {
      Say("What it gets is a refusal all the same: CORS gives nobody access to the object.");
    }
  } else if (passes) {
    Say("The request itself would change something, and is not sent.");
  }
  Explain(connection_.MakeSettings().Cors(), passes);
  return Tell(passes);
}

}  // namespace

Result<int> RunCors(const SettingOptions& options, Connection& connection, Console& console) {
  if (options.action == "check") return CorsCheck(options, connection, console).Run();
  COFFER_ASSIGN(const Rules rules, connection.MakeSettings().Cors());
  if (options.action == "show") return ShowRules(rules, options.json, console);
  return Change(options, connection, rules, console);
}

}  // namespace coffer::fs
