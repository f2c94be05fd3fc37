#include "fs/owed_locks.h"

#include <algorithm>
#include <utility>

#include "fs/lock_rules.h"
#include "fs/path.h"
#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

using std::chrono::seconds;

constexpr seconds kFirstPause{10};
constexpr seconds kLongestPause{600};
// A version that the service refuses to lock this often, and for this long, is given up.
constexpr std::int64_t kRefusalsTaken = 3;
constexpr std::int64_t kRefusedForS = 86'400;

// Why it is locked only now.
const char* What(const OwedRow& row) {
  if (row.owed.rest == seconds(0)) return "could not be locked when it was made";
  return IsTemporaryName(row.key) ? "kept its temporary name" : "has rested (--autolock)";
}

// Nobody could say whether it may be locked.
bool IsOutage(Code code) {
  switch (code) {
    case Code::kUnavailable:
    case Code::kTimeout:
    case Code::kInterrupted:
    case Code::kNoMemory:
      return true;
    default:
      return false;
  }
}

// The same bytes make the same ETag, where nothing is sealed.
bool IsAnother(const s3::ObjectInfo& now, const OwedRow& owed) {
  if (owed.etag.empty()) return false;
  return now.etag != owed.etag || (!owed.version_id.empty() && now.version_id != owed.version_id);
}

// What is asked for beside what is there: neither becomes less.
s3::Lock BothLocks(const s3::Lock& there, s3::Lock asked, std::int64_t now_s) {
  if (!there.Retained(now_s)) return asked;
  if (there.mode == "COMPLIANCE") asked.mode = there.mode;
  asked.retain_until_s = std::max(asked.retain_until_s, there.retain_until_s);
  return asked;
}

seconds PauseAfter(int failed) {
  constexpr int kDoublings = 6;
  return std::min(kLongestPause, kFirstPause * (1 << std::min(failed - 1, kDoublings)));
}

}  // namespace

// What could not be paid is left to the next mount.
OwedLocks::~OwedLocks() { End(); }

void OwedLocks::SetHooks(Hooks hooks) {
  const Lock lock(mu_);
  hooks_ = std::move(hooks);
}

OwedLocks::Hooks OwedLocks::hooks() const {
  const Lock lock(mu_);
  return hooks_;
}

void OwedLocks::Warn(const std::string& line) const {
  const Hooks told = hooks();
  if (told.warn) told.warn(line);
}

// --- what is told ---

Status OwedLocks::Record(OwedRow& row) const {
  if (!parties_.table) return Ok();
  if (row.id != 0) return parties_.table->Update(row);
  COFFER_ASSIGN(row.id, parties_.table->Add(row));
  return Ok();
}

// What stays recorded is looked at once more by the next mount.
void OwedLocks::Drop(const std::vector<std::int64_t>& rows, bool durable) const {
  if (!parties_.table || rows.empty()) return;
  const Status dropped = parties_.table->Drop(rows, durable);
  if (!dropped && durable) Warn("a file that owes no lock stays recorded: " + dropped.error().what);
}

OwedLocks::Ticket OwedLocks::Expect(std::string_view key, const OwedTerm& owed) {
  Debt debt;
  debt.row.key = std::string(key);
  debt.row.owed = owed;
  const Status recorded = Record(debt.row);
  if (!recorded) {
    Warn("that " + QuotedKey(debt.row.key) +
         " is to be locked later is not recorded, and a crash would leave it unlocked: " +
         recorded.error().what);
  }
  const Lock lock(mu_);
  debts_.emplace(++last_ticket_, std::move(debt));
  return last_ticket_;
}

