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

bool FitsArn(std::string_view pattern, std::string_view arn) {
  if (pattern == "*") return true;
  const auto wanted = Pieces(pattern);
  const auto found = Pieces(arn);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!Fits(wanted.at(i), found.at(i))) return false;
  }
  return true;
}

// A role whose path is unknown may be any of those that end in its name.
template <typename Match>
Tri FitsCaller(const Match& match, const PolicyCaller& caller, std::string_view pattern) {
  const bool plain = match(pattern, caller.arn);
  if (!caller.path_unknown) return ToTri(plain);
  const std::size_t slash = caller.arn.find('/');
  const std::string_view name = std::string_view(caller.arn).substr(slash);
  const std::string nested = caller.arn.substr(0, slash) + "/\x01/\x01" + std::string(name);
  const bool any_path = match(pattern, nested);
  if (plain && any_path) return Tri::kYes;
  if (plain || any_path) return Tri::kUnknown;
  // "role/team/NAME" names one of them.
  const bool may_be = pattern.find(":role/") != pattern.npos &&
                      (pattern.ends_with(name) || pattern.find('*') != pattern.npos);
  return may_be ? Tri::kUnknown : Tri::kNo;
}

std::optional<double> Number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> Moment(const std::string& text) {
  if (const auto number = Number(text)) return number;
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
    const auto length = Number(range.substr(slash + 1));
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
Tri Matches(std::string_view op, const std::string& wanted, const std::string& found,
            const PolicyCaller* caller) {
  if (wanted.find("${") != std::string::npos) return Tri::kUnknown;  // a policy variable
  const auto on_text = [&](const auto& match) {
    return caller != nullptr ? FitsCaller(match, *caller, wanted) : ToTri(match(wanted, found));
  };
  if (op == "StringEquals") return on_text([](auto a, auto b) { return a == b; });
  if (op == "StringEqualsIgnoreCase") {
    return on_text([](auto a, auto b) { return AsciiLower(a) == AsciiLower(b); });
  }
  if (op == "StringLike") return on_text([](auto a, auto b) { return Fits(a, b); });
  if (op == "ArnEquals" || op == "ArnLike") {
    return on_text([](auto a, auto b) { return FitsArn(a, b); });
  }
  if (op == "Bool") return ToTri(AsciiLower(wanted) == AsciiLower(found));
  if (op == "IpAddress") return InRange(wanted, found);
  if (op.starts_with("Numeric")) return Compare(op.substr(7), Number(found), Number(wanted));
  if (op.starts_with("Date")) return Compare(op.substr(4), Moment(found), Moment(wanted));
  return Tri::kUnknown;
}

// Keys that S3 sets from the request itself, so that one which is not there is absent.
bool AbsentIsKnown(std::string_view key) {
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
  return key.starts_with("s3:x-amz-") || key.starts_with("s3:object-lock-") ||
         std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
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

struct Who {
  Tri matches = Tri::kNo;
  bool by_account = false;  // only because its account is named
};
Who Names(const PolicyStatement& statement, const PolicyCaller& caller) {
  if (statement.except_principals) return {Tri::kUnknown, false};
  if (statement.everybody) return {Tri::kYes, false};
  Who who;
  for (const std::string& principal : statement.principals) {
    if (caller.arn.empty()) continue;
    if (principal == caller.session) return {Tri::kYes, false};
    const Tri fits = FitsCaller([](auto a, auto b) { return a == b; }, caller, principal);
    if (fits == Tri::kYes) return {Tri::kYes, false};
    who.matches = Either(who.matches, fits);
  }
  if (who.matches == Tri::kNo && !caller.arn.empty()) {
    who.by_account = std::any_of(statement.principals.begin(), statement.principals.end(),
                                 [&](const auto& arn) { return IsRootOf(arn, caller.account); });
    if (who.by_account) who.matches = Tri::kYes;
  }
  return who;
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
Decision Allowed(const PolicyStatement& by, const PolicyRequest& request, bool by_account) {
  const bool foreign = request.caller.account != request.owner && !request.caller.arn.empty();
  if (foreign) {
    return {Verdict::kNotDecided, by.name,
            by.name + " allows it, and the IAM policies of account " + request.caller.account +
                " must, too",
            false};
  }
  if (by_account) {
    return {Verdict::kNotDecided, by.name,
            by.name + " leaves it to the account: the IAM policies of the principal may allow it",
            false};
  }
  return {Verdict::kAllowed, by.name, by.name + " allows it", false};
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
  PolicyCaller caller{std::string(arn), std::string(pieces[4]), "", false};
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
  std::string op = condition.op;
  const std::string key = AsciiLower(condition.key);
  const auto found = request.context.find(key);
  const bool present = found != request.context.end();
  if (!present && !AbsentIsKnown(key)) return Tri::kUnknown;
  if (op == "Null") {
    Tri any = Tri::kNo;
    for (const std::string& value : condition.values) {
      any = Either(any, ToTri((AsciiLower(value) == "true") != present));
    }
    return any;
  }
  constexpr std::string_view kIfExists = "IfExists";
  const bool if_exists = op.ends_with(kIfExists);
  if (if_exists) op.resize(op.size() - kIfExists.size());
  const std::optional<std::string> positive = Positive(op);
  if (!present) return ToTri(if_exists || positive.has_value());
  const bool of_caller = key == "aws:principalarn" && request.caller.path_unknown;
  Tri any = Tri::kNo;
  for (const std::string& value : condition.values) {
    any = Either(any, Matches(positive.value_or(op), value, found->second,
                              of_caller ? &request.caller : nullptr));
  }
  return positive ? Not(any) : any;
}

Decision Evaluate(const std::vector<PolicyStatement>& statements, const PolicyRequest& request) {
  Decision undecided;
  Decision allowed;
  bool is_allowed = false;
  for (const PolicyStatement& statement : statements) {
    const Who who = Names(statement, request.caller);
    const Tri applies = Applies(statement, request, who.matches);
    if (applies == Tri::kNo) continue;
    if (applies == Tri::kUnknown) {
      if (statement.allow && undecided.uncertain) continue;
      undecided = {Verdict::kNotDecided, statement.name,
                   statement.name + " may or may not match: it asks for what is not known here",
                   !statement.allow};
      continue;
    }
    if (!statement.allow) {
      return {Verdict::kDenied, statement.name, "denied by " + statement.name, false};
    }
    const Decision decision = Allowed(statement, request, who.by_account);
    if (!is_allowed || decision.verdict == Verdict::kAllowed) allowed = decision;
    is_allowed = true;
  }
  if (undecided.uncertain) return undecided;
  if (is_allowed) return allowed;
  if (!undecided.statement.empty()) return undecided;
  if (request.caller.arn.empty() || request.caller.account != request.owner) {
    return {Verdict::kDenied, "", "denied: no statement allows it to who is not of the account",
            false};
  }
  return {Verdict::kNotDecided, "",
          "no statement speaks of it: the IAM policies of the principal may allow it", false};
}

}  // namespace coffer::fs
