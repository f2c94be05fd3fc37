#include "fs/lock_session.h"

#include <chrono>
#include <utility>

#include "fs/mounted_path.h"
#include "s3client/bucket.h"

namespace coffer::fs {
namespace {

Error NoObjectLock() {
  return {Code::kUnsupported,
          "the bucket has no Object Lock, so nothing in it can be locked (it is turned on when a "
          "bucket is made, or later on one with versioning)"};
}

// From the answer to a question about one object, which need not be there.
Status CheckSeen(const Result<bool>& visible, std::string_view right) {
  if (visible) return *visible ? Ok() : Status(NoObjectLock());
  switch (visible.error().code) {
    case Code::kNotFound:
      return Ok();
    case Code::kUnsupported:
      return NoObjectLock();
    case Code::kDenied:
      return Error{Code::kDenied,
                   "locks cannot be seen by these credentials, and what cannot be read back is "
                   "not done: allow " +
                       std::string(right)};
    default:
      return Error(visible.error()).While("see whether files are locked");
  }
}

}  // namespace

Result<std::unique_ptr<VolumeSession>> OpenForLocks(const LockVolume& volume, LockSightNeeds needs,
                                                    const Environment& environment,
                                                    std::vector<std::string>& notes) {
  COFFER_TRY(CheckShowsNow(volume.at));
  COFFER_ASSIGN(auto session,
                VolumeSession::Open({volume.volume, {}, "auto", "", true}, environment, notes));
  const s3::Target& target = session->connection().target();
  if (!target.capabilities.object_lock) {
    return Error{Code::kUnsupported,
                 "there is no Object Lock on a " + std::string(s3::Name(target.kind))};
  }
  if (session->facts().object_lock == s3::Tri::kNo) return NoObjectLock();
  std::string key = session->prefix() + "none";
  for (const LockPlace& place : volume.places) {
    if (!place.directory) key = place.key;
  }
  s3::Bucket bucket = session->connection().MakeBucket();
  if (needs.retention) {
    COFFER_TRY(CheckSeen(bucket.RetentionVisible(key), "s3:GetObjectRetention"));
  }
  if (needs.hold) COFFER_TRY(CheckSeen(bucket.LegalHoldVisible(key), "s3:GetObjectLegalHold"));
  return session;
}

Result<bool> AnyBelow(s3::ObjectStore& store, const std::string& directory) {
  s3::ListRequest request;
  request.prefix = directory;
  request.delimited = false;
  request.max_keys = 1;
  COFFER_ASSIGN(const s3::ListPage page, store.List(request));
  return !page.objects.empty();
}

std::int64_t ServerSeconds(VolumeSession& session) {
  return std::chrono::floor<std::chrono::seconds>(session.connection().server_time().Now())
      .time_since_epoch()
      .count();
}

}  // namespace coffer::fs