void OwedLocks::Owe(Ticket ticket, const s3::Written& version) {
  OwedRow row;
  {
    const Lock lock(mu_);
    row = debts_.at(ticket).row;
  }
  row.etag = version.etag;
  row.version_id = version.version_id;
  // What cannot be written leaves the row that names no version, which locks this one, too.
  (void)Record(row);
  std::vector<std::int64_t> earlier;
  {
    const Lock lock(mu_);
    // Of two that are made at the same time either may be the one that counts.
    earlier = EraseNamed(row.key, ticket);
    by_key_.emplace(row.key, ticket);
    Debt& debt = debts_.at(ticket);
    debt.state = State::kOwed;
    debt.due = parties_.clock.Steady() + row.owed.rest;
    debt.made = last_ticket_;
    debt.row = std::move(row);
    ArmTimer();
  }
  Drop(earlier, false);
}

void OwedLocks::Settle(Ticket ticket, bool durable) {
  std::int64_t row = 0;
  {
    const Lock lock(mu_);
    const auto found = debts_.find(ticket);
    if (found == debts_.end()) return;
    row = found->second.row.id;
    debts_.erase(found);
  }
  if (row != 0) Drop({row}, durable);
}

void OwedLocks::Erase(Debts::iterator debt) {
  const auto [begin, end] = by_key_.equal_range(debt->second.row.key);
  const auto named =
      std::find_if(begin, end, [&](const auto& one) { return one.second == debt->first; });
  if (named != end) by_key_.erase(named);
  debts_.erase(debt);
}

// All debts of the name that were made before that ticket was given; their rows.
std::vector<std::int64_t> OwedLocks::EraseNamed(std::string_view key, Ticket made_before) {
  std::vector<std::int64_t> rows;
  auto [one, end] = by_key_.equal_range(key);
  while (one != end) {
    const auto debt = debts_.find(one->second);
    if (debt->second.made >= made_before) {
      ++one;
      continue;
    }
    if (debt->second.row.id != 0) rows.push_back(debt->second.row.id);
    debts_.erase(debt);
    one = by_key_.erase(one);
  }
  return rows;
}

void OwedLocks::Forget(std::string_view key) {
  std::vector<std::int64_t> rows;
  {
    const Lock lock(mu_);
    rows = EraseNamed(key, last_ticket_ + 1);
  }
  // Not forced to the disk: to look once more at what is gone changes nothing.
  Drop(rows, false);
}

void OwedLocks::Closed(std::string_view key) {
  const Lock lock(mu_);
  const auto [begin, end] = by_key_.equal_range(key);
  for (auto one = begin; one != end; ++one) {
    Debt& debt = debts_.at(one->second);
    debt.due = parties_.clock.Steady() + debt.row.owed.rest;
  }
}

// --- what dead mounts left ---

void OwedLocks::TakeOne(OwedRow row, bool allowed) {
  Debt debt;
  debt.state = allowed ? State::kOwed : State::kHeldBack;
  debt.due = parties_.clock.Steady() + row.owed.rest;
  debt.inherited = true;
  by_key_.emplace(row.key, ++last_ticket_);
  debt.row = std::move(row);
  debts_.emplace(last_ticket_, std::move(debt));
}

std::vector<std::string> OwedLocks::TakeOver(bool allow_compliance) {
  if (!parties_.table) return {};
  std::vector<std::string> lines;
  std::vector<OwedRow> rows = parties_.table->TakeOver(lines);
  std::size_t count = 0;
  const Lock lock(mu_);
  for (OwedRow& row : rows) {
    const bool allowed = allow_compliance || row.owed.term.mode != "COMPLIANCE";
    if (allowed) {
      ++count;
    } else {
      lines.push_back(QuotedKey(row.key) +
                      " was to be locked in compliance mode by an earlier mount: that takes "
                      "--allow-compliance");
    }
    TakeOne(std::move(row), allowed);
  }
  if (count > 0) {
    lines.push_back("an earlier mount ended before " + std::to_string(count) +
                    (count == 1 ? " file was" : " files were") +
                    " locked: this one does it, where they are still there");
  }
  if (!rows.empty()) ArmTimer();
  return lines;
}

