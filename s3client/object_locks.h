// Object Lock of single versions: what ObjectStore::locks() gives.
//
// A lock protects a version, not a name: writing over a key or deleting it is never refused by the
// service. An empty version id is the current version, whichever that is when the request arrives.
// Every call blocks on the network, retries by itself, and is safe from any thread. Failures beside
// those of object_store.h: kUnsupported where the bucket has no Object Lock; kDenied for who may
// not see or set locks; kLocked when the lock that is there forbids the change.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::s3 {

// Retention and legal hold of one version. As the service reports them: empty when it says nothing,
// which also happens to callers who may not see locks, and no less reported once it has ended. As
// part of a write: what the new version shall have.
struct Lock {
  std::string mode = {};  // "", "GOVERNANCE", "COMPLIANCE"
  std::int64_t retain_until_s = 0;
  bool legal_hold = false;

  // At the service's time `now_s`.
  bool Retained(std::int64_t now_s) const { return !mode.empty() && retain_until_s > now_s; }
  bool Active(std::int64_t now_s) const { return legal_hold || Retained(now_s); }
  // Whether this protects at least as `asked` does. RGW 16.2 stores dates after 2106 as others.
  bool Covers(const Lock& asked) const;

  friend bool operator==(const Lock&, const Lock&) = default;
};

struct Retention {
  std::string mode = {};  // "" when there is none
  std::int64_t until_s = 0;
  std::int64_t server_date_s = 0;  // Date of the reply
};

struct RetentionChange {
  std::string key = {};
  std::string version_id = {};
  std::string mode = {};  // "" takes retention off, which takes a bypass while it runs
  std::int64_t until_s = 0;
  // Sends x-amz-bypass-governance-retention, which nothing else ever does.
  bool bypass_governance = false;
};

class ObjectLocks {
 public:
  virtual ~ObjectLocks() = default;

  // Never set and taken off are no error: a Retention without mode.
  virtual Result<Retention> GetRetention(std::string_view key, std::string_view version_id) = 0;
  virtual Status PutRetention(const RetentionChange& change) = 0;
  virtual Result<bool> GetLegalHold(std::string_view key, std::string_view version_id) = 0;
  virtual Status PutLegalHold(std::string_view key, std::string_view version_id, bool on) = 0;
};

}  // namespace coffer::s3
