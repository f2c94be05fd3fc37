#include "fs/doctor_policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "crypto/ascii.h"
#include "fs/policy_evaluator.h"
#include "fs/policy_request.h"

namespace coffer::fs {
namespace {

// A key that only a pattern for all keys takes, not one of a few '?'.
constexpr const char* kAnyKey = "\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01";

struct ObjectRight {
  std::string_view action;
  std::string_view done;
};
constexpr std::array<ObjectRight, 7> kObjectRights = {{{"s3:GetObject", "read"},
                                                       {"s3:GetObjectVersion", "read"},
                                                       {"s3:PutObject", "written"},
                                                       {"s3:DeleteObject", "deleted"},
                                                       {"s3:DeleteObjectVersion", "deleted"},
                                                       {"s3:ListBucket", "listed"},
                                                       {"s3:ListBucketVersions", "listed"}}};

// On these a denial may depend: on nothing that whoever asks could send, or be, otherwise.
using ConditionKeys = std::vector<std::string_view>;
const ConditionKeys& OfTls() {
  static const ConditionKeys kKeys = {"aws:securetransport"};
  return kKeys;
}
const ConditionKeys& OfAccessPoints() {
  static const ConditionKeys kKeys = {"s3:dataaccesspointaccount", "s3:dataaccesspointarn",
                                      "s3:accesspointnetworkorigin", "aws:principalisawsservice"};
  return kKeys;
}

struct PolicyQuestion {
  const PolicySight& sight;
  std::string_view action;
  bool tls;
  const s3::Clock& clock;
};

// By the bucket's own name, from somebody whom no statement names.
PolicyRequest RequestFrom(const PolicyQuestion& question) {
  AskedRequest asked;
  asked.partition = question.sight.partition;
  asked.bucket = question.sight.bucket;
  asked.action = question.action;
  asked.key = question.action.starts_with("s3:ListBucket") ? "" : kAnyKey;
  asked.tls = question.tls;
  const auto request = MakePolicyRequest(asked, question.clock);
  return request ? *request : PolicyRequest{};
}

bool OneTakes(const std::vector<std::string>& patterns, std::string_view text) {
  const std::string lower = AsciiLower(text);
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return Fits(AsciiLower(pattern), lower); });
}

// A statement that denies something to everybody, but for whom it names.
struct Denial {
  std::string statement;
  std::vector<std::string> excepted;
};

bool IsPattern(const std::string& arn) { return arn.find_first_of("*?$") != std::string::npos; }

// Nothing where the denial may not be for everybody: then it is no comfort.
std::optional<Denial> DenialOf(const PolicyStatement& statement, const PolicyQuestion& question,
                               const ConditionKeys& keys) {
  const PolicyRequest request = RequestFrom(question);
  if (statement.allow || !statement.everybody || statement.except_principals ||
      statement.except_actions || statement.except_resources ||
      !OneTakes(statement.actions, question.action) ||
      !OneTakes(statement.resources, request.resource)) {
    return std::nullopt;
  }
  Denial denial{statement.name, {}};
  for (const PolicyCondition& condition : statement.conditions) {
    const std::string key = AsciiLower(condition.key);
    const bool excepts = key == "aws:principalarn" && condition.op.starts_with("ArnNot");
    const auto& arns = condition.values;
    if (excepts && std::any_of(arns.begin(), arns.end(), IsPattern)) return std::nullopt;
    if (excepts) {
      denial.excepted.insert(denial.excepted.end(), arns.begin(), arns.end());
      continue;
    }
    const bool known = std::find(keys.begin(), keys.end(), key) != keys.end();
    if (!known || Holds(condition, request) != s3::Tri::kYes) return std::nullopt;
  }
  return denial;
}

std::optional<Denial> FindDenial(const PolicyQuestion& question, const ConditionKeys& keys) {
  for (const PolicyStatement& statement : question.sight.policy.statements) {
    if (auto denial = DenialOf(statement, question, keys)) return denial;
  }
  return std::nullopt;
}

// What of kObjectRights is denied to everybody, by what, and what is not.
struct Closing {
  Texts deniers;
  Texts excepted;
  Texts open;  // "read", "written"
};

void AddOnce(Texts& texts, std::string text) {
  if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(std::move(text));
}

