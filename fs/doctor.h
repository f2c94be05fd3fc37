// What `coffer doctor` finds: a list of checks, each with what to change.
//
// DoctorProbes is what doctor asks beside the ObjectStore; main.cc answers it with the credentials,
// STS and the bucket's settings, tests with what they want to see handled. One thread.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/json.h"
#include "s3client/credentials.h"
#include "s3client/object_store.h"
#include "s3client/target.h"

namespace coffer::fs {

enum class CheckState { kOk, kWarn, kFail, kNotTested };

struct Check {
  std::string name;
  CheckState state = CheckState::kNotTested;
  std::string detail = {};  // what was found
  std::string change = {};  // what to do about it; "" when nothing
  Json policy = nullptr;    // a statement to add, or null
  bool access = false;      // failed for want of credentials or permission
  bool key = false;         // failed for want of a key that opens, or one that is switched on
};

// Whose keys these are, as STS says.
struct StsCaller {
  std::string account;
  std::string arn;
};

struct ObjectLockSetup {
  bool enabled = false;
  std::string default_mode;    // "" for no default retention
  std::string default_period;  // for people: "30 days"
};

// Multipart uploads below the prefix that nobody has ended.
struct LeftUploads {
  std::size_t count = 0;
  bool more = false;  // than can be counted with one request
  std::string oldest_key;
  std::int64_t oldest_age_s = 0;
};

// What a look at one object's lock showed.
enum class LockSight { kVisible, kBucketHasNone };

// All methods block on the network. Failures as ObjectStore's; kUnsupported where the address or
// the server does not answer the question.
class DoctorProbes {
 public:
  virtual ~DoctorProbes() = default;
  // Null for anonymous requests.
  virtual Result<std::shared_ptr<const s3::Credentials>> Credentials() = 0;
  virtual Result<StsCaller> Identity() = 0;
  // How far the service's clock is ahead of ours, after any reply; nothing before one.
  virtual std::optional<std::int64_t> ClockOffset() = 0;
  // The Region that the service names for the bucket, "" when it names none.
  virtual Result<std::string> BucketRegion() = 0;
  virtual Result<std::string> Versioning() = 0;  // "Enabled", "Suspended", "" for never
  virtual Result<ObjectLockSetup> ObjectLock() = 0;
  virtual Result<LockSight> Retention(std::string_view key) = 0;
  virtual Result<LockSight> LegalHold(std::string_view key) = 0;
  virtual Result<LeftUploads> Uploads(std::string_view prefix) = 0;
};

// Whether a conditional write of one kind can be relied upon.
enum class Finding {
  kUnknown,
  kHonoured,  // a request that had to fail failed, and one that had to succeed did
  kIgnored,   // a request that had to fail succeeded
  kUnusable,  // a request that had to succeed failed
};

struct ConditionalFindings {
  bool versioned = false;
  Finding put_if_absent = Finding::kUnknown;
  Finding put_if_match = Finding::kUnknown;
  bool put_if_match_bare = false;  // honoured only with the ETag unquoted
  Finding copy_if_absent = Finding::kUnknown;
  Finding copy_source_match = Finding::kUnknown;
  Finding complete_if_absent = Finding::kUnknown;
  Finding delete_if_match = Finding::kUnknown;
};

struct DoctorContext {
  const s3::Target& target;
  // S3 itself: no decorator that emulates conditions, or doctor would test the emulation.
  s3::ObjectStore& store;
  DoctorProbes& probes;
};

}  // namespace coffer::fs
