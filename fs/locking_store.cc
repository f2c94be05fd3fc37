#include "fs/locking_store.h"

#include <optional>
#include <set>
#include <utility>

#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

// A program that was told EACCES or EPERM would take it that nothing was stored.
Error NotLocked(Error error) {
  const bool stays = error.code == Code::kTimeout || error.code == Code::kInterrupted;
  if (!stays) error.code = Code::kUnavailable;
  return error;
}

}  // namespace

LockingStore::Asked LockingStore::LockFor(std::string_view key) const {
  const std::string& prefix = options_.prefix;
  if (!key.starts_with(prefix) || key.ends_with('/')) return {};
  const auto term = options_.rules.Find(key.substr(prefix.size()));
  if (!term) return {};
  const std::int64_t now_s =
      std::chrono::ceil<std::chrono::seconds>(server_time_.Now()).time_since_epoch().count();
  const s3::Lock lock{term->mode, now_s + term->period_s, false};
  s3::Lock given = DefaultLock(options_.policy, now_s);
  if (!given.Covers(lock)) return {*term, lock};
  if (options_.policy.visible) return {*term, lock, true};
  // That the default still is what it was could not be seen: it is asked for, and not made less.
  given.retain_until_s += options_.policy.default_slack_s;
  return {*term, given};
}

// `kept`: the server can be trusted to have set it.
Result<s3::Written> LockingStore::Confirmed(std::string_view key, s3::Written written,
                                            const s3::Lock& asked, bool kept) {
  if (options_.policy.visible) {
    auto info = s3::ConfirmLock(inner_, key, written, asked);
    if (!info) return NotLocked(std::move(info).error());
    written.lock = info->lock;
    return written;
  }
  // It cannot be read, so what some servers drop is said once more.
  if (!kept) {
    Status set = inner_.locks().PutRetention(
        {std::string(key), written.version_id, asked.mode, asked.retain_until_s, false});
    if (!set) return NotLocked(std::move(set).error().While("the object is stored, not locked"));
  }
  written.lock = asked;
  return written;
}

std::optional<OwedTerm> LockingStore::OwedFor(std::string_view key) const {
  if (owed_ == nullptr || !key.starts_with(options_.prefix) || key.ends_with('/')) return {};
  const std::string_view path = key.substr(options_.prefix.size());
  if (const auto term = options_.rules.FindExempt(path)) return OwedTerm{*term};
  if (!options_.autolock || options_.rules.Decides(path)) return {};
  return OwedTerm{options_.autolock->term, std::chrono::seconds(options_.autolock->idle_s)};
}

void LockingStore::Forget(std::string_view key) {
  if (owed_ != nullptr) owed_->Forget(key);
}

Result<s3::Written> LockingStore::Unlocked(std::string_view key, const Make& make) {
  const auto owed = OwedFor(key);
  if (!owed) {
    auto written = make();
    if (written) Forget(key);
    return written;
  }
  const OwedLocks::Ticket ticket = owed_->Expect(key, *owed);
  auto written = make();
  if (written) {
    owed_->Owe(ticket, *written);
  } else {
    owed_->NotMade(ticket);
  }
  return written;
}

// What may not have its lock yet when the request has ended is owed before it begins: a crash in
// between leaves it to the next mount.
Result<s3::Written> LockingStore::Locked(std::string_view key, const Asked& asked, Way way,
                                         const Make& make) {
  const bool kept = asked.by_default || way == Way::kPut || options_.trusted;
  const OwedTerm at_once{asked.term, std::chrono::seconds(0)};
  std::optional<OwedLocks::Ticket> ticket;
  if (owed_ != nullptr && (!kept || LockFor(key).late(asked))) {
    ticket = owed_->Expect(key, at_once);
  }
  auto written = make();
  if (!written) {
    if (ticket) owed_->NotMade(*ticket);
    return written;
  }
  const Asked now = LockFor(key);
  const bool late = now.late(asked);
  auto confirmed = Confirmed(key, *written, late ? now.lock : asked.lock, kept && !late);
  if (confirmed) {
    if (ticket) owed_->HasLock(*ticket);
    Forget(key);
  } else if (owed_ != nullptr) {
    owed_->Owe(ticket ? *ticket : owed_->Expect(key, at_once), *written);
  }
  return confirmed;
}

Status LockingStore::Delete(std::string_view key, const s3::Condition& condition) {
  COFFER_TRY(inner_.Delete(key, condition));
  Forget(key);
  return Ok();
}

Result<std::vector<s3::FailedDelete>> LockingStore::DeleteMany(
    std::span<const s3::KeyToDelete> keys) {
  COFFER_ASSIGN(std::vector<s3::FailedDelete> failed, inner_.DeleteMany(keys));
  if (owed_ == nullptr) return failed;
  std::set<std::string_view> stay;
  for (const auto& one : failed) stay.insert(one.key);
  for (const auto& one : keys) {
    if (!stay.contains(one.key)) owed_->Forget(one.key);
  }
  return failed;
}

Result<s3::Written> LockingStore::Put(std::string_view key, ByteView body,
                                      const s3::NewObject& object) {
  const Asked asked = LockFor(key);
  if (asked.none()) {
    return Unlocked(key, [&] { return inner_.Put(key, body, object); });
  }
  s3::NewObject locked = object;
  locked.lock = asked.sent();
  return Locked(key, asked, Way::kPut, [&] { return inner_.Put(key, body, locked); });
}

Result<s3::Written> LockingStore::Copy(const s3::CopyRequest& request) {
  const Asked asked = LockFor(request.to);
  if (asked.none()) {
    return Unlocked(request.to, [&] { return inner_.Copy(request); });
  }
  s3::CopyRequest locked = request;
  locked.target.lock = asked.sent();
  return Locked(request.to, asked, Way::kOther, [&] { return inner_.Copy(locked); });
}

Status LockingStore::Rename(const s3::RenameRequest& request) {
  if (LockFor(request.to).none()) return inner_.Rename(request);
  return Error{Code::kUnsupported, "the new name is locked by a rule, which takes a copy"};
}

Result<s3::Upload> LockingStore::CreateUpload(std::string_view key, const s3::NewObject& object) {
  const Asked asked = LockFor(key);
  if (asked.none()) return inner_.CreateUpload(key, object);
  s3::NewObject locked = object;
  locked.lock = asked.sent();
  COFFER_ASSIGN(s3::Upload upload, inner_.CreateUpload(key, locked));
  const Lock guard(mu_);
  uploads_[upload.id] = asked;
  return upload;
}

// The date went along when the upload began; one that lasted long is locked from its end.
Result<s3::Written> LockingStore::CompleteUpload(const s3::Upload& upload,
                                                 std::span<const s3::Part> parts,
                                                 const s3::Condition& condition) {
  std::optional<Asked> asked;
  {
    const Lock guard(mu_);
    if (const auto found = uploads_.find(upload.id); found != uploads_.end()) asked = found->second;
  }
  if (!asked) {
    return Unlocked(upload.key, [&] { return inner_.CompleteUpload(upload, parts, condition); });
  }
  return Locked(upload.key, *asked, Way::kOther, [&]() -> Result<s3::Written> {
    COFFER_ASSIGN(s3::Written written, inner_.CompleteUpload(upload, parts, condition));
    const Lock guard(mu_);
    uploads_.erase(upload.id);
    return written;
  });
}

Status LockingStore::AbortUpload(const s3::Upload& upload) {
  {
    const Lock guard(mu_);
    uploads_.erase(upload.id);
  }
  return inner_.AbortUpload(upload);
}

}  // namespace coffer::fs
