// What a command on locks makes of one file: from what was asked and the lock that is there, to
// what is sent. Pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// What every file shall have.
struct LockWish {
  // Until when it is retained at least; 0: nothing is said of retention.
  std::int64_t until_s = 0;
  // "": that of the file's own retention, while that runs; else GOVERNANCE.
  std::string mode = {};
  std::optional<bool> hold = {};
  // --extend: files whose retention ends before this; each keeps its mode, and `mode` is for those
  // that never had any. 0: no --extend.
  std::int64_t if_before_s = 0;
  bool free_governance = false;  // instead of all that: retention is taken off
  // Nobody can undo it, so somebody has to have said yes.
  bool allow_compliance = false;
};

struct LockPlan {
  enum class Step { kNothing, kWrite, kFree };
  Step step = Step::kNothing;
  s3::Lock lock = {};            // that the version shall have
  bool sets_compliance = false;  // or extends it
};

// Of the version that `now` describes, by the service's time in it. A lock is never weakened:
// kLocked says what would have been. kNotPermitted for compliance that was not allowed, and for a
// file to extend that was never locked.
Result<LockPlan> PlanLock(const LockWish& wish, const s3::ObjectInfo& now);

}  // namespace coffer::fs
