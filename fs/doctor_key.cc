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

constexpr std::size_t kMaxKeyPolicy = 32u << 10;  // the service's own limit
constexpr std::size_t kShownPrincipals = 5;
constexpr std::string_view kChangePolicy = "kms:putkeypolicy";

bool OneOf(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// What looks at a key, and takes nothing of it.
bool IsHarmless(std::string_view action) {
  return action.starts_with("kms:describe") || action.starts_with("kms:list") ||
         action.starts_with("kms:get");
}

// Whether a statement is of more than harmless actions, on this key. One without a resource is of
// none.
bool Matters(const PolicyStatement& statement, const s3::KmsKeyFacts& key) {
  const bool on_it = std::any_of(
      statement.resources.begin(), statement.resources.end(),
      [&](const std::string& pattern) { return pattern == "*" || FitsArn(pattern, key.arn); });
  if (on_it == statement.except_resources) return false;
  return statement.except_actions ||
         std::any_of(statement.actions.begin(), statement.actions.end(),
                     [](const std::string& action) { return !IsHarmless(AsciiLower(action)); });
}

bool IsOfChangingPolicy(const PolicyStatement& statement) {
  const bool named = std::any_of(
      statement.actions.begin(), statement.actions.end(),
      [](const std::string& action) { return Fits(AsciiLower(action), kChangePolicy); });
  return named != statement.except_actions;
}

// An account's number that is written out.
bool NamesAccount(const std::string& arn_text) {
  const auto arn = s3::ParseArn(arn_text);
  return arn && arn->account.size() == 12 &&
         arn->account.find_first_not_of("0123456789") == std::string::npos;
}

// Whether a condition leaves only those of known accounts, organisations or networks. One on any
// other key, or whose operator or value may take everybody, does not.
bool BoundsWho(const PolicyCondition& condition) {
  static const std::vector<std::string_view> kOperators = {"stringequals", "stringequalsignorecase",
                                                           "stringlike", "arnequals", "arnlike"};
  static const std::vector<std::string_view> kPlain = {"kms:calleraccount",  "aws:principalaccount",
                                                       "aws:principalorgid", "aws:sourceaccount",
                                                       "aws:sourcevpc",      "aws:sourcevpce"};
  constexpr std::string_view kAny = "foranyvalue:";
  std::string op = AsciiLower(condition.op);
  if (op.starts_with(kAny)) op.erase(0, kAny.size());
  const std::string key = AsciiLower(condition.key);
  if (!OneOf(kOperators, op) || condition.values.empty()) return false;
  return std::all_of(condition.values.begin(), condition.values.end(), [&](const auto& value) {
    if (OneOf(kPlain, key)) return value.find_first_of("*?$") == value.npos;
    return key == "aws:principalarn" && value.find('$') == value.npos && NamesAccount(value);
  });
}

// Of a denial: whether it may depend on who asks, within the account.
bool DependsOnWho(const PolicyStatement& denial) {
  return std::all_of(denial.conditions.begin(), denial.conditions.end(),
                     [](const PolicyCondition& condition) {
                       const std::string key = AsciiLower(condition.key);
                       return key == "aws:principalarn" || key == "aws:userid" ||
                              key == "aws:username" || key.starts_with("aws:principaltag/");
                     });
}

std::string RootOf(const s3::KmsKeyFacts& key) {
  const auto arn = s3::ParseArn(key.arn);
  return "arn:" + (arn ? arn->partition : "aws") + ":iam::" + key.account + ":root";
}

struct LetIn {
  Texts anybody;         // statements that let everybody in
  Texts others;          // principals beside the account itself, and statements with more of them
  bool account = false;  // may change the policy
  Texts deniers;         // statements that keep the account itself from that
};

void AddAllowed(const PolicyStatement& statement, const s3::KmsKeyFacts& key, LetIn& in) {
  const bool anybody = statement.everybody || statement.except_principals;
  const bool bounded =
      std::any_of(statement.conditions.begin(), statement.conditions.end(), BoundsWho);
  if (anybody) {
    (bounded ? in.others : in.anybody)
        .push_back((bounded ? "everybody under conditions (" : Joined(statement.actions) + " (") +
                   statement.name + ")");
  }
  if (statement.unknown_principals) {
    in.others.push_back("principals of another kind (" + statement.name + ")");
  }
  if (statement.except_principals) return;
  for (const std::string& principal : statement.principals) {
    if (principal != RootOf(key)) {
      in.others.push_back(principal);
    } else if (statement.conditions.empty() && IsOfChangingPolicy(statement)) {
      in.account = true;
    }
  }
}

LetIn WhomItLetsIn(const s3::KmsKeyFacts& key, const Policy& policy) {
  LetIn in;
  for (const PolicyStatement& statement : policy.statements) {
    if (!Matters(statement, key)) continue;
    if (statement.allow) {
      AddAllowed(statement, key, in);
      continue;
    }
    const auto& principals = statement.principals;
    const bool account =
        statement.everybody || statement.except_principals || statement.unknown_principals ||
        std::find(principals.begin(), principals.end(), RootOf(key)) != principals.end();
    if (account && IsOfChangingPolicy(statement) && DependsOnWho(statement)) {
      in.deniers.push_back(statement.name);
    }
  }
  return in;
}

std::string FirstOf(const Texts& texts) {
  const std::size_t shown = std::min(texts.size(), kShownPrincipals);
  const Texts first(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(shown));
  const std::string more =
      texts.size() > shown ? " and " + std::to_string(texts.size() - shown) + " more" : "";
  return Joined(first) + more;
}

// What cures a key of a state in which it encrypts and opens nothing; "" for one that does both.
std::string CureOf(const std::string& state) {
  if (state == "Enabled" || state == "Updating") return "";
  if (state == "Disabled") return "aws kms enable-key";
  if (state == "PendingDeletion" || state == "PendingReplicaDeletion") {
    return "aws kms cancel-key-deletion, then enable-key: what it encrypted is lost with it";
  }
  if (state == "PendingImport") return "aws kms import-key-material, of the very same key";
  if (state == "Unavailable") return "aws kms connect-custom-key-store";
  return "wait until it is enabled (aws kms describe-key)";
}

Check Unusable(const std::string& name, const s3::KmsKeyFacts& key, std::int64_t now_s) {
  Check check{name, CheckState::kFail, Printable(key.arn) + " is " + Printable(key.state),
              CureOf(key.state)};
  check.key = true;
  constexpr std::int64_t kDayS = 86'400;
  if (key.deleted_at_s) {
    const std::int64_t days = std::max<std::int64_t>(0, (*key.deleted_at_s - now_s) / kDayS);
    check.detail += ": it is deleted in " + std::to_string(days) + " days";
  }
  return check;
}

// Of a key that was to be looked at. That it is not there is known of all that it would encrypt.
Check NotSeen(const std::string& name, const Error& error) {
  if (error.code != Code::kKeyMissing) return NotTested(name, error.what);
  Check check{name, CheckState::kFail, error.what,
              "name another key; what this one encrypted is lost, if it was deleted"};
  check.key = true;
  return check;
}

}  // namespace

