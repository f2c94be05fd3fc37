#include "fs/access_point_facts.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "fs/console.h"
#include "s3client/arn.h"

namespace coffer::fs {
namespace {

struct Flag {
  std::string_view name;
  bool s3::PublicAccessBlock::*field;
};
constexpr std::array<Flag, 4> kFlags = {
    {{"BlockPublicAcls", &s3::PublicAccessBlock::block_acls},
     {"IgnorePublicAcls", &s3::PublicAccessBlock::ignore_acls},
     {"BlockPublicPolicy", &s3::PublicAccessBlock::block_policy},
     {"RestrictPublicBuckets", &s3::PublicAccessBlock::restrict_buckets}}};

std::string FlagsThatAre(const s3::PublicAccessBlock& block, bool on) {
  std::string names;
  for (const Flag& flag : kFlags) {
    if (block.*flag.field == on) names += (names.empty() ? "" : ",") + std::string(flag.name);
  }
  return names;
}

// An account is its root, as the evaluator knows it; nothing for what is no ARN (AIDA..., of a
// principal that is gone).
std::optional<PolicyCaller> CallerOf(const std::string& principal) {
  const bool account =
      principal.size() == 12 && principal.find_first_not_of("0123456789") == std::string::npos;
  auto caller = ParseCaller(account ? "arn:aws:iam::" + principal + ":root" : principal);
  if (!caller) return std::nullopt;
  return *caller;
}

// One action of a grant, as it would be asked for.
AskedRequest Asked(const Grant& grant, const PolicyCaller& caller, const GrantCheck& check,
                   std::string_view action) {
  AskedRequest asked{
      caller, check.bucket_owner, check.partition, check.bucket, std::string(action), "", true, {}};
  const bool lists = action.starts_with("s3:ListBucket");
  asked.key = lists ? grant.prefix : grant.prefix + "file";
  if (!check.door.vpc.empty()) asked.headers.push_back("aws:SourceVpc=" + check.door.vpc);
  return asked;
}

// The actions of a grant that do not pass yet, with commas between.
struct NotYet {
  std::string open;    // IAM decides
  std::string denied;  // with the statement that denies
};

Result<NotYet> NotYetAllowed(const Grant& grant, const PolicyCaller& caller,
                             const GrantCheck& check, const s3::Clock& clock) {
  NotYet found;
  std::vector<std::string_view> actions;
  for (const std::string& kind : grant.kinds) {
    const auto of_kind = ActionsOf(kind);
    actions.insert(actions.end(), of_kind.begin(), of_kind.end());
  }
  for (const std::string_view action : actions) {
    COFFER_ASSIGN(const PolicyRequest request,
                  MakePolicyRequest(Asked(grant, caller, check, action), clock));
    const Decision decision = EvaluateThrough(check.door, check.bucket_policy->statements, request);
    if (decision.verdict == PolicyVerdict::kAllowed) continue;
    const bool denied = decision.verdict == PolicyVerdict::kDenied;
    std::string& list = denied ? found.denied : found.open;
    list += (list.empty() ? "" : ", ") + std::string(action);
    if (denied && !decision.statement.empty()) list += " (" + decision.statement + ")";
  }
  return found;
}

}  // namespace

Result<s3::PublicAccessBlock> ParsePublicAccessBlock(std::string_view text) {
  s3::PublicAccessBlock block;
  if (text.empty() || text == "all") return block;
  for (const Flag& flag : kFlags) block.*flag.field = false;
  if (text == "none") return block;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const auto found = std::find_if(kFlags.begin(), kFlags.end(),
                                    [&](const Flag& flag) { return flag.name == word; });
    if (found == kFlags.end()) {
      return Error{Code::kInvalid,
                   "--block-public-access takes all, none, or those of BlockPublicAcls, "
                   "IgnorePublicAcls, BlockPublicPolicy and RestrictPublicBuckets that are on, "
                   "with commas between; not '" +
                       std::string(word) + "'"};
    }
    block.*found->field = true;
    at = end + 1;
  }
  return block;
}

Json Describe(const s3::AccessPoint& point) {
  Json json;
  json["name"] = point.name;
  json["bucket"] = point.bucket;
  json["arn"] = point.arn;
  json["network"] = point.vpc.empty() ? "Internet" : "VPC";
  if (!point.vpc.empty()) json["vpc"] = point.vpc;
  if (point.block) {
    for (const Flag& flag : kFlags) {
      json["block_public_access"][std::string(flag.name)] = *point.block.*flag.field;
    }
  }
  return json;
}

std::string InWords(const s3::AccessPoint& point) {
  std::string text = "access point:  " + Printable(point.name) + "\n" +
                     "arn:           " + Printable(point.arn) + "\n" +
                     "alias:         " + Printable(point.alias) + "\n" +
                     "bucket:        " + Printable(point.bucket) + "\n" + "network:       " +
                     (point.vpc.empty() ? "from the Internet, for whom policies allow"
                                        : "from " + Printable(point.vpc) + " alone") +
                     "\n";
  if (point.block) {
    const std::string off = FlagsThatAre(*point.block, false);
    text += "public access: " + (off.empty() ? "blocked" : "NOT blocked by " + off) + "\n";
  }
  return text + "mount:         coffer mount " + Printable(point.arn) + " DIR\n";
}

PolicyDoor DoorOf(const s3::AccessPoint& point, std::string_view account, const Policy& policy) {
  return {point.arn, std::string(account), point.vpc, policy.statements};
}

Result<std::vector<std::string>> StillNeeded(const Grant& grant, const GrantCheck& check,
                                             const s3::Clock& clock) {
  std::vector<std::string> lines;
  const auto caller = CallerOf(grant.principal);
  if (grant.principal == "*" || !caller) return lines;
  if (!check.bucket_policy) {
    lines.push_back("whether the bucket lets it pass is not known: " +
                    check.bucket_policy.error().what);
    return lines;
  }
  COFFER_ASSIGN(const NotYet found, NotYetAllowed(grant, *caller, check, clock));
  if (!found.denied.empty()) lines.push_back("denied all the same: " + found.denied);
  if (found.open.empty()) return lines;
  if (caller->account != check.bucket_owner || caller->account != check.door.account) {
    lines.push_back("the IAM policies of account " + caller->account + " must allow it, too, on " +
                    check.door.arn + " and " + check.door.arn + "/object/" + grant.prefix +
                    "*: " + found.open);
    return lines;
  }
  lines.push_back(
      "the bucket's policy does not leave it to access points ('coffer policy add s3://" +
      check.bucket + " delegate' does): until then the IAM policies of " + grant.principal +
      " must allow it on the bucket: " + found.open);
  return lines;
}

}  // namespace coffer::fs
