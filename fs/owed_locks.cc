#include "fs/owed_locks.h"

#include <optional>
#include <utility>

#include "crypto/encoding.h"
#include "fs/json.h"
#include "fs/lock_rules.h"
#include "s3client/lock_check.h"

namespace coffer::fs {
namespace {

constexpr std::chrono::seconds kLookEvery{10};

std::string OwedLine(std::string_view key, const OwedTerm& owed) {
  Json json;
  json["owed"] = UriEscape(key, Slash::kEscape);
  json["mode"] = owed.term.mode;
  json["period_s"] = owed.term.period_s;
  json["rest_s"] = owed.rest.count();
  return json.dump() + "\n";
}

std::string PaidLine(std::string_view key) {
  Json json;
  json["paid"] = UriEscape(key, Slash::kEscape);
  return json.dump() + "\n";
}

using Recorded = std::map<std::string, OwedTerm, std::less<>>;

std::string AllRecorded(const Recorded& recorded) {
  std::string text;
  for (const auto& [key, owed] : recorded) text += OwedLine(key, owed);
  return text;
}

std::optional<std::string> KeyOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return std::nullopt;
  auto key = UriUnescape(found->get<std::string>());
  if (!key) return std::nullopt;
  return std::move(*key);
}

std::optional<OwedTerm> TermOf(const Json& json) {
  const auto mode = json.find("mode");
  const auto period = json.find("period_s");
  const auto rest = json.find("rest_s");
  for (const auto& number : {period, rest}) {
    if (number == json.end() || !number->is_number_unsigned()) return std::nullopt;
  }
  if (mode == json.end() || !mode->is_string()) return std::nullopt;
  const auto parsed = ParseLockMode(mode->get<std::string>());
  if (!parsed) return std::nullopt;
  return OwedTerm{{*parsed, period->get<std::int64_t>()},
                  std::chrono::seconds(rest->get<std::int64_t>())};
}

// A line that a crash cut short was not acknowledged, and its version not made.
Recorded Unpaid(std::string_view text) {
  Recorded unpaid;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Json json = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!json.is_object()) continue;
    const auto key = KeyOf(json, "owed");
    const auto owed = TermOf(json);
    if (key && owed) unpaid.insert_or_assign(*key, *owed);
    if (const auto paid = KeyOf(json, "paid")) unpaid.erase(*paid);
  }
  return unpaid;
}

// Why it is locked only now.
const char* What(const std::string& key) {
  return IsTemporaryName(key) ? "kept its temporary name" : "has rested (--autolock)";
}

}  // namespace

// What could not be paid is left to the next mount.
OwedLocks::~OwedLocks() {
  End();
  const Lock lock(mu_);
  if (parties_.records && debts_.empty()) parties_.records->Remove();
}

void OwedLocks::SetHooks(Hooks hooks) {
  const Lock lock(mu_);
  hooks_ = std::move(hooks);
}

OwedLocks::Hooks OwedLocks::hooks() const {
  const Lock lock(mu_);
  return hooks_;
}

// recorded_ has what the line says.
Status OwedLocks::AddLine(const std::string& line, bool durable) {
  CrashRecords& records = *parties_.records;
  return records.must_begin() ? records.Begin(AllRecorded(recorded_)) : records.Add(line, durable);
}

Status OwedLocks::Record(std::string_view key, const OwedTerm& owed) {
  if (!parties_.records) return Ok();
  const auto known = recorded_.find(key);
  if (known != recorded_.end() && known->second == owed) return Ok();
  recorded_.insert_or_assign(std::string(key), owed);
  return AddLine(OwedLine(key, owed), true);
}

void OwedLocks::Expect(std::string_view key, const OwedTerm& owed) {
  Status recorded = Ok();
  {
    const Lock lock(mu_);
    recorded = Record(key, owed);
  }
  const Hooks told = hooks();
  if (recorded || !told.warn) return;
  told.warn("that \"" + std::string(key) +
            "\" is to be locked later is not recorded, and a crash would leave it unlocked: " +
            recorded.error().what);
}

void OwedLocks::Add(std::string_view key, std::string etag, const OwedTerm& owed) {
  debts_.insert_or_assign(std::string(key),
                          Debt{std::move(etag), owed, parties_.clock.Steady() + owed.rest});
  ArmTimer();
}

void OwedLocks::Owe(std::string_view key, const s3::Written& version, const OwedTerm& owed) {
  const Lock lock(mu_);
  Add(key, version.etag, owed);
}

void OwedLocks::Drop(std::string_view key) {
  if (const auto debt = debts_.find(key); debt != debts_.end()) debts_.erase(debt);
  const auto recorded = recorded_.find(key);
  if (recorded == recorded_.end()) return;
  recorded_.erase(recorded);
  // Not forced to the disk: to look once more at what has been paid changes nothing.
  (void)AddLine(PaidLine(key), false);
}

void OwedLocks::Forget(std::string_view key) {
  const Lock lock(mu_);
  Drop(key);
}

void OwedLocks::Closed(std::string_view key) {
  const Lock lock(mu_);
  const auto found = debts_.find(key);
  if (found != debts_.end()) {
    found->second.due = parties_.clock.Steady() + found->second.owed.rest;
  }
}

// True when nothing of a dead mount's record has to stay.
bool OwedLocks::Take(std::string_view text, bool allow_compliance, TakenOver& taken) {
  bool all = true;
  for (const auto& [key, owed] : Unpaid(text)) {
    if (owed.term.mode == "COMPLIANCE" && !allow_compliance) {
      taken.lines.push_back("\"" + key +
                            "\" was to be locked in compliance mode by an earlier mount: that "
                            "takes --allow-compliance");
      all = false;
      continue;
    }
    const Lock lock(mu_);
    all = Record(key, owed).has_value() && all;
    Add(key, "", owed);
    ++taken.count;
  }
  return all;
}

std::vector<std::string> OwedLocks::TakeOver(bool allow_compliance) {
  if (!parties_.records) return {};
  TakenOver taken;
  const std::vector<std::string> failures = parties_.records->VisitDead(
      [&](std::string_view text) { return Take(text, allow_compliance, taken); });
  taken.lines.insert(taken.lines.end(), failures.begin(), failures.end());
  if (taken.count > 0) {
    taken.lines.push_back("an earlier mount ended before " + std::to_string(taken.count) +
                          (taken.count == 1 ? " file was" : " files were") +
                          " locked: this one does it, where they are still there");
  }
  return std::move(taken.lines);
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
      Drop(key);
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
      hooks.warn("\"" + key + "\" " + What(key) + ", and is not locked yet: " + error.what);
    }
    return Outcome::kFailed;
  };
  const auto now = parties_.store.Head(key, {});
  if (!now && now.error().code == Code::kNotFound) return Outcome::kGone;
  if (!now) return failed(now.error());
  const bool other = !debt.etag.empty() && now->etag != debt.etag;
  const bool locked_before = debt.etag.empty() && now->lock.Active(now->server_date_s);
  if (other || locked_before) return Outcome::kGone;
  const LockTerm& term = debt.owed.term;
  const auto locked = Set(key, *now, term, hooks.verified);
  if (!locked) return failed(locked.error());
  if (hooks.locked) hooks.locked(key);
  if (hooks.warn) {
    hooks.warn("\"" + key + "\" " + What(key) + ", and is locked now: " + term.mode + ", " +
               PeriodInWords(term.period_s));
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
