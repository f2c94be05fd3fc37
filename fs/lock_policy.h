// What a mount makes of Object Lock, and the question whether a name may be changed.
//
// S3 itself refuses neither a write over a locked version nor a delete of its name: that a locked
// file is immutable is decided here, from what the service says of the current version, by its own
// clock.

#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct LockPolicy {
  bool enabled = false;  // the bucket has Object Lock; else nothing of this costs a request
  bool sure = false;     // that it has; else it is taken to, until it says otherwise
  // These credentials may see locks. Else `unseen_locked` is what every version counts as.
  bool visible = true;
  bool unseen_locked = true;
  bool strip_write_bits = true;  // of the mode that a locked file shows
  // --locked=versioned: a locked name may be written over and removed, which leaves its version.
  bool versioned = false;
  bool allow_compliance = false;  // may be set or extended by attributes
  // How far in the future attributes may lock.
  std::int64_t longest_s = std::numeric_limits<std::int64_t>::max() / 2;
  // What the bucket gives to every new version; "" for nothing.
  std::string default_mode = {};
  std::int64_t default_period_s = 0;
  std::int64_t default_slack_s = 5;  // how far the service's idea of it may be from ours
  bool default_known = true;

  // Is anybody refused for a lock?
  bool protects() const { return enabled && !versioned; }
};

// What one look at the current version showed.
struct LockReading {
  bool locked = false;
  s3::Lock lock = {};                       // empty when nothing was said
  std::optional<s3::ObjectInfo> info = {};  // nothing: no such object, or not asked
};

// Asks for the lock of the current version of `key`: 1 HEAD, 1 LIST more of what is not there, none
// where the policy decides alone; with --locked=versioned nothing counts as locked.
// A name that is not there is not locked; one that may not be looked at is as unseen ones are.
// Directory markers never are. Blocks on the network.
Result<LockReading> ReadLock(s3::ObjectStore& store, std::string_view key,
                             const LockPolicy& policy);

// The lock that the bucket gives to a version made at the service's time `now_s`.
s3::Lock DefaultLock(const LockPolicy& policy, std::int64_t now_s);

// "COMPLIANCE until 2030-01-01T00:00:00Z, and legal hold"; "no lock".
std::string LockInWords(const s3::Lock& lock);
// kLocked, in words.
Error LockedError(const s3::Lock& lock);

}  // namespace coffer::fs
