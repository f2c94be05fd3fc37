#include "s3client/lock_check.h"

#include <utility>

#include "s3client/time_text.h"

namespace coffer::s3 {
namespace {

std::string InWords(const Lock& lock) {
  std::string words;
  if (!lock.mode.empty()) {
    words = lock.mode + " until " + IsoTime(lock.retain_until_s);
  }
  if (lock.legal_hold) words += words.empty() ? "legal hold" : " and legal hold";
  return words.empty() ? "nothing" : words;
}

Status Repair(ObjectLocks& locks, std::string_view key, const std::string& version_id,
              const Lock& asked, const Lock& found) {
  const Lock retention{asked.mode, asked.retain_until_s, false};
  if (!found.Covers(retention)) {
    COFFER_TRY(locks.PutRetention(
        {std::string(key), version_id, asked.mode, asked.retain_until_s, false}));
  }
  if (asked.legal_hold && !found.legal_hold) {
    COFFER_TRY(locks.PutLegalHold(key, version_id, true));
  }
  return Ok();
}

// Asked of the lock itself: versitygw's HEAD shows it for the newest version alone.
Result<Lock> ReadLock(ObjectLocks& locks, std::string_view key, const std::string& version_id,
                      const Lock& asked) {
  Lock lock;
  if (!asked.mode.empty()) {
    COFFER_ASSIGN(const Retention retention, locks.GetRetention(key, version_id));
    lock.mode = retention.mode;
    lock.retain_until_s = retention.until_s;
  }
  if (asked.legal_hold) {
    COFFER_ASSIGN(lock.legal_hold, locks.GetLegalHold(key, version_id));
  }
  return lock;
}

// RGW 16.2 does not tell the version that a copy made: then it has to be the current one still.
Result<ObjectInfo> HeadWritten(ObjectStore& store, std::string_view key, const Written& written) {
  ReadCondition made;
  made.version_id = written.version_id;
  if (made.version_id.empty()) made.etag = written.etag;
  COFFER_ASSIGN(ObjectInfo info, store.Head(key, made));
  if (info.version_id.empty()) {
    return Error{Code::kUnsupported, "the bucket keeps no versions, and only versions are locked"};
  }
  return info;
}

Result<ObjectInfo> Confirm(ObjectStore& store, std::string_view key, const Written& written,
                           const Lock& asked) {
  COFFER_ASSIGN(ObjectInfo info, HeadWritten(store, key, written));
  if (info.lock.Covers(asked)) return info;
  const std::string& version_id = info.version_id;
  COFFER_TRY(Repair(store.locks(), key, version_id, asked, info.lock));
  COFFER_ASSIGN(info.lock, ReadLock(store.locks(), key, version_id, asked));
  if (!info.lock.Covers(asked)) {
    return Error{Code::kUnavailable, "the service was asked for " + InWords(asked) +
                                         ", said yes, and has " + InWords(info.lock)};
  }
  return info;
}

}  // namespace

Result<ObjectInfo> ConfirmLock(ObjectStore& store, std::string_view key, const Written& written,
                               const Lock& asked) {
  auto info = Confirm(store, key, written, asked);
  if (info) return info;
  return std::move(info).error().While("the object is stored, but may not be locked: confirm it");
}

}  // namespace coffer::s3
