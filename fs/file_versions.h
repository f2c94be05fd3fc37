// All versions of one name, newest first, and which of them is current: how `coffer versions` finds
// one, and makes it current again.
//
// S3 takes a write over a locked version; that a locked file stays what it is, is decided here, as
// by a mount. Borrows the store; blocks on the network.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "fs/lock_policy.h"
#include "s3client/bucket.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// `visit` gets every version and delete marker of `key`, in the order of the list: newest first;
// it may block, and ends it by an Error. 1 request for each 1,000.
Status EachVersionOf(s3::ObjectStore& store, std::string_view key,
                     const std::function<Status(const s3::ListedVersion& version)>& visit);

struct RestoreRequest {
  std::string key;
  std::string version_id;
  // Whether the bucket keeps new versions now. Where it does not, a copy would take the place of
  // the version "null"; so it may where that is not known.
  s3::Tri versioned = s3::Tri::kUnknown;
  LockPolicy locks = {};
  s3::UploadObserver* uploads = nullptr;  // told of a copy that is made of parts; borrowed
};

struct RestoredVersion {
  s3::ListedVersion source;
  s3::ListedVersion replaced;  // what was current: another version, or a marker
  bool was_current = false;    // `source` was: nothing was done
  s3::Written made = {};       // the copy
  s3::Lock source_lock = {};   // which the copy does not have
  bool overtaken = false;      // by somebody's version that came right after
};

// Copies that version onto the name, inside the service: content, metadata and headers as they are,
// so that a sealed file opens. Only if what is current still is when the copy is made; read back.
// The current version is there as before, below it. The copy has the lock that the bucket gives to
// new versions, and none of its own.
//
// kNotFound where there is no such version, kInvalid for a delete marker, kLocked where the current
// version is locked, kChanged when somebody was quicker, kUnsupported where a version would be lost
// by it; kArchived, kDenied ... as the store's.
Result<RestoredVersion> RestoreVersion(s3::ObjectStore& store, const RestoreRequest& request);

}  // namespace coffer::fs
