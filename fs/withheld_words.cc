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
constexpr std::array<MountDeed, 3> kMountDeeds = {
    {{"s3:GetObject", "reading", s3::Operation::kGetObject, false},
     {"s3:PutObject", "writing", s3::Operation::kPutObject, true},
     {"s3:DeleteObject", "deleting", s3::Operation::kDeleteObject, true}}};
constexpr std::size_t kShownOfSid = 100;

struct DeedBelow {
  const MountDeed& deed;
  const MountedThrough& mounted;

  std::string resource() const { return mounted.arn + "/object/" + mounted.prefix; }
  // With what is the same for whoever asks.
  PolicyRequest request() const {
    PolicyRequest request;
    request.action = deed.action;
    request.context["aws:securetransport"] = "true";  // access points know nothing else
    request.context["s3:dataaccesspointarn"] = mounted.arn;
    return request;
  }
};

// Keys that only listings have: a condition on one is never of an object.
bool IsOfListings(std::string_view key) {
  return key == "s3:prefix" || key == "s3:delimiter" || key == "s3:max-keys";
}

bool NamesAction(const PolicyStatement& statement, std::string_view action) {
  const std::string asked = AsciiLower(action);
  const bool named = std::any_of(statement.actions.begin(), statement.actions.end(),
                                 [&](const auto& one) { return Fits(AsciiLower(one), asked); });
  return named != statement.except_actions;
}

// Whether a pattern may be of something below `resource`: so it is where either goes on from what
// the other says. In the parts before the resource itself anything may fit.
bool MayTakeBelow(const std::string& pattern, const std::string& resource) {
  const std::string head = pattern.substr(0, pattern.find_first_of("*?$"));
  return head.starts_with(resource) || (head != pattern && resource.starts_with(head));
}

// Whether a pattern is of all that is below `resource`.
bool TakesAllBelow(const std::string& pattern, const std::string& resource) {
  constexpr const char* kAnyName = "\x01\x01\x01\x01\x01\x01\x01\x01";  // no '?' takes these
  return FitsArn(pattern, resource + "\x01") && FitsArn(pattern, resource + kAnyName);
}

// What depends on who asks, or on what is sent, may well be.
bool MayHold(const PolicyCondition& condition, const PolicyRequest& request) {
  const std::string key = AsciiLower(condition.key);
  if (!request.context.contains(key) && !IsOfListings(key)) return true;
  return Holds(condition, request) != s3::Tri::kNo;
}

bool MayAllow(const PolicyStatement& statement, const DeedBelow& asked) {
  if (!statement.allow || !NamesAction(statement, asked.deed.action)) return false;
  const std::string resource = asked.resource();
  const auto& resources = statement.resources;
  if (!statement.except_resources &&
      std::none_of(resources.begin(), resources.end(),
                   [&](const std::string& pattern) { return MayTakeBelow(pattern, resource); }))
    return false;
  const PolicyRequest request = asked.request();
  return std::all_of(statement.conditions.begin(), statement.conditions.end(),
                     [&](const PolicyCondition& one) { return MayHold(one, request); });
}

// A condition on anything that who asks could be, or send, otherwise is no denial to everybody.
bool DeniesAll(const PolicyStatement& statement, const DeedBelow& asked) {
  if (statement.allow || !statement.everybody || statement.except_principals ||
      statement.except_resources || !NamesAction(statement, asked.deed.action))
    return false;
  const std::string resource = asked.resource();
  const auto& resources = statement.resources;
  if (std::none_of(resources.begin(), resources.end(),
                   [&](const std::string& pattern) { return TakesAllBelow(pattern, resource); }))
    return false;
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
    const DeedBelow asked{deed, mounted};
    const auto denies = std::find_if(statements.begin(), statements.end(),
                                     [&](const auto& one) { return DeniesAll(one, asked); });
    if (denies != statements.end()) {
      withheld.lines.push_back("the access point's policy denies " + std::string(deed.word) +
                               Below(mounted) + " to everybody (" +
                               denies->name.substr(0, kShownOfSid) + "): 'Permission denied'");
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
