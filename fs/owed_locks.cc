#include "fs/owed_locks.h"

#include <utility>

#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

constexpr std::chrono::seconds kLookEvery{30};

}  // namespace

void OwedLocks::SetHooks(Hooks hooks) {
  const Lock lock(mu_);
  hooks_ = std::move(hooks);
}

OwedLocks::Hooks OwedLocks::hooks() const {
  const Lock lock(mu_);
  return hooks_;
}

void OwedLocks::Owe(std::string_view key, const s3::Written& version, const LockTerm& term) {
  const Lock lock(mu_);
  debts_.insert_or_assign(std::string(key),
                          Debt{version.etag, term, parties_.clock.Steady() + kTemporaryNameLasts});
  ArmTimer();
}

void OwedLocks::Forget(std::string_view key) {
  const Lock lock(mu_);
  if (const auto found = debts_.find(key); found != debts_.end()) debts_.erase(found);
}

void OwedLocks::Closed(std::string_view key) {
  const Lock lock(mu_);
  const auto found = debts_.find(key);
  if (found != debts_.end()) found->second.due = parties_.clock.Steady() + kTemporaryNameLasts;
}

void OwedLocks::ArmTimer() {
  if (timer_set_) return;
  timer_set_ = true;
  background_.Later(parties_.pool, kLookEvery, [this] {
    PayDue();
    const Lock lock(mu_);
    timer_set_ = false;
    if (!debts_.empty()) ArmTimer();
  });
}

OwedLocks::DueDebts OwedLocks::Due(bool all) {
  DueDebts due;
  const Lock lock(mu_);
  for (const auto& [key, debt] : debts_) {
    if (all || debt.due <= parties_.clock.Steady()) due.emplace_back(key, debt);
  }
  return due;
}

void OwedLocks::PayDue() {
  const Hooks told = hooks();
  DueDebts due = Due(false);
  std::erase_if(due, [&](const auto& one) {
    const bool in_use = told.in_use && told.in_use(one.first);
    if (in_use) Closed(one.first);
    return in_use;
  });
  (void)Pay(due);  // what fails is told, and tried again
}

bool OwedLocks::PayAll() { return Pay(Due(true)); }

bool OwedLocks::Pay(const DueDebts& debts) {
  const Hooks told = hooks();
  bool all = true;
  for (const auto& [key, debt] : debts) {
    const Outcome outcome = PayOne(key, debt, told);
    const Lock lock(mu_);
    if (outcome == Outcome::kLocked) ++locked_;
    const auto found = debts_.find(key);
    if (found == debts_.end() || found->second.etag != debt.etag) continue;
    if (outcome != Outcome::kFailed) {
      debts_.erase(found);
    } else {
      found->second.failed = true;
      all = false;
    }
  }
  return all;
}

Result<s3::ObjectInfo> OwedLocks::Set(const std::string& key, s3::ObjectInfo now,
                                      const LockTerm& term, bool verified) {
  const s3::Lock asked{term.mode, now.server_date_s + term.period_s, false};
  if (verified) {
    return s3::ConfirmLock(parties_.store, key, {now.etag, now.version_id, 0}, asked);
  }
  COFFER_TRY(parties_.store.locks().PutRetention(
      {key, now.version_id, asked.mode, asked.retain_until_s, false}));
  now.lock = asked;
  return now;
}

// From now on, as for a file that gets its name now.
OwedLocks::Outcome OwedLocks::PayOne(const std::string& key, const Debt& debt, const Hooks& hooks) {
  const auto failed = [&](const Error& error) {
    if (!debt.failed && hooks.warn) {
      hooks.warn("\"" + key +
                 "\" still has a temporary name, and is not locked yet: " + error.what);
    }
    return Outcome::kFailed;
  };
  const auto now = parties_.store.Head(key, {});
  if (!now && now.error().code == Code::kNotFound) return Outcome::kGone;
  if (!now) return failed(now.error());
  if (now->etag != debt.etag) return Outcome::kGone;
  const auto locked = Set(key, *now, debt.term, hooks.verified);
  if (!locked) return failed(locked.error());
  if (hooks.locked) hooks.locked(key);
  if (hooks.warn) {
    hooks.warn("\"" + key + "\" kept its temporary name, and is locked now: " + debt.term.mode +
               ", " + PeriodInWords(debt.term.period_s));
  }
  return Outcome::kLocked;
}

void OwedLocks::End() { background_.End(); }

OwedLockCounts OwedLocks::counts() const {
  const Lock lock(mu_);
  OwedLockCounts counts;
  counts.waiting = debts_.size();
  counts.locked = locked_;
  for (const auto& [key, debt] : debts_) counts.failing += debt.failed ? 1 : 0;
  return counts;
}

}  // namespace coffer::fs