// --- paying ---

void OwedLocks::ArmTimer() {
  if (timer_set_) return;
  timer_set_ = true;
  background_.Later(parties_.pool, parties_.look_every, [this] {
    PayDue();
    const Lock lock(mu_);
    timer_set_ = false;
    if (!debts_.empty()) ArmTimer();
  });
}

OwedLocks::DueDebts OwedLocks::Due(bool all) const {
  DueDebts due;
  const Lock lock(mu_);
  const s3::SteadyTime now = parties_.clock.Steady();
  for (const auto& [ticket, debt] : debts_) {
    const bool looked_at = debt.state == State::kHeldBack && debt.failed > 0;
    if (debt.state == State::kMaking || looked_at) continue;
    if (all || debt.due <= now) due.emplace_back(ticket, debt);
  }
  return due;
}

bool OwedLocks::ending() const {
  const Lock lock(mu_);
  return ending_;
}

bool OwedLocks::IsOwed(Ticket ticket) const {
  const Lock lock(mu_);
  return debts_.contains(ticket);
}

void OwedLocks::Postpone(Ticket ticket) {
  const Lock lock(mu_);
  const auto found = debts_.find(ticket);
  if (found == debts_.end()) return;
  found->second.due = parties_.clock.Steady() + found->second.row.owed.rest;
}

void OwedLocks::PayDue() {
  const Hooks told = hooks();
  for (const auto& [ticket, debt] : Due(false)) {
    if (ending()) return;
    const auto hold = told.hold ? told.hold(debt.row.key) : nullptr;
    if (told.hold && !hold) {
      Postpone(ticket);
    } else if (IsOwed(ticket)) {  // until the name was held it may have been renamed
      Pay(ticket, debt, told);
    }
  }
}

bool OwedLocks::PayAll() {
  // The timer would pay the same once more.
  End();
  const Hooks told = hooks();
  const DueDebts debts = Due(true);
  const std::uint64_t given_up = counts().given_up;
  TaskGroup group(parties_.pool, parties_.pool.threads());
  for (const auto& [ticket, debt] : debts) {
    group.Add([this, &told, ticket = ticket, &debt = debt] { Pay(ticket, debt, told); });
  }
  group.Wait();
  const OwedLockCounts now = counts();
  return now.waiting == 0 && now.given_up == given_up;
}

void OwedLocks::Pay(Ticket ticket, const Debt& debt, const Hooks& hooks) {
  const Payment payment = PayOne(debt, hooks);
  if (payment.outcome == Outcome::kFailed || payment.outcome == Outcome::kRefused) {
    return NoteFailure(ticket, payment);
  }
  std::int64_t row = 0;
  {
    const Lock lock(mu_);
    if (payment.outcome == Outcome::kLocked) ++locked_;
    const auto found = debts_.find(ticket);
    if (found == debts_.end()) return;
    if (payment.outcome == Outcome::kKept) {
      ++found->second.failed;
      return;
    }
    row = found->second.row.id;
    Erase(found);
  }
  if (row != 0) Drop({row}, false);
}

Result<s3::ObjectInfo> OwedLocks::Set(const std::string& key, s3::ObjectInfo now,
                                      const LockTerm& term, bool verified) {
  const std::int64_t now_s = now.server_date_s;
  const s3::Lock asked = BothLocks(now.lock, {term.mode, now_s + term.period_s, false}, now_s);
  if (verified) {
    return s3::ConfirmLock(parties_.store, key, {now.etag, now.version_id, 0}, asked);
  }
  COFFER_TRY(parties_.store.locks().PutRetention(
      {key, now.version_id, asked.mode, asked.retain_until_s, false}));
  now.lock = asked;
  return now;
}

