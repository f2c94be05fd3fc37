#include "fs/policy_hint.h"

namespace coffer::fs {
namespace {

using s3::Target;
using s3::TargetKind;

std::string Or(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : text;
}

std::string Action(const Target& target, std::string_view action) {
  const std::string_view verb = action.substr(action.find(':') + 1);
  switch (target.kind) {
    case TargetKind::kObjectLambda:
      return "s3-object-lambda:" + std::string(verb);
    case TargetKind::kOutposts:
      return "s3-outposts:" + std::string(verb);
    case TargetKind::kDirectoryBucket:
    case TargetKind::kDirectoryAccessPoint:
      return "s3express:CreateSession";  // one permission for all requests of a session
    default:
      return std::string(action);
  }
}

std::string DoorArn(const Target& target) {
  const std::string arn = "arn:" + Or(target.partition, "aws") + ':';
  if (!target.arn.empty()) return target.arn;
  switch (target.kind) {
    case TargetKind::kDirectoryBucket:
      return arn + "s3express:" + target.region + ":ACCOUNT:bucket/" + target.name;
    case TargetKind::kDirectoryAccessPoint:
      return arn + "s3express:" + target.region + ":ACCOUNT:accesspoint/" + target.name;
    case TargetKind::kOutposts:
      return arn + "s3-outposts:" + target.region + ":ACCOUNT:outpost/OUTPOST/accesspoint/NAME";
    default:
      return target.alias ? arn + "s3:" + Or(target.region, "REGION") + ":ACCOUNT:accesspoint/NAME"
                          : arn + "s3:::" + target.name;
  }
}

}  // namespace

Json AllowStatement(const Target& target, std::string_view action, PolicyScope scope) {
  const bool directory = target.kind == TargetKind::kDirectoryBucket ||
                         target.kind == TargetKind::kDirectoryAccessPoint;
  const bool access_point = target.alias || !target.arn.empty();
  std::string resource = DoorArn(target);
  if (scope == PolicyScope::kObjects && !directory) {
    resource += (access_point ? "/object/" : "/") + target.key_prefix + '*';
  }
  Json statement;
  statement["Effect"] = "Allow";
  statement["Action"] = Action(target, action);
  statement["Resource"] = resource;
  if (action == "s3:ListBucket" && !directory && !target.key_prefix.empty()) {
    statement["Condition"]["StringLike"]["s3:prefix"] = target.key_prefix + '*';
  }
  return statement;
}

Json KmsStatement(const std::string& key, const std::vector<std::string>& actions) {
  return {{"Sid", "CofferSealedVolume"},
          {"Effect", "Allow"},
          {"Principal", {{"AWS", "arn:aws:iam::ACCOUNT:role/ROLE"}}},
          {"Action", actions},
          {"Resource", key.starts_with("arn:") && key.find(":key/") != key.npos ? key : "*"}};
}

}  // namespace coffer::fs
