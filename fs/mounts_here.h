// What a change of policy does to the mounts of coffer on this machine. Whose credentials they have
// nobody tells, so that they are taken for those of anybody: a denial that excepts them is said all
// the same. Pure functions of the table of mounts and of the policies.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/mount_point.h"
#include "fs/policy_document.h"
#include "s3client/clock.h"

namespace coffer::fs {

struct BucketPolicyChange {
  const Policy& before;
  const Policy& after;
  std::string bucket;
  std::string partition;
  std::string owner;  // of the bucket
  bool tls = true;    // how the bucket is reached
};
// One line for each mount by the bucket's own name that is denied something then.
std::vector<std::string> EffectsOnMounts(const std::vector<MountEntry>& mounts,
                                         const BucketPolicyChange& change, const s3::Clock& clock);

// One line that names the mounts through the access point `arn`; nothing where there is none.
std::vector<std::string> MountsThrough(const std::vector<MountEntry>& mounts, std::string_view arn);

}  // namespace coffer::fs
