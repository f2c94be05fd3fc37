// What a change of policy does to the mounts of coffer on this machine. Whose credentials they have
// nobody tells, so that they are taken for those of anybody: a denial that excepts them is said all
// the same. Pure functions of the table of mounts, of the policies and of what S3 Control told.

#pragma once

#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/mount_point.h"
#include "fs/policy_document.h"
#include "s3client/clock.h"
#include "s3client/s3_control.h"

namespace coffer::fs {

// Whether some mount goes through an access point, of whatever bucket.
bool AnyThroughAccessPoints(const std::vector<MountEntry>& mounts);

struct BucketPolicyChange {
  const Policy& before;
  const Policy& after;
  std::string bucket;
  std::string partition;
  std::string region;
  std::string owner;        // of the bucket
  bool tls = true;          // how the bucket is reached by its name
  std::string prefix = {};  // of the rule; "" when it is of the whole bucket
  // The bucket's, of its owner; needed where AnyThroughAccessPoints.
  Result<std::vector<s3::AccessPoint>> points = std::vector<s3::AccessPoint>();
};
// One line for each mount of the bucket that is denied something then. Of one through an access
// point that is not among `points` only its owner knows the bucket: its line says so.
std::vector<std::string> EffectsOnMounts(const std::vector<MountEntry>& mounts,
                                         const BucketPolicyChange& change, const s3::Clock& clock);

// One line that names the mounts through `point`, by its ARN or its alias; nothing where there is
// none.
std::vector<std::string> MountsThrough(const std::vector<MountEntry>& mounts,
                                       const s3::AccessPoint& point);

}  // namespace coffer::fs
