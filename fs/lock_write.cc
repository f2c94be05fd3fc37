#include "fs/lock_write.h"

#include <utility>

#include "fs/lock_policy.h"
#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

// How soon retention that cannot be taken off shall end instead: it must lie in the future when the
// request arrives.
constexpr std::int64_t kShortestS = 5;

// A service that took a longer retention for none (RGW 16.2, after 2106) shall not have freed the
// file by that.
Error PutBack(s3::ObjectStore& store, const std::string& key, const s3::ObjectInfo& now,
              Error error) {
  const s3::Lock& before = now.lock;
  const Status back =
      store.locks().PutRetention({key, now.version_id, before.mode, before.retain_until_s, false});
  error.what += back ? "; it has its earlier lock again"
                     : "; its earlier lock could not be set again: " + back.error().what;
  return error;
}

Error NoVersions() {
  return {Code::kUnsupported, "the bucket keeps no versions, and only versions are locked"};
}

}  // namespace

Result<s3::ObjectInfo> WriteLock(s3::ObjectStore& store, const std::string& key,
                                 const s3::ObjectInfo& now, const s3::Lock& wanted) {
  if (now.version_id.empty()) return NoVersions();
  s3::ObjectLocks& locks = store.locks();
  if (wanted.mode != now.lock.mode || wanted.retain_until_s != now.lock.retain_until_s) {
    COFFER_TRY(
        locks.PutRetention({key, now.version_id, wanted.mode, wanted.retain_until_s, false}));
  }
  if (wanted.legal_hold != now.lock.legal_hold) {
    COFFER_TRY(locks.PutLegalHold(key, now.version_id, wanted.legal_hold));
  }
  auto made = s3::ConfirmLock(store, key, {now.etag, now.version_id, 0}, wanted);
  if (!made && now.lock.Retained(now.server_date_s)) {
    return PutBack(store, key, now, std::move(made).error());
  }
  if (made && made->lock.legal_hold && !wanted.legal_hold) {
    return Error{Code::kUnavailable, "the service said that the legal hold is off, and it is on"};
  }
  return made;
}

Status IsFreeable(const s3::ObjectInfo& now) {
  if (now.lock.legal_hold) {
    return Error{
        Code::kLocked,
        "it is under a legal hold, which nothing bypasses: 'coffer hold off' takes it off"};
  }
  if (now.lock.Retained(now.server_date_s) && now.lock.mode == "COMPLIANCE") {
    return Error{Code::kLocked, LockInWords(now.lock) + ", which nobody can end before"};
  }
  return Ok();
}

Result<s3::ObjectInfo> FreeFromGovernance(s3::ObjectStore& store, const std::string& key,
                                          const s3::ObjectInfo& now) {
  if (now.version_id.empty()) return NoVersions();
  COFFER_TRY(IsFreeable(now));
  s3::RetentionChange change{key, now.version_id, "", 0, true};
  Status freed = store.locks().PutRetention(change);
  // AWS takes an empty retention for none; RGW and versitygw want a date, and one to come.
  if (!freed && (freed.error().service_code == "MalformedXML" ||
                 freed.error().service_code == "InvalidArgument")) {
    change.mode = now.lock.mode;
    change.until_s = now.server_date_s + kShortestS;
    freed = store.locks().PutRetention(change);
  }
  if (!freed) {
    Error error = std::move(freed).error();
    // What forbids it is no lock: governance yields to who may go past it.
    if (error.code == Code::kLocked) error.code = Code::kDenied;
    return error;
  }
  s3::ReadCondition this_version;
  this_version.version_id = now.version_id;
  auto made = store.Head(key, this_version);
  if (!made) return std::move(made).error().While("see whether it is free now");
  if (made->lock.Retained(change.until_s > 0 ? change.until_s : made->server_date_s)) {
    return Error{Code::kUnavailable,
                 "the service said yes, and it still has " + LockInWords(made->lock)};
  }
  return made;
}

}  // namespace coffer::fs
