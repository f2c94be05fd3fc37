#include "fs/mounts_here.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "crypto/ascii.h"
#include "fs/console.h"
#include "fs/policy_request.h"
#include "s3client/target.h"

namespace coffer::fs {
namespace {

// How a mount reaches its bucket.
struct MountedBy {
  s3::Target target;
  bool by_name = false;  // of the bucket itself
};

// Nothing for what is no address, as of a mount that other software made.
std::optional<MountedBy> HowMounted(const MountEntry& mount) {
  s3::AddressOptions elsewhere;  // where account ids and partitions may be any
  elsewhere.endpoint_url = "https://s3.invalid";
  elsewhere.region = "us-east-1";
  auto target = s3::ParseTarget(mount.source, {});
  if (!target) target = s3::ParseTarget(mount.source, elsewhere);
  if (!target) return std::nullopt;
  const bool by_name = target->kind == s3::TargetKind::kBucket && !target->alias;
  return MountedBy{std::move(*target), by_name};
}

bool IsDoor(const s3::Target& target) {
  return target.alias || target.kind == s3::TargetKind::kAccessPoint ||
         target.kind == s3::TargetKind::kMultiRegion ||
         target.kind == s3::TargetKind::kObjectLambda;
}

// Access points in the way are not those that conditions of policies speak of.
bool IsIndirect(const s3::Target& target) {
  return target.kind == s3::TargetKind::kObjectLambda || target.alias;
}

bool LeadsThrough(const s3::Target& target, const s3::AccessPoint& point) {
  return target.alias ? target.name == point.alias : target.arn == point.arn;
}

struct MountDoor {
  std::vector<std::string> conditions;  // NAME=VALUE
  std::set<std::string> unknown;        // names of others
  std::string doubt;                    // that it leads to the bucket; "" where there is none
};

constexpr const char* kDoorArn = "s3:DataAccessPointArn";
constexpr const char* kDoorAccount = "s3:DataAccessPointAccount";
constexpr const char* kDoorNetwork = "s3:AccessPointNetworkOrigin";

MountDoor KnownDoor(const s3::AccessPoint& point, const std::string& account) {
  const std::string network = point.vpc.empty() ? "Internet" : "VPC";
  return {{std::string(kDoorArn) + "=" + point.arn, std::string(kDoorAccount) + "=" + account,
           std::string(kDoorNetwork) + "=" + network},
          {},
          ""};
}

// One of which only its owner knows the bucket.
MountDoor DoubtfulDoor(const s3::Target& target, const BucketPolicyChange& change) {
  MountDoor door;
  door.unknown.insert(AsciiLower(kDoorNetwork));
  if (IsIndirect(target)) {
    door.unknown.insert({AsciiLower(kDoorArn), AsciiLower(kDoorAccount)});
  } else {
    door.conditions = {std::string(kDoorArn) + "=" + target.arn,
                       std::string(kDoorAccount) + "=" + target.account};
  }
  door.doubt = ", if it leads to this bucket,";
  if (!change.points) {
    door.doubt = ", if it leads to this bucket (which cannot be seen: " +
                 Printable(change.points.error().what) + "),";
  }
  return door;
}

// The access point of a mount, unless it is known to be another bucket's, or of what has no policy
// of this kind.
std::optional<MountDoor> FindDoor(const s3::Target& target, const BucketPolicyChange& change) {
  if (change.points) {
    for (const s3::AccessPoint& point : *change.points) {
      if (LeadsThrough(target, point)) return KnownDoor(point, change.owner);
    }
  }
  if (!IsDoor(target)) return std::nullopt;
  const bool here = change.region.empty() || target.region == change.region;
  const bool told = target.kind == s3::TargetKind::kAccessPoint && !target.alias;
  if (told && (!here || (change.points && target.account == change.owner))) return std::nullopt;
  return DoubtfulDoor(target, change);
}

// Below the mount's prefix, and below that of the rule where that is a part of it.
std::string KeyBelow(const MountedBy& mounted, const BucketPolicyChange& change) {
  const std::string& prefix = mounted.target.key_prefix;
  return (change.prefix.starts_with(prefix) ? change.prefix : prefix) + "file";
}

// The request of anybody for a file below the mount's prefix.
AskedRequest AskedBy(const MountedBy& mounted, const BucketPolicyChange& change) {
  AskedRequest asked;
  asked.caller.account = change.owner;
  asked.caller.arn = "arn:" + change.partition + ":iam::" + change.owner + ":user/anybody";
  asked.owner = change.owner;
  asked.partition = change.partition;
  asked.bucket = change.bucket;
  asked.key = KeyBelow(mounted, change);
  asked.tls = change.tls || !mounted.by_name;  // an access point speaks https alone
  return asked;
}

}  // namespace

bool AnyThroughAccessPoints(const std::vector<MountEntry>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(), [](const MountEntry& mount) {
    const auto mounted = HowMounted(mount);
    return mounted && !mounted->by_name && IsDoor(mounted->target);
  });
}

std::vector<std::string> EffectsOnMounts(const std::vector<MountEntry>& mounts,
                                         const BucketPolicyChange& change, const s3::Clock& clock) {
  std::vector<std::string> effects;
  for (const MountEntry& mount : mounts) {
    const auto mounted = HowMounted(mount);
    if (!mounted || (mounted->by_name && mounted->target.name != change.bucket)) continue;
    AskedRequest asked = AskedBy(*mounted, change);
    std::string doubt;
    if (!mounted->by_name) {
      const auto door = FindDoor(mounted->target, change);
      if (!door) continue;
      asked.headers = door->conditions;
      asked.unknown = door->unknown;
      doubt = door->doubt;
    }
    const auto lost = Lost(change.before.statements, change.after.statements, asked, clock);
    if (!lost || (lost->needed.empty() && lost->also.empty())) continue;
    const bool both = !lost->needed.empty() && !lost->also.empty();
    effects.push_back("the mount at " + Printable(mount.directory) + " (" +
                      Printable(mount.source) + ")" + doubt + " is then denied " + lost->needed +
                      (both ? ", " : "") + lost->also +
                      ", unless this excepts whoever it was mounted by, or what it sends");
  }
  return effects;
}

std::vector<std::string> MountsThrough(const std::vector<MountEntry>& mounts,
                                       const s3::AccessPoint& point) {
  std::vector<std::string> directories;
  for (const MountEntry& mount : mounts) {
    const auto mounted = HowMounted(mount);
    if (mounted && !mounted->by_name && LeadsThrough(mounted->target, point)) {
      directories.push_back(Printable(mount.directory));
    }
  }
  if (directories.empty()) return {};
  return {"on this machine " + Joined(directories) + (directories.size() == 1 ? " is" : " are") +
          " mounted through it"};
}

}  // namespace coffer::fs