// From now on, as for a file that gets its name now.
OwedLocks::Payment OwedLocks::PayOne(const Debt& debt, const Hooks& hooks) {
  const std::string& key = debt.row.key;
  const auto now = parties_.store.Head(key, {});
  if (!now && now.error().code == Code::kNotFound) return {Outcome::kGone};
  if (!now && debt.state == State::kHeldBack) return {Outcome::kKept};
  if (!now) {
    return {IsOutage(now.error().code) ? Outcome::kFailed : Outcome::kRefused, now.error().what};
  }
  const LockTerm& term = debt.row.owed.term;
  // A dead mount may have paid it, and what says so be lost.
  const bool paid =
      debt.inherited && now->lock.Covers({term.mode, now->last_modified_s + term.period_s, false});
  if (paid || IsAnother(*now, debt.row)) return {Outcome::kGone};
  if (debt.state == State::kHeldBack) return {Outcome::kKept};
  const auto locked = Set(key, *now, term, hooks.verified);
  if (!locked && locked.error().code == Code::kNotFound) return {Outcome::kGone};
  if (!locked) {
    // The service is there, so that what it does not do it refuses.
    const Code code = locked.error().code;
    const bool refused = !IsOutage(code) || code == Code::kUnavailable;
    return {refused ? Outcome::kRefused : Outcome::kFailed, locked.error().what};
  }
  if (hooks.locked) hooks.locked(key);
  if (hooks.warn) {
    hooks.warn(QuotedKey(key) + " " + What(debt.row) + ", and is locked now: " + term.mode + ", " +
               PeriodInWords(term.period_s));
  }
  return {Outcome::kLocked};
}

// What is to be told, "" for nothing.
std::string OwedLocks::RefusedAgain(Debt& debt, const Payment& payment, bool& given_up) const {
  const std::int64_t now_s =
      std::chrono::floor<seconds>(parties_.clock.Now()).time_since_epoch().count();
  OwedRow& row = debt.row;
  if (row.refused++ == 0) row.refused_since_s = now_s;
  given_up = row.refused >= kRefusalsTaken && now_s - row.refused_since_s >= kRefusedForS;
  if (!given_up) return "";
  return QuotedKey(row.key) + " stays unlocked: its lock was refused for " +
         PeriodInWords(now_s - row.refused_since_s) +
         ", and is not tried again (\"coffer lock\" does it by hand): " + payment.what;
}

void OwedLocks::NoteFailure(Ticket ticket, const Payment& payment) {
  std::string line;
  OwedRow row;
  bool given_up = false;
  {
    const Lock lock(mu_);
    const auto found = debts_.find(ticket);
    if (found == debts_.end()) return;
    Debt& debt = found->second;
    if (++debt.failed == 1) {
      line = QuotedKey(debt.row.key) + " " + What(debt.row) +
             ", and is not locked yet: " + payment.what;
    }
    debt.due = parties_.clock.Steady() + PauseAfter(debt.failed);
    if (payment.outcome == Outcome::kRefused) {
      const std::string told = RefusedAgain(debt, payment, given_up);
      if (given_up) line = told;
    }
    row = debt.row;
    if (given_up) {
      ++given_up_;
      Erase(found);
    }
  }
  if (!line.empty()) Warn(line);
  if (given_up) {
    if (row.id != 0) Drop({row.id}, true);
  } else if (payment.outcome == Outcome::kRefused && row.id != 0) {
    (void)Record(row);  // else it is refused once more
  }
}

void OwedLocks::End() {
  {
    const Lock lock(mu_);
    ending_ = true;
  }
  background_.End();
}

OwedLockCounts OwedLocks::counts() const {
  const Lock lock(mu_);
  OwedLockCounts counts;
  counts.locked = locked_;
  counts.given_up = given_up_;
  for (const auto& [ticket, debt] : debts_) {
    if (debt.state != State::kOwed) continue;
    ++counts.waiting;
    counts.failing += debt.failed > 0 ? 1 : 0;
  }
  return counts;
}

}  // namespace coffer::fs
