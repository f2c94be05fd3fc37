// Locks that are not set when a version is made but some time after its last close: of files that
// were made under a name which a tool gives to what it is still writing, and that still have it.
//
// What is renamed or removed meanwhile owes nothing any more. Safe to share between threads. Lock
// requests are sent from a task of the pool, or by PayAll; everything else returns at once. Borrows
// its parties; call End before what the hooks refer to goes.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/background.h"
#include "fs/lock_duration.h"
#include "fs/mutex.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

inline constexpr std::chrono::minutes kTemporaryNameLasts{10};

struct OwedLockCounts {
  std::uint64_t waiting = 0;
  std::uint64_t locked = 0;
  std::uint64_t failing = 0;  // tried in vain so far; each is tried again
};

class OwedLocks {
 public:
  struct Parties {
    s3::ObjectStore& store;  // as the bucket has them
    WorkerPool& pool;
    const s3::Clock& clock;
  };
  struct Hooks {
    // Has somebody the file open for writing? Then its time begins anew.
    std::function<bool(const std::string& key)> in_use = nullptr;
    std::function<void(const std::string& key)> locked = nullptr;
    std::function<void(const std::string& line)> warn = nullptr;
    bool verified = true;  // locks can be read back
  };
  explicit OwedLocks(const Parties& parties) : parties_(parties) {}

  void SetHooks(Hooks hooks);

  // `version` of `key` shall be locked; in the place of what was owed for an earlier one.
  void Owe(std::string_view key, const s3::Written& version, const LockTerm& term);
  // The name is gone, or has a version that owes nothing.
  void Forget(std::string_view key);
  // The file was closed: its time begins now.
  void Closed(std::string_view key);

  // Locks what is due. The timer calls it.
  void PayDue();
  // Locks all at once: nobody will rename it any more. False when some of it could not be.
  bool PayAll();
  // No task of this runs afterwards, and no hook is called.
  void End();

  OwedLockCounts counts() const;

 private:
  struct Debt {
    std::string etag;
    LockTerm term;
    s3::SteadyTime due;
    bool failed = false;
  };
  using Debts = std::map<std::string, Debt, std::less<>>;
  enum class Outcome { kLocked, kGone, kFailed };

  using DueDebts = std::vector<std::pair<std::string, Debt>>;

  DueDebts Due(bool all);
  bool Pay(const DueDebts& debts);
  Hooks hooks() const;
  Outcome PayOne(const std::string& key, const Debt& debt, const Hooks& hooks);
  Result<s3::ObjectInfo> Set(const std::string& key, s3::ObjectInfo now, const LockTerm& term,
                             bool verified);
  void ArmTimer() REQUIRES(mu_);

  const Parties parties_;
  mutable Mutex mu_;
  Hooks hooks_ GUARDED_BY(mu_);
  Debts debts_ GUARDED_BY(mu_);
  std::uint64_t locked_ GUARDED_BY(mu_) = 0;
  bool timer_set_ GUARDED_BY(mu_) = false;
  Background background_;
};

}  // namespace coffer::fs
