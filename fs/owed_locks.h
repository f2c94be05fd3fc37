// Locks that are not set when a version is made but later: of files that were made under a name
// which a tool gives to what it is still writing, and that still have it some time after their last
// close; of those that --autolock lets rest first; and of those whose lock the service did not take
// at once.
//
// What is renamed, removed or replaced meanwhile owes nothing any more. What is owed is remembered
// over a crash, for the next mount of this machine, each version by itself. Safe to share between
// threads. Lock requests are sent from tasks of the pool, for which PayAll waits (so it is not for
// one of them); what is told of a version may write to the local disk. Borrows its parties; call
// End, or PayAll, before what the hooks refer to goes.

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
#include "fs/mutex.h"
#include "fs/owed_table.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct OwedLockCounts {
  std::uint64_t waiting = 0;
  std::uint64_t locked = 0;
  std::uint64_t failing = 0;   // tried in vain so far; each is tried again
  std::uint64_t given_up = 0;  // the service said no for too long
};

class OwedLocks {
 public:
  struct Parties {
    s3::ObjectStore& store;  // as the bucket has them
    WorkerPool& pool;
    const s3::Clock& clock;
    std::unique_ptr<OwedTable> table = nullptr;                       // null: nothing is remembered
    std::chrono::milliseconds look_every = std::chrono::seconds(10);  // the timer
  };
  struct Hooks {
    // Keeps the name from being written, renamed or removed as long as the result lives. Null when
    // somebody is about it, or has the file open for writing: then its time begins anew.
    std::function<std::shared_ptr<void>(const std::string& key)> hold = nullptr;
    std::function<void(const std::string& key)> locked = nullptr;
    std::function<void(const std::string& line)> warn = nullptr;
    bool verified = true;  // locks can be read back
  };
  // A version that is being made.
  using Ticket = std::uint64_t;

  explicit OwedLocks(Parties parties) : parties_(std::move(parties)) {}
  ~OwedLocks();
  OwedLocks(const OwedLocks&) = delete;
  OwedLocks& operator=(const OwedLocks&) = delete;

  void SetHooks(Hooks hooks);

  // Before a version of `key` is made that will, or may, owe a lock: on the disk when it returns.
  // One of the three that follow does, unless the process ends: then whatever has the name is
  // locked by the next mount.
  Ticket Expect(std::string_view key, const OwedTerm& owed);
  // It was made, and shall be locked; in the place of what was owed for an earlier one.
  void Owe(Ticket ticket, const s3::Written& version);
  // It was made, and has its lock.
  void HasLock(Ticket ticket) { Settle(ticket, false); }
  // It was not, and what has the name may be somebody else's: on the disk when it returns.
  void NotMade(Ticket ticket) { Settle(ticket, true); }
  // What mounts that died owed is owed by this one, from now on. What went wrong, one line each.
  // Compliance only where that is allowed here: else it stays recorded, as long as its version
  // does.
  std::vector<std::string> TakeOver(bool allow_compliance);
  // The name is gone, or has a version that owes nothing.
  void Forget(std::string_view key);
  // The file was closed: its time begins now.
  void Closed(std::string_view key);

  // Locks what is due. The timer calls it.
  void PayDue();
  // The last call: ends the timer and locks all at once, as nobody will rename it any more. False
  // when some of it could not be.
  bool PayAll();
  // No task of this runs afterwards, and no hook is called.
  void End();

  OwedLockCounts counts() const;

 private:
  enum class State {
    kMaking,
    kOwed,
    kHeldBack,  // in a mode that is not allowed here: looked at once, and kept
  };
  struct Debt {
    OwedRow row;
    State state = State::kMaking;
    s3::SteadyTime due = {};
    Ticket made = 0;         // the last ticket that had been given when it was made
    bool inherited = false;  // of a mount that died
    int failed = 0;          // how often, in this mount
  };
  using Debts = std::map<Ticket, Debt>;
  using DueDebts = std::vector<std::pair<Ticket, Debt>>;
  enum class Outcome { kLocked, kGone, kKept, kFailed, kRefused };
  struct Payment {
    Outcome outcome = Outcome::kGone;
    std::string what = {};  // why not
  };

  Hooks hooks() const;
  void Warn(const std::string& line) const;
  DueDebts Due(bool all) const;
  bool ending() const;
  bool IsOwed(Ticket ticket) const;
  void Postpone(Ticket ticket);
  // Tries it, and says what came of it.
  void Pay(Ticket ticket, const Debt& debt, const Hooks& hooks);
  Payment PayOne(const Debt& debt, const Hooks& hooks);
  Result<s3::ObjectInfo> Set(const std::string& key, s3::ObjectInfo now, const LockTerm& term,
                             bool verified);
  void NoteFailure(Ticket ticket, const Payment& payment);
  std::string RefusedAgain(Debt& debt, const Payment& payment, bool& given_up) const REQUIRES(mu_);
  void ArmTimer() REQUIRES(mu_);
  void Erase(Debts::iterator debt) REQUIRES(mu_);
  std::vector<std::int64_t> EraseNamed(std::string_view key, Ticket made_before) REQUIRES(mu_);
  void Settle(Ticket ticket, bool durable);
  Status Record(OwedRow& row) const;
  void Drop(const std::vector<std::int64_t>& rows, bool durable) const;
  void TakeOne(OwedRow row, bool allowed) REQUIRES(mu_);

  const Parties parties_;
  mutable Mutex mu_;
  Hooks hooks_ GUARDED_BY(mu_);
  Debts debts_ GUARDED_BY(mu_);
  // Those of debts_ that are made.
  std::multimap<std::string, Ticket, std::less<>> by_key_ GUARDED_BY(mu_);
  Ticket last_ticket_ GUARDED_BY(mu_) = 0;
  std::uint64_t locked_ GUARDED_BY(mu_) = 0;
  std::uint64_t given_up_ GUARDED_BY(mu_) = 0;
  bool timer_set_ GUARDED_BY(mu_) = false;
  bool ending_ GUARDED_BY(mu_) = false;
  Background background_;
};

}  // namespace coffer::fs