Closing Look(const PolicySight& sight, bool tls, const ConditionKeys& keys,
             const s3::Clock& clock) {
  Closing closing;
  for (const ObjectRight& right : kObjectRights) {
    const auto denial = FindDenial({sight, right.action, tls, clock}, keys);
    if (!denial) {
      AddOnce(closing.open, std::string(right.done));
      continue;
    }
    AddOnce(closing.deniers, denial->statement);
    for (const std::string& arn : denial->excepted) AddOnce(closing.excepted, arn);
  }
  return closing;
}

std::string Excepting(const Texts& excepted, const char* word) {
  return excepted.empty() ? "" : std::string(", but ") + word + " " + Joined(excepted);
}

// Whether an Allow for everybody may be of this action, of some object.
bool AnyMay(const PolicyStatement& statement, const PolicyQuestion& question) {
  if (OneTakes(statement.actions, question.action) == statement.except_actions) return false;
  const PolicyRequest request = RequestFrom(question);
  return std::none_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const PolicyCondition& one) { return Holds(one, request) == s3::Tri::kNo; });
}

// What a statement may let anybody do, without keys: "read (Web)". A denial beside it is not looked
// at: it may well not meet all of them.
Texts OpenToAll(const PolicySight& sight, const s3::Clock& clock) {
  Texts open;
  for (const PolicyStatement& statement : sight.policy.statements) {
    if (!statement.allow || !(statement.everybody || statement.except_principals)) continue;
    for (const ObjectRight& right : kObjectRights) {
      if (!AnyMay(statement, {sight, right.action, true, clock})) continue;
      AddOnce(open, std::string(right.done) + " (" + statement.name + ")");
    }
  }
  return open;
}

// Whether access points were given a part in this bucket.
bool SpeaksOfAccessPoints(const Policy& policy) {
  return std::any_of(policy.statements.begin(), policy.statements.end(), [](const auto& statement) {
    return std::any_of(statement.conditions.begin(), statement.conditions.end(),
                       [](const PolicyCondition& condition) {
                         return AsciiLower(condition.key).starts_with("s3:dataaccesspoint");
                       });
  });
}

Check TlsCheck(const PolicySight& sight, const s3::Clock& clock) {
  const Closing closing = Look(sight, false, OfTls(), clock);
  if (closing.open.empty()) {
    return {"TLS", CheckState::kOk,
            "requests without it are denied by " + Joined(closing.deniers) +
                Excepting(closing.excepted, "to")};
  }
  return {"TLS", CheckState::kWarn,
          "without it objects are " + Joined(closing.open) +
              ", and anybody between can read that (where S3 itself takes plain http)",
          "coffer policy add " + sight.bucket + " tls"};
}

Check AroundCheck(const PolicySight& sight, const s3::Clock& clock) {
  const Closing closing = Look(sight, true, OfAccessPoints(), clock);
  if (closing.open.empty()) {
    return {"around access points", CheckState::kOk,
            "objects are reached through access points only (" + Joined(closing.deniers) + ")" +
                Excepting(closing.excepted, "by")};
  }
  const Texts to_all = OpenToAll(sight, clock);
  Check check{
      "around access points", CheckState::kOk,
      "by the bucket's own name objects are " + Joined(closing.open) + " by whom IAM allows"};
  if (!to_all.empty()) check.detail += "; perhaps by everybody, keys or none: " + Joined(to_all);
  if (sight.through || SpeaksOfAccessPoints(sight.policy)) {
    check.state = CheckState::kWarn;
    check.change = "coffer policy add " + sight.bucket + " only-access-points";
  } else if (!to_all.empty()) {
    check.state = CheckState::kWarn;
    check.change = "coffer policy show " + sight.bucket;
  }
  return check;
}

}  // namespace

std::string VersionsDenial(const PolicySight& sight, const s3::Clock& clock) {
  const auto denial = FindDenial({sight, "s3:DeleteObjectVersion", true, clock}, {});
  if (!denial) return "";
  return "deleting them is denied by " + denial->statement + Excepting(denial->excepted, "to") +
         ", until that is removed";
}

std::vector<Check> CheckPolicy(const PolicySight& sight, const s3::Clock& clock) {
  return {TlsCheck(sight, clock), AroundCheck(sight, clock)};
}

}  // namespace coffer::fs
