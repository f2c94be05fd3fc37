#include "fs/withheld_words.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "crypto/ascii.h"
#include "fs/policy_evaluator.h"

namespace coffer::fs {
namespace {

struct MountDeed {
  std::string_view action;
  std::string_view word;
  s3::Operation operation;
  bool writes;
};
constexpr std::array<MountDeed, 5> kMountDeeds = {
    {{"s3:ListBucket", "listing", s3::Operation::kListObjects, false},
     {"s3:GetObject", "reading", s3::Operation::kGetObject, false},
     {"s3:PutObject", "writing", s3::Operation::kPutObject, true},
     {"s3:DeleteObject", "deleting", s3::Operation::kDeleteObject, true},
     {"s3:GetObjectRetention", "seeing retention", s3::Operation::kGetRetention, false}}};

struct DeedBelow {
  const MountDeed& deed;
  const MountedThrough& mounted;

  bool lists() const { return deed.operation == s3::Operation::kListObjects; }
  std::string resource() const {
    return lists() ? mounted.arn : mounted.arn + "/object/" + mounted.prefix;
  }
  PolicyRequest request() const {
    PolicyRequest request;
    request.action = deed.action;
    request.context["aws:securetransport"] = "true";  // access points know nothing else
    request.context["s3:dataaccesspointarn"] = mounted.arn;
    if (lists()) request.context["s3:prefix"] = mounted.prefix;
    return request;
  }
};

bool NamesAction(const PolicyStatement& statement, std::string_view action) {
  const std::string asked = AsciiLower(action);
  const bool named = std::any_of(statement.actions.begin(), statement.actions.end(),
                                 [&](const auto& one) { return Fits(AsciiLower(one), asked); });
  return named != statement.except_actions;
}

// Whether a pattern may be of something below `resource`: so it is where either goes on from what
// the other says.
bool MayTakeBelow(const std::string& pattern, const std::string& resource) {
  const std::string head = pattern.substr(0, pattern.find_first_of("*?$"));
  return head.starts_with(resource) || (head != pattern && resource.starts_with(head));
}

// Whether a pattern is of all that is below `resource`.
bool TakesAllBelow(const std::string& pattern, const std::string& resource) {
  constexpr const char* kAnyName = "\x01";  // that only a wildcard takes
  return Fits(pattern, resource + kAnyName);
}

bool MayAllow(const PolicyStatement& statement, const DeedBelow& asked) {
  if (!statement.allow || !NamesAction(statement, asked.deed.action)) return false;
  const std::string resource = asked.resource();
  const auto takes = [&](const std::string& pattern) {
    return asked.lists() ? Fits(pattern, resource) : MayTakeBelow(pattern, resource);
  };
  const auto& resources = statement.resources;
  if (!statement.except_resources && std::none_of(resources.begin(), resources.end(), takes))
    return false;
  const PolicyRequest request = asked.request();
  return std::none_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const PolicyCondition& one) { return Holds(one, request) == s3::Tri::kNo; });
}

// A condition on anything that who asks could be, or send, otherwise is no denial to everybody.
bool DeniesAll(const PolicyStatement& statement, const DeedBelow& asked) {
  if (statement.allow || !statement.everybody || statement.except_resources ||
      !NamesAction(statement, asked.deed.action))
    return false;
  const std::string resource = asked.resource();
  const auto takes = [&](const std::string& pattern) {
    return asked.lists() ? Fits(pattern, resource) : TakesAllBelow(pattern, resource);
  };
  const auto& resources = statement.resources;
  if (std::none_of(resources.begin(), resources.end(), takes)) return false;
  const PolicyRequest request = asked.request();
  return std::all_of(statement.conditions.begin(), statement.conditions.end(),
                     [&](const PolicyCondition& one) {
                       return request.context.contains(AsciiLower(one.key)) &&
                              Holds(one, request) == s3::Tri::kYes;
                     });
}

std::string Below(const MountedThrough& mounted) {
  return mounted.prefix.empty() ? "" : " below " + mounted.prefix;
}

}  // namespace

Withheld WithheldByPolicy(const std::vector<PolicyStatement>& statements,
                          const MountedThrough& mounted) {
  Withheld withheld;
  // Where nothing is granted at all, IAM decides alone, as it often is meant to.
  const bool grants = std::any_of(statements.begin(), statements.end(),
                                  [](const auto& statement) { return statement.allow; });
  std::vector<std::string> not_granted;
  for (const MountDeed& deed : kMountDeeds) {
    if (deed.writes && mounted.read_only) continue;
    if (deed.operation == s3::Operation::kGetRetention && !mounted.locks) continue;
    const DeedBelow asked{deed, mounted};
    const auto denies = std::find_if(statements.begin(), statements.end(),
                                     [&](const auto& one) { return DeniesAll(one, asked); });
    if (denies != statements.end()) {
      withheld.lines.push_back("the access point's policy denies " + std::string(deed.word) +
                               Below(mounted) + " to everybody (" + denies->name +
                               "): 'Permission denied'");
      withheld.operations.push_back(deed.operation);
    } else if (grants && std::none_of(statements.begin(), statements.end(),
                                      [&](const auto& one) { return MayAllow(one, asked); })) {
      not_granted.emplace_back(deed.word);
    }
  }
  if (!not_granted.empty()) {
    withheld.lines.push_back("the access point's policy grants " + Joined(not_granted) +
                             Below(mounted) +
                             " to nobody: 'Permission denied', unless IAM of its account allows "
                             "it; 'coffer access-point show' has the policy");
  }
  return withheld;
}

}  // namespace coffer::fs
