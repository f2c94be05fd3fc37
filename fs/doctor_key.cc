#include "fs/doctor_key.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>

#include "crypto/ascii.h"
#include "fs/console.h"
#include "fs/control_door.h"
#include "fs/doctor_checks.h"
#include "fs/policy_evaluator.h"
#include "s3client/arn.h"
#include "s3client/kms_key.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kChangePolicy = "kms:PutKeyPolicy";
// What takes a key's secrets, or the key itself.
constexpr std::array<std::string_view, 5> kRights = {"kms:Decrypt", "kms:GenerateDataKey",
                                                     kChangePolicy, "kms:ScheduleKeyDeletion",
                                                     "kms:CreateGrant"};
// Of a condition that asks for one of these, who is let in is bounded.
constexpr std::array<std::string_view, 10> kWhoIsMeant = {
    "kms:calleraccount",  "aws:principalaccount",  "aws:principalarn",
    "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount",
    "aws:sourcearn",      "aws:sourcevpc",         "aws:sourcevpce",
    "aws:userid"};

// What of `kRights` an Allow is about: "kms:Decrypt, kms:GenerateDataKey".
Texts RightsOf(const PolicyStatement& statement) {
  Texts rights;
  for (const std::string_view right : kRights) {
    const std::string asked = AsciiLower(right);
    const bool named =
        std::any_of(statement.actions.begin(), statement.actions.end(),
                    [&](const std::string& pattern) { return Fits(AsciiLower(pattern), asked); });
    if (named != statement.except_actions) rights.emplace_back(right);
  }
  return rights;
}

bool Contains(const Texts& rights, std::string_view right) {
  return std::find(rights.begin(), rights.end(), right) != rights.end();
}

// Conditions that narrow down who is meant. "*" does not, and IfExists holds for who has no such
// key.
bool IsBounded(const PolicyStatement& statement) {
  return std::any_of(
      statement.conditions.begin(), statement.conditions.end(), [](const PolicyCondition& one) {
        const std::string op = AsciiLower(one.op);
        return std::find(kWhoIsMeant.begin(), kWhoIsMeant.end(), AsciiLower(one.key)) !=
                   kWhoIsMeant.end() &&
               op.find("not") == op.npos && !op.ends_with("ifexists") && op != "null" &&
               std::find(one.values.begin(), one.values.end(), "*") == one.values.end();
      });
}

// "" of one that was deleted, which stands there as an id.
std::string AccountOf(const std::string& principal) {
  const auto arn = s3::ParseArn(principal);
  return arn ? arn->account : "";
}

std::string RootOf(const s3::KmsKeyFacts& key) {
  const auto arn = s3::ParseArn(key.arn);
  return "arn:" + (arn ? arn->partition : "aws") + ":iam::" + key.account + ":root";
}

// Whom the Allows of a policy let in.
struct LetIn {
  Texts anybody;  // "kms:Decrypt (SID)"
  Texts strangers;
  bool account = false;  // the account itself: IAM then says who changes the policy
};
LetIn WhomItLetsIn(const s3::KmsKeyFacts& key, const Policy& policy) {
  LetIn in;
  for (const PolicyStatement& statement : policy.statements) {
    const Texts rights = RightsOf(statement);
    if (!statement.allow || rights.empty()) continue;
    const bool anybody = statement.everybody || statement.except_principals;
    if (anybody && !IsBounded(statement)) {
      in.anybody.push_back(Joined(rights) + " (" + statement.name + ")");
    }
    for (const std::string& principal : statement.principals) {
      if (AccountOf(principal) != key.account) in.strangers.push_back(principal);
      if (principal == RootOf(key) && Contains(rights, kChangePolicy) &&
          statement.conditions.empty()) {
        in.account = true;
      }
    }
  }
  return in;
}

// A key that opens nothing now, or soon.
Check Unusable(const std::string& name, const s3::KmsKeyFacts& key, std::int64_t now_s) {
  Check check{name, CheckState::kFail, Printable(key.arn) + " is " + Printable(key.state)};
  check.key = true;
  check.change = "aws kms enable-key: until then nothing is encrypted or opened by it";
  if (key.state == "PendingDeletion") {
    constexpr std::int64_t kDayS = 86'400;
    if (key.deleted_at_s) {
      const std::int64_t days = std::max<std::int64_t>(0, (*key.deleted_at_s - now_s) / kDayS);
      check.detail += ": it is deleted in " + std::to_string(days) + " days";
    }
    check.change =
        "aws kms cancel-key-deletion, then enable-key: what it encrypted is lost with it";
  }
  return check;
}

}  // namespace

Check CheckKeyPolicy(const std::string& name, const s3::KmsKeyFacts& key, const Policy& policy) {
  const std::string show =
      "aws kms get-key-policy --policy-name default --key-id " + key.arn + ", then put-key-policy";
  const LetIn in = WhomItLetsIn(key, policy);
  if (!in.anybody.empty()) {
    return {name, CheckState::kWarn,
            "its policy lets everybody in, of whatever account: " + Joined(in.anybody), show};
  }
  if (!in.account) {
    return {name, CheckState::kWarn,
            "its policy gives " + std::string(kChangePolicy) + " not to the account itself (" +
                RootOf(key) + "): when those are gone whom it names, nobody can change it again",
            show};
  }
  std::string detail = "in use; IAM of account " + key.account + " says who uses and deletes it";
  if (!in.strangers.empty()) detail += ", and it lets in " + Joined(in.strangers);
  return {name, CheckState::kOk, detail};
}

Check CheckKmsKey(Connection& connection, const KeyToCheck& wanted) {
  const s3::Target& target = connection.target();
  const VolumeOptions& options = connection.options();
  const auto aws = SpeaksToAws(options);
  if (wanted.endpoint_url.empty() && (!aws || !*aws)) {
    return NotTested(wanted.name, Printable(wanted.key) +
                                      ": --kms-endpoint-url says where this server's KMS is");
  }
  const auto id = s3::ParseKmsKeyId(wanted.key, target.region);  // or the bare id of a key
  const auto address = s3::MakeKmsAddress(id ? id->region : target.region, wanted.endpoint_url,
                                          options.address.fips);
  if (!address) return NotTested(wanted.name, address.error().what);
  Network& network = connection.network();
  const auto signing = network.Signed({s3::Scheme::kSigV4, "kms", address->region});
  const auto retried = network.Retried(*signing, Patience::kQuick);
  const auto key = s3::DescribeKmsKey(*retried, *address, wanted.key);
  if (!key) return NotTested(wanted.name, key.error().what);
  if (key->state != "Enabled") {
    const auto now = connection.clock().Now().time_since_epoch();
    return Unusable(wanted.name, *key,
                    std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }
  if (key->aws_managed) {
    return {wanted.name, CheckState::kOk,
            "AWS's own for this account: its policy cannot be changed, nor another account let in"};
  }
  const auto text = s3::GetKmsKeyPolicy(*retried, *address, key->arn);
  const auto policy = text ? ParsePolicy(*text) : Result<Policy>(text.error());
  if (!policy) return NotTested(wanted.name, policy.error().what);
  return CheckKeyPolicy(wanted.name, *key, *policy);
}

}  // namespace coffer::fs
