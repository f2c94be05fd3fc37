#include "fs/policy_rules.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "s3client/xml.h"

namespace coffer::fs {
namespace {

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

std::string ObjectsOf(const PolicyRule& rule) {
  return "arn:" + rule.partition + ":s3:::" + rule.bucket + "/" + rule.prefix + "*";
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
  Json Objects() const { return ObjectsOf(rule_); }

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
    if (rule_.kms_key.find(":key/") == std::string::npos) {
      return Error{Code::kInvalid,
                   "the rule encryption compares the ARN of the key "
                   "(arn:aws:kms:REGION:ACCOUNT:key/ID), not an id or an alias such as '" +
                       rule_.kms_key + "': it would deny every upload"};
    }
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

bool IsOf(const RuleSids& rule, const Json& statement) {
  const std::string sid = statement.value("Sid", "");
  return std::find(rule.sids.begin(), rule.sids.end(), sid) != rule.sids.end();
}

void Erase(Json& statements, const RuleSids& rule) {
  Json kept = Json::array();
  for (const Json& statement : statements) {
    if (!IsOf(rule, statement)) kept.push_back(statement);
  }
  statements = std::move(kept);
}

// A Sid is there once, so that the rule of a second prefix is another resource of its statements.
void Widen(Json& statement, const Policy& policy) {
  const auto old =
      std::find_if(policy.statements.begin(), policy.statements.end(),
                   [&](const PolicyStatement& one) { return one.name == statement["Sid"]; });
  if (old == policy.statements.end()) return;
  Texts all = old->resources;
  const std::string wanted = statement["Resource"].get<std::string>();
  const auto covers = [](std::string_view wide, std::string_view narrow) {
    return wide.ends_with('*') && narrow.starts_with(wide.substr(0, wide.size() - 1));
  };
  if (std::any_of(all.begin(), all.end(), [&](const auto& one) { return covers(one, wanted); })) {
    statement["Resource"] = all;
    return;
  }
  std::erase_if(all, [&](const std::string& one) { return covers(wanted, one); });
  all.push_back(wanted);
  statement["Resource"] = all;
}

// Without the objects of one prefix; a statement of no others goes.
Json Narrowed(const Policy& policy, const RuleSids& rule, const std::string& objects) {
  Json kept = Json::array();
  const Json& written = policy.json.at("Statement");
  for (std::size_t i = 0; i < written.size(); ++i) {
    Json statement = written.at(i);
    if (IsOf(rule, statement) && statement.contains("Resource")) {
      Texts resources = policy.statements[i].resources;
      std::erase(resources, objects);
      if (resources.empty()) continue;
      statement["Resource"] = resources;
    }
    kept.push_back(std::move(statement));
  }
  return kept;
}

Result<Policy> ReadGrown(Json json) {
  if (json.dump().size() > kMaxPolicyBytes) {
    return Error{Code::kTooLarge,
                 "the policy would have more than the 20480 bytes that the "
                 "service takes: remove statements first"};
  }
  return ReadPolicy(std::move(json));
}

// What cannot stand in a policy as it is meant.
Status CheckWords(const PolicyRule& rule) {
  Texts words = rule.except;
  words.insert(words.end(), {rule.prefix, rule.sse, rule.kms_key});
  for (const std::string& word : words) {
    if (!s3::XmlCanCarry(word)) {
      return Error{Code::kInvalid, "'" + word + "' is not text in UTF-8, as a policy is"};
    }
  }
  if (rule.prefix.find_first_of("*?") != rule.prefix.npos ||
      rule.prefix.find("${") != rule.prefix.npos) {
    return Error{Code::kInvalid, "the prefix " + rule.prefix +
                                     " holds *, ? or ${, which a policy takes for a pattern: the "
                                     "rule would be of other objects, too"};
  }
  return Ok();
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
        "who manages the bucket may still change this policy; services of AWS that ask in their "
        "own "
        "name (log delivery) are let through, but those that ask with a role or in somebody's name "
        "(replication, batch jobs, queries) are denied as everybody is");
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
        "by anybody; but a lifecycle that expires files still does: no policy is asked for that");
  }
  if (rule.name == "versions") {
    out.emplace_back(
        "nobody deletes a version or sets a lifecycle then: what is stored is paid for until this "
        "rule is removed, which whoever may set the policy can do");
  }
  if (rule.name == "retention-bounds") {
    out.emplace_back("what is written without a retention is not affected");
    out.emplace_back(
        "whole days count, from when S3 gets the request: a lock of exactly --min days has less "
        "then and is denied, so lock for longer or ask for a day less");
  }
  return out;
}

std::vector<std::string> CautionsOfRemoving(const PolicyRule& rule) {
  if (rule.name != "delegate") return {};
  return {
      "whoever is let in by the policy of an access point, and by no IAM policy of their own, is "
      "then denied; 'coffer access-point list --bucket' names the access points"};
}

Result<Policy> RemoveRule(const Policy& policy, const PolicyRule& rule) {
  const RuleSids* sids = FindRule(rule.name);
  if (sids == nullptr) return UnknownRule(rule.name);
  Json json = policy.json;
  if (rule.prefix.empty()) {
    Erase(json["Statement"], *sids);
  } else {
    json["Statement"] = Narrowed(policy, *sids, ObjectsOf(rule));
  }
  return ReadPolicy(std::move(json));
}

Result<Policy> AddRule(const Policy& policy, const PolicyRule& rule) {
  COFFER_TRY(CheckWords(rule));
  COFFER_ASSIGN(std::vector<Json> statements, Builder(rule).Statements());
  Json json = policy.json;
  Erase(json["Statement"], *FindRule(rule.name));
  for (Json& statement : statements) {
    if (rule.name == "names") Widen(statement, policy);
    json["Statement"].push_back(std::move(statement));
  }
  return ReadGrown(std::move(json));
}

Result<Policy> AddStatement(const Policy& policy, Json statement) {
  Json json = policy.json;
  const std::string sid = statement.value("Sid", "");
  Erase(json["Statement"], {"", {sid}});
  json["Statement"].push_back(std::move(statement));
  return ReadGrown(std::move(json));
}

}  // namespace coffer::fs
