#include "fs/policy_rules.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace coffer::fs {
namespace {

using Texts = std::vector<std::string>;

// The Sids of a rule: letters and digits alone.
struct RuleSids {
  std::string_view rule;
  std::vector<std::string_view> sids;
};
const std::vector<RuleSids>& AllRules() {
  static const std::vector<RuleSids> kRules = {
      {"delegate", {"CofferDelegate"}},
      {"only-access-points", {"CofferOnlyAccessPoints"}},
      {"tls", {"CofferTls", "CofferTlsVersion"}},
      {"encryption", {"CofferEncryption", "CofferEncryptionKey"}},
      {"names", {"CofferNamesKept", "CofferNamesMadeOnce"}},
      {"versions", {"CofferVersions"}},
      {"retention-bounds", {"CofferRetentionMin", "CofferRetentionMax"}},
  };
  return kRules;
}

const RuleSids* FindRule(std::string_view name) {
  for (const RuleSids& rule : AllRules()) {
    if (rule.rule == name) return &rule;
  }
  return nullptr;
}

Error UnknownRule(std::string_view name) {
  std::string names;
  for (const std::string_view one : PolicyRuleNames()) {
    names += (names.empty() ? "" : ", ") + std::string(one);
  }
  return {Code::kInvalid, "'" + std::string(name) + "' is no rule: one of " + names};
}

class Builder {
 public:
  explicit Builder(const PolicyRule& rule)
      : rule_(rule), bucket_("arn:" + rule.partition + ":s3:::" + rule.bucket) {}

  Result<std::vector<Json>> Statements() {
    const std::string& name = rule_.name;
    if (name == "delegate") return Delegate();
    if (name == "only-access-points") return OnlyAccessPoints();
    if (name == "tls") return Tls();
    if (name == "encryption") return Encryption();
    if (name == "names") return Names();
    if (name == "versions") return Versions();
    if (name == "retention-bounds") return RetentionBounds();
    return UnknownRule(name);
  }

 private:
  Json Statement(const char* sid, const char* effect, Json actions, Json resources,
                 Json condition) const {
    Json json;
    json["Sid"] = sid;
    json["Effect"] = effect;
    json["Principal"] = "*";
    json["Action"] = std::move(actions);
    json["Resource"] = std::move(resources);
    if (!condition.is_null()) json["Condition"] = std::move(condition);
    return json;
  }
  Json Everything() const { return Json::array({bucket_, bucket_ + "/*"}); }
  Json Objects() const { return bucket_ + "/" + rule_.prefix + "*"; }

  Result<std::vector<Json>> Delegate() const {
    return std::vector{
        Statement("CofferDelegate", "Allow", "*", Everything(),
                  Json{{"StringEquals", Json{{"s3:DataAccessPointAccount", rule_.owner}}}})};
  }

  // What an access point can carry, and nothing else: whoever manages the bucket goes on doing so.
  Result<std::vector<Json>> OnlyAccessPoints() const {
    Json condition;
    condition["StringNotEquals"]["s3:DataAccessPointAccount"] = rule_.owner;
    condition["BoolIfExists"]["aws:PrincipalIsAWSService"] = "false";
    if (!rule_.except.empty()) condition["ArnNotLike"]["aws:PrincipalArn"] = rule_.except;
    return std::vector{Statement(
        "CofferOnlyAccessPoints", "Deny",
        Json::array({"s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket*",
                     "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:RestoreObject"}),
        Everything(), std::move(condition))};
  }

  Result<std::vector<Json>> Tls() const {
    const std::string least = rule_.min.empty() ? "1.2" : rule_.min;
    if (least != "1.2" && least != "1.3") {
      return Error{Code::kInvalid, "--min of the rule tls is 1.2 or 1.3, not '" + least + "'"};
    }
    // In one statement both would have to be true, and plain http has no version.
    return std::vector{Statement("CofferTls", "Deny", "s3:*", Everything(),
                                 Json{{"Bool", Json{{"aws:SecureTransport", "false"}}}}),
                       Statement("CofferTlsVersion", "Deny", "s3:*", Everything(),
                                 Json{{"NumericLessThan", Json{{"s3:TlsVersion", least}}}})};
  }

  Result<std::vector<Json>> Encryption() const {
    if (rule_.sse.empty()) {
      return Error{Code::kInvalid,
                   "the rule encryption needs --sse AES256, aws:kms or "
                   "aws:kms:dsse"};
    }
    std::vector out{
        Statement("CofferEncryption", "Deny", "s3:PutObject", Objects(),
                  Json{{"StringNotEquals", Json{{"s3:x-amz-server-side-encryption", rule_.sse}}}})};
    if (rule_.kms_key.empty()) return out;
    Json condition;
    condition["StringNotEquals"]["s3:x-amz-server-side-encryption-aws-kms-key-id"] = rule_.kms_key;
    out.push_back(
        Statement("CofferEncryptionKey", "Deny", "s3:PutObject", Objects(), std::move(condition)));
    return out;
  }