Check CheckKeyPolicy(const std::string& name, const s3::KmsKeyFacts& key, const Policy& policy) {
  const LetIn in = WhomItLetsIn(key, policy);
  Texts found;
  if (!in.anybody.empty()) {
    found.push_back("its policy lets everybody in, of whatever account: " + FirstOf(in.anybody));
  }
  if (!in.account) {
    found.push_back("its policy lets those alone change it whom it names, and not the account (" +
                    RootOf(key) + "): when they are gone, nobody can");
  } else if (!in.deniers.empty()) {
    found.push_back("its policy keeps others than it names from changing it (" +
                    FirstOf(in.deniers) + "): when they are gone, nobody can");
  }
  Check check{name, found.empty() ? CheckState::kOk : CheckState::kWarn};
  if (found.empty()) {
    found.emplace_back("in use; the account itself may change its policy");
  } else {
    check.change = "aws kms get-key-policy --policy-name default --key-id " + key.arn +
                   ", then put-key-policy";
  }
  if (!in.others.empty()) found.push_back("beside IAM it lets in " + FirstOf(in.others));
  check.detail = Joined(found, "; ");
  return check;
}

Check CheckKmsKey(Connection& connection, const KeyToCheck& wanted) {
  const s3::Target& target = connection.target();
  const VolumeOptions& options = connection.options();
  const auto aws = SpeaksToAws(options);
  if (wanted.endpoint_url.empty() && (!aws || !*aws)) {
    return NotTested(wanted.name, Printable(wanted.key) +
                                      ": --kms-endpoint-url says where this server's KMS is");
  }
  const bool named = s3::LooksLikeArn(wanted.key) || wanted.key.starts_with("alias/");
  const auto id = s3::ParseKmsKeyId(wanted.key, target.region);
  if (named && !id) return NotTested(wanted.name, id.error().what);
  // A bucket may also name its key by its bare id.
  const auto address = s3::MakeKmsAddress(id ? id->region : target.region, wanted.endpoint_url,
                                          options.address.fips);
  if (!address) return NotTested(wanted.name, address.error().what);
  Network& network = connection.network();
  const auto signing = network.Signed({s3::Scheme::kSigV4, "kms", address->region});
  const auto retried = network.Retried(*signing, Patience::kQuick);
  const auto key = s3::DescribeKmsKey(*retried, *address, wanted.key);
  if (!key) return NotSeen(wanted.name, key.error());
  if (!CureOf(key->state).empty()) {
    const auto now = connection.clock().Now().time_since_epoch();
    return Unusable(wanted.name, *key,
                    std::chrono::duration_cast<std::chrono::seconds>(now).count());
  }
  if (key->aws_managed) {
    return {wanted.name, CheckState::kOk,
            "AWS's own for this account: its policy cannot be changed, nor another account let in"};
  }
  const auto text = s3::GetKmsKeyPolicy(*retried, *address, key->arn);
  const auto policy = text ? ParsePolicy(*text, kMaxKeyPolicy) : Result<Policy>(text.error());
  if (!policy) return NotTested(wanted.name, policy.error().what);
  return CheckKeyPolicy(wanted.name, *key, *policy);
}

}  // namespace coffer::fs
