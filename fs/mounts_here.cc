#include "fs/mounts_here.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crypto/ascii.h"
#include "fs/console.h"
#include "fs/policy_request.h"
#include "s3client/target.h"

namespace coffer::fs {
namespace {

// How a mount reaches its bucket; nothing for an address of a kind that has no bucket policy.
struct MountedBy {
  s3::Target target;
  bool by_name = false;  // of the bucket itself
};
std::optional<MountedBy> HowMounted(const MountEntry& mount) {
  auto target = s3::ParseTarget(mount.source, {});
  if (!target) return std::nullopt;
  const bool by_name = target->kind == s3::TargetKind::kBucket && !target->alias;
  if (!by_name && !target->alias && target->kind != s3::TargetKind::kAccessPoint &&
      target->kind != s3::TargetKind::kMultiRegion) {
    return std::nullopt;
  }
  return MountedBy{std::move(*target), by_name};
}

bool LeadsThrough(const s3::Target& target, const s3::AccessPoint& point) {
  return target.alias ? target.name == point.alias : target.arn == point.arn;
}

struct MountDoor {
  std::string arn;      // "" where it is not known
  std::string account;  // likewise
  bool vpc = false;
  std::string doubt;  // that it leads to the bucket; "" where there is none
};

// The access point of a mount, unless it is known to be another bucket's.
std::optional<MountDoor> FindDoor(const s3::Target& target, const BucketPolicyChange& change) {
  if (change.points) {
    for (const s3::AccessPoint& point : *change.points) {
      if (LeadsThrough(target, point))
        return MountDoor{point.arn, change.owner, !point.vpc.empty(), ""};
    }
  }
  MountDoor door{target.arn, target.account, false, ", if it leads to this bucket,"};
  if (target.kind != s3::TargetKind::kMultiRegion && !target.alias) {
    if (!change.region.empty() && target.region != change.region) return std::nullopt;
    if (change.points && target.account == change.owner) return std::nullopt;
  }
  if (!change.points) {
    door.doubt = ", if it leads to this bucket (which cannot be seen: " +
                 Printable(change.points.error().what) + "),";
  }
  return door;
}

// The request of anybody for a file below the mount's prefix.
AskedRequest AskedBy(const MountedBy& mounted, const BucketPolicyChange& change) {
  AskedRequest asked;
  asked.caller.account = change.owner;
  asked.caller.arn = "arn:" + change.partition + ":iam::" + change.owner + ":user/anybody";
  asked.owner = change.owner;
  asked.partition = change.partition;
  asked.bucket = change.bucket;
  asked.key = mounted.target.key_prefix + "file";
  asked.tls = change.tls || !mounted.by_name;  // an access point speaks https alone
  return asked;
}

std::vector<std::string> ConditionsOf(const MountDoor& door) {
  std::vector<std::string> conditions;
  if (!door.arn.empty()) conditions.push_back("s3:DataAccessPointArn=" + door.arn);
  if (!door.account.empty()) conditions.push_back("s3:DataAccessPointAccount=" + door.account);
  if (door.doubt.empty()) {
    conditions.push_back(std::string("s3:AccessPointNetworkOrigin=") +
                         (door.vpc ? "VPC" : "Internet"));
  }
  return conditions;
}

}  // namespace

bool AnyThroughAccessPoints(const std::vector<MountEntry>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(), [](const MountEntry& mount) {
    const auto mounted = HowMounted(mount);
    return mounted && !mounted->by_name;
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
      asked.headers = ConditionsOf(*door);
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
