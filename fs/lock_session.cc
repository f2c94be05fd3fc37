#include "fs/lock_session.h"

#include <chrono>
#include <utility>

#include "fs/lock_access.h"

namespace coffer::fs {

Result<std::unique_ptr<VolumeSession>> OpenForLocks(const LockVolume& volume,
                                                    const Environment& environment,
                                                    std::vector<std::string>& notes) {
  COFFER_ASSIGN(auto session,
                VolumeSession::Open({volume.volume, {}, "auto", "", true}, environment, notes));
  const s3::Target& target = session->connection().target();
  if (!target.capabilities.object_lock) {
    return Error{Code::kUnsupported,
                 "there is no Object Lock on a " + std::string(s3::Name(target.kind))};
  }
  s3::Bucket bucket = session->connection().MakeBucket();
  // Answers for a key that is not there, too.
  std::string key = session->prefix() + "none";
  for (const LockPlace& place : volume.places) {
    if (!place.directory) key = place.key;
  }
  std::vector<std::string> unseen;
  COFFER_ASSIGN(const LockPolicy policy, FindLockPolicy(bucket, session->facts(), key, {}, unseen));
  if (!policy.enabled && policy.visible) {
    return Error{Code::kUnsupported,
                 "the bucket has no Object Lock, so nothing in it can be locked (it is turned on "
                 "when a bucket is made, or later on one with versioning)"};
  }
  if (!policy.visible) {
    return Error{Code::kDenied,
                 "locks cannot be seen by these credentials, and what cannot be read back is not "
                 "done: allow s3:GetObjectRetention and s3:GetObjectLegalHold"};
  }
  return session;
}

std::int64_t ServerSeconds(VolumeSession& session) {
  return std::chrono::floor<std::chrono::seconds>(session.connection().server_time().Now())
      .time_since_epoch()
      .count();
}

}  // namespace coffer::fs