  // The parts of an upload carry no If-None-Match, and make no object.
  Result<std::vector<Json>> Names() const {
    Json condition;
    condition["Null"]["s3:if-none-match"] = "true";
    condition["Bool"]["s3:ObjectCreationOperation"] = "true";
    return std::vector{
        Statement("CofferNamesKept", "Deny", "s3:DeleteObject", Objects(), nullptr),
        Statement("CofferNamesMadeOnce", "Deny", "s3:PutObject", Objects(), std::move(condition))};
  }

  Result<std::vector<Json>> Versions() const {
    return std::vector{
        Statement("CofferVersions", "Deny",
                  Json::array({"s3:DeleteObjectVersion", "s3:PutBucketVersioning",
                               "s3:PutLifecycleConfiguration", "s3:BypassGovernanceRetention"}),
                  Everything(), nullptr)};
  }

  static Result<int> Days(const std::string& text, const char* option) {
    int days = 0;
    const char* end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, days);
    if (error != std::errc() || days < 1 || days > 36'500 || std::string_view(at, end) != "d") {
      return Error{Code::kInvalid, std::string(option) +
                                       " of the rule retention-bounds is a "
                                       "number of days such as 30d, not '" +
                                       text + "'"};
    }
    return days;
  }

  Result<std::vector<Json>> RetentionBounds() const {
    std::vector<Json> out;
    const Json actions = Json::array({"s3:PutObject", "s3:PutObjectRetention"});
    constexpr const char* kKey = "s3:object-lock-remaining-retention-days";
    int min = 0;
    if (!rule_.min.empty()) {
      COFFER_ASSIGN(min, Days(rule_.min, "--min"));
      out.push_back(Statement("CofferRetentionMin", "Deny", actions, Objects(),
                              Json{{"NumericLessThan", Json{{kKey, std::to_string(min)}}}}));
    }
    if (!rule_.max.empty()) {
      COFFER_ASSIGN(const int max, Days(rule_.max, "--max"));
      if (max < min) return Error{Code::kInvalid, "--max is less than --min"};
      out.push_back(Statement("CofferRetentionMax", "Deny", actions, Objects(),
                              Json{{"NumericGreaterThan", Json{{kKey, std::to_string(max)}}}}));
    }
    if (out.empty()) {
      return Error{Code::kInvalid, "the rule retention-bounds needs --min, --max or both"};
    }
    return out;
  }

  const PolicyRule& rule_;
  const std::string bucket_;
};

void Erase(Json& statements, const RuleSids& rule) {
  Json kept = Json::array();
  for (const Json& statement : statements) {
    const std::string sid = statement.value("Sid", "");
    if (std::find(rule.sids.begin(), rule.sids.end(), sid) == rule.sids.end()) {
      kept.push_back(statement);
    }
  }
  statements = std::move(kept);
}

}  // namespace

const std::vector<std::string_view>& PolicyRuleNames() {
  static const std::vector<std::string_view> kNames = [] {
    std::vector<std::string_view> names;
    for (const RuleSids& rule : AllRules()) names.push_back(rule.rule);
    return names;
  }();
  return kNames;
}

std::vector<std::string> CautionsOf(const PolicyRule& rule) {
  std::vector<std::string> out;
  if (rule.name == "delegate") {
    out.emplace_back(
        "whoever may set the policy of an access point of the account then decides who reads and "
        "writes; requests to the bucket itself are not affected");
  }
  if (rule.name == "only-access-points") {
    out.emplace_back(
        "who manages the bucket may still change this policy; log delivery and other services of "
        "AWS are not affected");
  }
  if (rule.name == "encryption") {
    out.emplace_back(
        "uploads that do not ask for it are denied, also those of a mount without "
        "--sse " +
        rule.sse + (rule.kms_key.empty() ? "" : " --sse-kms-key-id " + rule.kms_key));
  }
  if (rule.name == "names") {
    out.emplace_back(
        "files can then be made and read: no overwrite, no delete, no rename, no change of modes, "
        "by anybody");
  }
  if (rule.name == "versions") {
    out.emplace_back(
        "nobody deletes a version or sets a lifecycle then: what is stored is paid for until this "
        "rule is removed, which whoever may set the policy can do");
  }
  if (rule.name == "retention-bounds") {
    out.emplace_back("what is written without a retention is not affected");
  }
  return out;
}

Result<Policy> RemoveRule(const Policy& policy, std::string_view name) {
  const RuleSids* rule = FindRule(name);
  if (rule == nullptr) return UnknownRule(name);
  Json json = policy.json;
  Erase(json["Statement"], *rule);
  return ReadPolicy(std::move(json));
}

Result<Policy> AddRule(const Policy& policy, const PolicyRule& rule) {
  COFFER_ASSIGN(const std::vector<Json> statements, Builder(rule).Statements());
  COFFER_ASSIGN(const Policy rest, RemoveRule(policy, rule.name));
  Json json = rest.json;
  for (const Json& statement : statements) json["Statement"].push_back(statement);
  if (json.dump().size() > kMaxPolicyBytes) {
    return Error{Code::kTooLarge,
                 "the policy would have more than the 20480 bytes that the "
                 "service takes: remove statements first"};
  }
  return ReadPolicy(std::move(json));
}

}  // namespace coffer::fs
