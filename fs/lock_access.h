// What Object Lock is to a mount: from what the bucket says, what these credentials may see, and
// the options.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/lock_policy.h"
#include "s3client/bucket.h"

namespace coffer::fs {

struct LockOptions {
  std::string locked_mode = "strip";  // "keep"
  std::string unknown;                // "" (not named): as "locked"; "unlocked"
  bool allow_compliance = false;
};

// Asks nothing where the bucket is known to have no Object Lock, else at most 2 requests about
// `key`, which need not exist. What people should know is added to `notes`. Failures are the
// network's alone: a missing right is part of the answer.
Result<LockPolicy> FindLockPolicy(s3::Bucket& bucket, const s3::BucketFacts& facts,
                                  std::string_view key, const LockOptions& options,
                                  std::vector<std::string>& notes);

}  // namespace coffer::fs
