#include "fs/policy_through.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace coffer::fs {
namespace {

// "arn:aws:s3:::bucket/key" is ".../object/key" of the access point.
std::string OfDoor(const PolicyDoor& door, const std::string& of_bucket) {
  constexpr std::size_t kColons = 5;
  std::size_t at = 0;
  for (std::size_t i = 0; i < kColons; ++i) at = of_bucket.find(':', at) + 1;
  const std::size_t slash = of_bucket.find('/', at);
  return door.arn + (slash == std::string::npos ? "" : "/object" + of_bucket.substr(slash));
}

Decision Denied(std::string why) { return {PolicyVerdict::kDenied, "", std::move(why), false}; }

// What the kind of door refuses, whatever policies say; nothing where it lets pass.
std::optional<Decision> AtTheDoor(const PolicyDoor& door, const PolicyRequest& request) {
  if (request.caller.arn.empty()) {
    return Denied("an access point answers nobody without credentials");
  }
  if (request.context.at("aws:securetransport") != "true") {
    return Denied("an access point speaks https alone");
  }
  if (door.vpc.empty()) return std::nullopt;
  const auto from = request.context.find("aws:sourcevpc");
  if (from == request.context.end()) {
    return Decision{PolicyVerdict::kNotDecided, "",
                    "the access point is reached from " + door.vpc +
                        " alone: --header aws:SourceVpc=" + door.vpc + " asks from there",
                    true};
  }
  if (from->second == door.vpc) return std::nullopt;
  return Denied("the access point is reached from " + door.vpc + " alone");
}

bool Allows(const Decision& decision) { return decision.verdict == PolicyVerdict::kAllowed; }

// Names the policy that a statement is of.
Decision WithPolicy(Decision decision, const char* whose) {
  if (!decision.statement.empty()) decision.statement += std::string(" of ") + whose;
  decision.why = std::string(whose) + ": " + decision.why;
  return decision;
}

}  // namespace

Decision EvaluateThrough(const PolicyDoor& door, const std::vector<PolicyStatement>& of_bucket,
                         PolicyRequest request) {
  constexpr const char* kDoors = "the access point's policy";
  constexpr const char* kBuckets = "the bucket's policy";
  request.context["s3:dataaccesspointarn"] = door.arn;
  request.context["s3:dataaccesspointaccount"] = door.account;
  request.context["s3:accesspointnetworkorigin"] = door.vpc.empty() ? "Internet" : "VPC";
  if (const auto refused = AtTheDoor(door, request); refused && !refused->uncertain) {
    return *refused;
  }
  PolicyRequest at_door = request;
  at_door.resource = OfDoor(door, request.resource);
  at_door.owner = door.account;
  Decision first = WithPolicy(Evaluate(door.statements, at_door), kDoors);
  const Decision second = WithPolicy(Evaluate(of_bucket, request), kBuckets);
  for (const Decision& one : {first, second}) {
    if (one.verdict == PolicyVerdict::kDenied) return one;
  }
  if (const auto unknown = AtTheDoor(door, request)) return *unknown;
  for (const Decision& one : {first, second}) {
    if (one.uncertain) return one;
  }
  if (Allows(first) && Allows(second)) return first;
  if (!Allows(first) && !Allows(second)) {
    return {PolicyVerdict::kNotDecided, "", first.why + "; " + second.why, false};
  }
  const Decision& silent = Allows(first) ? second : first;
  const Decision& allows = Allows(first) ? first : second;
  return {PolicyVerdict::kNotDecided, allows.statement, allows.why + "; but " + silent.why, false};
}

Result<LostRights> LostThrough(const PolicyDoor& before, const PolicyDoor& after,
                               AskedRequest asked, const s3::Clock& clock) {
  constexpr std::array<std::string_view, 5> kNeeded = {
      "s3:GetObject", "s3:ListBucket", "s3:GetAccessPointPolicy", "s3:PutAccessPointPolicy",
      "s3:DeleteAccessPointPolicy"};
  LostRights lost;
  lost.certain = false;
  for (const std::string_view action : kNeeded) {
    asked.action = action;
    asked.key = action == "s3:GetObject" ? "file" : "";
    COFFER_ASSIGN(PolicyRequest request, MakePolicyRequest(asked, clock));
    // From where the door is open: what is asked is what the policy changes.
    if (!before.vpc.empty()) request.context["aws:sourcevpc"] = before.vpc;
    const Decision was = EvaluateThrough(before, {}, request);
    const Decision is = EvaluateThrough(after, {}, request);
    const bool denied =
        is.verdict == PolicyVerdict::kDenied && was.verdict != PolicyVerdict::kDenied;
    if (!denied && (!is.uncertain || was.uncertain)) continue;
    lost.certain = lost.certain || denied;
    lost.needed += (lost.needed.empty() ? "" : ", ") + std::string(action);
  }
  return lost;
}

}  // namespace coffer::fs
