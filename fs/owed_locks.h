// Locks that are not set when a version is made but some time after its last close: of files that
// were made under a name which a tool gives to what it is still writing, and that still have it;
// and of those that --autolock lets rest first.
//
// What is renamed or removed meanwhile owes nothing any more. What is owed is remembered over a
// crash, for the next mount of this machine. Safe to share between threads. Lock requests are sent
// from tasks of the pool, for which PayAll waits (so it is not for one of them); Expect and Forget
// may write to the local disk; everything else returns at once. Borrows its parties; call End
// before what the hooks refer to goes.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fs/background.h"
#include "fs/crash_records.h"
#include "fs/lock_duration.h"
#include "fs/mutex.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

inline constexpr std::chrono::minutes kTemporaryNameLasts{10};

// What is owed for a file, and how long after its last close.
struct OwedTerm {
  LockTerm term = {};
  std::chrono::seconds rest = kTemporaryNameLasts;

  friend bool operator==(const OwedTerm&, const OwedTerm&) = default;
};

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
    std::unique_ptr<CrashRecords> records = nullptr;  // null: nothing is remembered
  };
  struct Hooks {
    // Has somebody the file open for writing? Then its time begins anew.
    std::function<bool(const std::string& key)> in_use = nullptr;
    std::function<void(const std::string& key)> locked = nullptr;
    std::function<void(const std::string& line)> warn = nullptr;
    bool verified = true;  // locks can be read back
  };
  explicit OwedLocks(Parties parties) : parties_(std::move(parties)) {}
  ~OwedLocks();
  OwedLocks(const OwedLocks&) = delete;
  OwedLocks& operator=(const OwedLocks&) = delete;

  void SetHooks(Hooks hooks);

  // Before a version of `key` is made that will owe a lock: on the disk when it returns. Owe or
  // NotMade follows, unless the process ends.
  void Expect(std::string_view key, const OwedTerm& owed);
  // `version` of `key` shall be locked; in the place of what was owed for an earlier one.
  void Owe(std::string_view key, const s3::Written& version, const OwedTerm& owed);
  // It failed, and whoever asked was told: what has the name may be somebody else's.
  void NotMade(std::string_view key);
  // What mounts that died owed is owed by this one, from now on. What went wrong, one line each.
  // Compliance only where that is allowed here: else it stays recorded.
  std::vector<std::string> TakeOver(bool allow_compliance);
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
  // What is owed, and for which version: "" for whatever has the name, where the mount died that
  // made it.
  struct Record {
    OwedTerm owed = {};
    std::string etag = {};
    std::string version_id = {};  // "": the service named none

    friend bool operator==(const Record&, const Record&) = default;
  };
  using Records = std::map<std::string, Record, std::less<>>;
  struct Debt {
    Record of;
    s3::SteadyTime due;
    std::uint64_t number = 0;  // tells it from a later one of the name
    bool inherited = false;    // of a mount that died
    bool failed = false;
  };
  using Debts = std::map<std::string, Debt, std::less<>>;
  enum class Outcome { kLocked, kGone, kFailed };

  using DueDebts = std::vector<std::pair<std::string, Debt>>;

  struct TakenOver {
    std::size_t count = 0;
    std::vector<std::string> lines = {};
  };

  DueDebts Due(bool all);
  // What fails is told, and tried again.
  void Pay(const std::string& key, const Debt& debt, const Hooks& hooks);
  Hooks hooks() const;
  static bool IsAnother(const s3::ObjectInfo& now, const Record& owed);
  Outcome PayOne(const std::string& key, const Debt& debt, const Hooks& hooks);
  Result<s3::ObjectInfo> Set(const std::string& key, s3::ObjectInfo now, const LockTerm& term,
                             bool verified);
  void ArmTimer() REQUIRES(mu_);
  void Add(std::string_view key, Record record, bool inherited) REQUIRES(mu_);
  void Drop(std::string_view key) REQUIRES(mu_);
  void Made(std::string_view key) REQUIRES(mu_);
  Status Remember(std::string_view key, Record record, bool durable) REQUIRES(mu_);
  Status AddLine(const std::string& line, bool durable) REQUIRES(mu_);
  bool Take(std::string_view text, bool allow_compliance, TakenOver& taken);
  static Records Unpaid(std::string_view text);
  static std::string Line(std::string_view key, const Record& record);

  const Parties parties_;
  mutable Mutex mu_;
  Hooks hooks_ GUARDED_BY(mu_);
  Debts debts_ GUARDED_BY(mu_);
  // What stands in this mount's records: of debts, of names that are being made, and of what an
  // earlier mount owed in compliance mode.
  Records recorded_ GUARDED_BY(mu_);
  std::map<std::string, int, std::less<>> being_made_ GUARDED_BY(mu_);  // how many at once
  std::uint64_t last_number_ GUARDED_BY(mu_) = 0;
  std::uint64_t locked_ GUARDED_BY(mu_) = 0;
  bool timer_set_ GUARDED_BY(mu_) = false;
  Background background_;
};

}  // namespace coffer::fs
