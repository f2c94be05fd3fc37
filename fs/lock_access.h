// What Object Lock is to a mount: from what the bucket says, what these credentials may see, and
// the options.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/lock_policy.h"
#include "fs/lock_rules.h"
#include "s3client/bucket.h"

namespace coffer::fs {

struct LockOptions {
  std::string locked = "refuse";      // "versioned"
  std::string locked_mode = "strip";  // "keep"
  std::string unknown;                // "" (not named): as "locked"; "unlocked"
  bool allow_compliance = false;
  std::vector<std::string> rules = {};  // GLOB=MODE:DURATION, in their order
  bool no_builtin_exemptions = false;
  std::string autolock = {};        // IDLE=MODE:DURATION
  std::string worm = "off";         // "snaplock"
  std::string worm_retention = {};  // MODE:DURATION of its locks without a date; "": governance
  bool worm_atime = false;
  std::int64_t longest_s = kLongestLockS;
  std::string unverified = {};  // "allow": rules although locks cannot be read back
};

// How --worm locks; kInvalid for what is beyond the bounds.
Result<std::optional<LockTerm>> WormTerm(const LockOptions& options);

// Asks nothing where the bucket is known to have no Object Lock, else at most 2 requests about
// `key`, which need not exist. What people should know is added to `notes`. Failures are the
// network's alone: a missing right is part of the answer.
Result<LockPolicy> FindLockPolicy(s3::Bucket& bucket, const s3::BucketFacts& facts,
                                  std::string_view key, const LockOptions& options,
                                  std::vector<std::string>& notes);

// The lock that the bucket gives by itself to a version made at the service's time `now_s`; empty
// where it gives none, or that is not known.
s3::Lock DefaultLockOf(const s3::BucketFacts& facts, std::int64_t now_s);

// The rules of a mount: those of its volume come first, so that a mount adds and never drops.
// Refuses rules that could not be kept here: kUnsupported without Object Lock, kDenied where locks
// cannot be read back, kInvalid for compliance that was not allowed and for rules that the bucket's
// default contradicts. Sends nothing; `policy` learns that a lock option was given.
struct MountRules {
  LockRules rules = {};
  std::optional<Autolock> autolock = {};

  bool any() const { return !rules.empty() || autolock; }
};
Result<MountRules> MakeLockRules(const LockOptions& options,
                                 const std::vector<std::string>& of_volume, LockPolicy& policy,
                                 std::vector<std::string>& notes);

}  // namespace coffer::fs
