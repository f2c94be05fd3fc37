#include "fs/lock_policy.h"

#include <utility>

#include "s3client/time_text.h"

namespace coffer::fs {

Result<LockReading> ReadLock(s3::ObjectStore& store, std::string_view key,
                             const LockPolicy& policy) {
  if (!policy.protects() || key.ends_with('/')) return LockReading{};
  if (!policy.visible) return LockReading{policy.unseen_locked};
  auto info = store.Head(key, {});  // a stray 404 frees nothing
  if (!info && info.error().code == Code::kNotFound) return LockReading{};
  if (!info && info.error().code == Code::kDenied) return LockReading{policy.unseen_locked};
  if (!info) return std::move(info).error().While("see whether it is locked");
  LockReading reading;
  reading.lock = info->lock;
  reading.locked = info->lock.Active(info->server_date_s);
  reading.info = std::move(*info);
  return reading;
}

s3::Lock DefaultLock(const LockPolicy& policy, std::int64_t now_s) {
  if (policy.default_mode.empty()) return {};
  return {policy.default_mode, now_s + policy.default_period_s, false};
}

std::string LockInWords(const s3::Lock& lock) {
  std::string words;
  if (!lock.mode.empty()) words = lock.mode + " until " + s3::IsoTime(lock.retain_until_s);
  if (lock.legal_hold) words += words.empty() ? "legal hold" : ", and legal hold";
  return words.empty() ? "no lock" : words;
}

Error LockedError(const s3::Lock& lock) {
  if (lock == s3::Lock{}) {
    return {Code::kLocked,
            "the file is locked, as far as these credentials can see: s3:GetObjectRetention"};
  }
  return {Code::kLocked, "the file is locked: " + LockInWords(lock)};
}

}  // namespace coffer::fs
