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

std::string PaidLine(std::string_view key) {
  Json json;
  json["paid"] = UriEscape(key, Slash::kEscape);
  return json.dump() + "\n";
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

std::string TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
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
  if (parties_.records && debts_.empty() && recorded_.empty()) parties_.records->Remove();
}

std::string OwedLocks::Line(std::string_view key, const Record& record) {
  Json json;
  json["owed"] = UriEscape(key, Slash::kEscape);
  json["mode"] = record.owed.term.mode;
  json["period_s"] = record.owed.term.period_s;
  json["rest_s"] = record.owed.rest.count();
  if (!record.etag.empty()) json["etag"] = record.etag;
  if (!record.version_id.empty()) json["version"] = record.version_id;
  return ToText(json, -1) + "\n";
}

// A line that a crash cut short was not acknowledged, and its version not made.
OwedLocks::Records OwedLocks::Unpaid(std::string_view text) {
  Records unpaid;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const Json json = Json::parse(text.substr(0, end), nullptr, false);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    if (!json.is_object()) continue;
    const auto key = KeyOf(json, "owed");
    const auto owed = TermOf(json);
    if (key && owed) {
      unpaid.insert_or_assign(*key, Record{*owed, TextOf(json, "etag"), TextOf(json, "version")});
    }
    if (const auto paid = KeyOf(json, "paid")) unpaid.erase(*paid);
  }
  return unpaid;
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
  if (!records.must_begin()) return records.Add(line, durable);
  std::string all;
  for (const auto& [key, record] : recorded_) all += Line(key, record);
  return records.Begin(all);
}

Status OwedLocks::Remember(std::string_view key, Record record, bool durable) {
  if (!parties_.records) return Ok();
  const std::string line = Line(key, record);
  const auto known = recorded_.find(key);
  if (known != recorded_.end() && known->second == record) return Ok();
  std::optional<Record> before;
  if (known != recorded_.end()) before = known->second;
  recorded_.insert_or_assign(std::string(key), std::move(record));
  Status added = AddLine(line, durable);
  if (added) return added;
  if (before) {
    recorded_.insert_or_assign(std::string(key), *std::move(before));
  } else {
    recorded_.erase(std::string(key));
  }
  return added;
}

void OwedLocks::Expect(std::string_view key, const OwedTerm& owed) {
  Status recorded = Ok();
  {
    const Lock lock(mu_);
    ++being_made_[std::string(key)];
    recorded = Remember(key, {owed}, true);
  }
  const Hooks told = hooks();
  if (recorded || !told.warn) return;
  told.warn("that \"" + std::string(key) +
            "\" is to be locked later is not recorded, and a crash would leave it unlocked: " +
            recorded.error().what);
}

void OwedLocks::Add(std::string_view key, Record record, bool inherited) {
  const s3::SteadyTime due = parties_.clock.Steady() + record.owed.rest;
  debts_.insert_or_assign(std::string(key),
                          Debt{std::move(record), due, ++last_number_, inherited});
  ArmTimer();
}

void OwedLocks::Made(std::string_view key) {
  const auto making = being_made_.find(key);
  if (making != being_made_.end() && --making->second == 0) being_made_.erase(making);
}

void OwedLocks::Owe(std::string_view key, const s3::Written& version, const OwedTerm& owed) {
  const Lock lock(mu_);
  Made(key);
  Record record{owed, version.etag, version.version_id};
  // While others make a version of that name, theirs may be the one that counts. And what cannot be
  // written leaves the line that names no version, which locks this one, too.
  if (!being_made_.contains(key)) (void)Remember(key, record, false);
  Add(key, std::move(record), false);
}

void OwedLocks::NotMade(std::string_view key) {
  const Lock lock(mu_);
  Made(key);
  if (being_made_.contains(key)) return;
  const auto debt = debts_.find(key);
  if (debt == debts_.end()) {
    Drop(key);
  } else {
    (void)Remember(key, debt->second.of, false);  // as in Owe
  }
}

// The record stays while a version of that name is being made.
void OwedLocks::Drop(std::string_view key) {
  if (const auto debt = debts_.find(key); debt != debts_.end()) debts_.erase(debt);
  const auto recorded = recorded_.find(key);
  if (recorded == recorded_.end() || being_made_.contains(key)) return;
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
    found->second.due = parties_.clock.Steady() + found->second.of.owed.rest;
  }
}

// True when all that is owed stands in this mount's own records, also what it may not pay.
bool OwedLocks::Take(std::string_view text, bool allow_compliance, TakenOver& taken) {
  bool all = true;
  for (auto& [key, record] : Unpaid(text)) {
    const Lock lock(mu_);
    all = Remember(key, record, true).has_value() && all;
    if (record.owed.term.mode == "COMPLIANCE" && !allow_compliance) {
      taken.lines.push_back("\"" + key +
                            "\" was to be locked in compliance mode by an earlier mount: that "
                            "takes --allow-compliance");
      continue;
    }
    Add(key, std::move(record), true);
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
  for (const auto& [key, debt] : Due(false)) {
    if (told.in_use && told.in_use(key)) {
      Closed(key);
    } else {
      Pay(key, debt, told);
    }
  }
}

bool OwedLocks::PayAll() {
  const Hooks told = hooks();
  const DueDebts debts = Due(true);
  TaskGroup group(parties_.pool, parties_.pool.threads());
  for (const auto& [key, debt] : debts) {
    group.Add([this, &told, &key = key, &debt = debt] { Pay(key, debt, told); });
  }
  group.Wait();
  const Lock lock(mu_);
  return debts_.empty();
}

// The same bytes make the same ETag, where nothing is sealed.
bool OwedLocks::IsAnother(const s3::ObjectInfo& now, const Record& owed) {
  if (owed.etag.empty()) return false;
  return now.etag != owed.etag || (!owed.version_id.empty() && now.version_id != owed.version_id);
}

void OwedLocks::Pay(const std::string& key, const Debt& debt, const Hooks& hooks) {
  const Outcome outcome = PayOne(key, debt, hooks);
  const Lock lock(mu_);
  if (outcome == Outcome::kLocked) ++locked_;
  const auto found = debts_.find(key);
  // A version that was made meanwhile owes as much.
  if (found == debts_.end() || found->second.number != debt.number) return;
  if (outcome == Outcome::kFailed) {
    found->second.failed = true;
  } else {
    Drop(key);
  }
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
  const LockTerm& term = debt.of.owed.term;
  // A dead mount may have paid it, and what says so be lost.
  const bool paid =
      debt.inherited && now->lock.Covers({term.mode, now->last_modified_s + term.period_s, false});
  if (paid || IsAnother(*now, debt.of)) return Outcome::kGone;
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
