#include "fs/cmd_lock.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "fs/cmd_lock_report.h"
#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/lock_policy.h"
#include "fs/lock_run.h"
#include "fs/lock_session.h"
#include "fs/status_report.h"
#include "s3client/clock.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

std::string_view CommandName(LockAction action) {
  if (action == LockAction::kHold) return "hold";
  return action == LockAction::kUnlock ? "unlock" : "lock";
}

std::string FilesCounted(std::uint64_t count) {
  return std::to_string(count) + (count == 1 ? " file" : " files");
}

// What was done to a file, or would be.
std::string_view Verb(const LockCommandOptions& options, bool done) {
  switch (options.action) {
    case LockAction::kExtend:
      return done ? "extended" : "extend";
    case LockAction::kHold:
      return *options.hold ? (done ? "held" : "hold") : (done ? "released" : "release");
    case LockAction::kUnlock:
      return done ? "unlocked" : "unlock";
    default:
      return done ? "locked" : "lock";
  }
}

class LockCommand {
 public:
  LockCommand(const LockCommandOptions& options, const Environment& environment, Console& console)
      : options_(options), environment_(environment), console_(console) {}

  Result<int> Run();
  void Fail(const Error& error) const;

 private:
  struct Opened {
    LockVolume volume;
    std::unique_ptr<VolumeSession> session;
  };

  LockSightNeeds Needs() const;
  Status Open(LockPlaces places);
  Status MakeWish();
  bool MayAsk() const;
  Result<LockOutcome> Look(Interrupts& interrupts);
  Status AskFor(const LockOutcome& looked);
  LockOutcome Go(bool change, Interrupts& interrupts);
  void WaitForEnd(const LockOutcome& outcome) const;
  int Report(const LockOutcome& outcome) const;
  void TellPeople(const LockOutcome& outcome) const;
  void TellPrograms(const LockOutcome& outcome) const;
  int ExitCode(const LockOutcome& outcome) const;
  std::ostream& Err() const {
    return console_.err << "coffer " << CommandName(options_.action) << ": ";
  }

  const LockCommandOptions& options_;
  const Environment& environment_;
  Console& console_;
  std::vector<LockPlaces::Failure> missing_;
  std::vector<Opened> volumes_;
  LockWish wish_;
};

// Who sets legal holds need not see retention, and the other way round.
LockSightNeeds LockCommand::Needs() const {
  const bool unlocks = options_.action == LockAction::kUnlock;
  const bool retains = options_.until_s || options_.period_s;
  return {unlocks || retains, unlocks || options_.hold.has_value()};
}

Status LockCommand::Open(LockPlaces places) {
  missing_ = std::move(places.failures);
  missing_.insert(missing_.end(), places.unsent.begin(), places.unsent.end());
  for (LockVolume& volume : places.volumes) {
    std::vector<std::string> notes;
    auto session = OpenForLocks(volume, Needs(), environment_, notes);
    for (const std::string& note : notes) Err() << Printable(note) << "\n";
    if (!session) return std::move(session).error().While(volume.places.front().shown);
    volumes_.push_back({std::move(volume), std::move(*session)});
  }
  return Ok();
}

// All files get one date, by the service's clock.
Status LockCommand::MakeWish() {
  wish_.mode = options_.mode;
  wish_.hold = options_.hold;
  wish_.free_governance = options_.action == LockAction::kUnlock;
  wish_.allow_compliance = options_.yes;
  if (volumes_.empty() || (!options_.period_s && !options_.until_s)) return Ok();
  const std::int64_t now_s = ServerSeconds(*volumes_.front().session);
  wish_.until_s = options_.until_s.value_or(now_s + options_.period_s.value_or(0));
  if (options_.action == LockAction::kExtend) wish_.if_before_s = now_s + options_.if_less_than_s;
  const std::string date = "--until " + s3::IsoTime(wish_.until_s);
  if (wish_.until_s <= now_s) {
    return Error{Code::kInvalid, date + " is past: it is " + s3::IsoTime(now_s) + " there"};
  }
  if (wish_.until_s - now_s <= options_.longest_s) return Ok();
  return Error{Code::kInvalid, date + " is " + PeriodInWords(wish_.until_s - now_s) +
                                   " from now, longer than --lock-max allows (" +
                                   PeriodInWords(options_.longest_s) +
                                   "): raise it if this is meant"};
}

// Whether a file may come under compliance by this: then somebody has to say yes.
bool LockCommand::MayAsk() const {
  const bool keeps_modes = options_.action == LockAction::kExtend;
  return !options_.yes && wish_.until_s != 0 && (keeps_modes || wish_.mode != "GOVERNANCE");
}

LockOutcome LockCommand::Go(bool change, Interrupts& interrupts) {
  LockTally tally;
  for (const LockPlaces::Failure& failure : missing_) tally.Failed(failure.shown, failure.error);
  for (Opened& opened : volumes_) {
    if (tally.stopped()) break;
    const LockRun::Request request{opened.volume, wish_, options_.recursive, change,
                                   std::string(CommandName(options_.action))};
    LockRun(request, *opened.session, tally, console_, interrupts).Run();
  }
  return tally.Get();
}

// As if compliance was allowed: so many would be under it.
Result<LockOutcome> LockCommand::Look(Interrupts& interrupts) {
  const bool allowed = std::exchange(wish_.allow_compliance, true);
  LockOutcome looked = Go(false, interrupts);
  wish_.allow_compliance = allowed;
  if (looked.stopped && !options_.dry_run) return *looked.stopped;
  return looked;
}

Status LockCommand::AskFor(const LockOutcome& looked) {
  if (looked.compliance == 0) return Ok();
  const std::string what = FilesCounted(looked.compliance) + ", " +
                           HumanBytes(looked.compliance_bytes) + ", under compliance until " +
                           s3::IsoTime(wish_.until_s);
  if (!console_.interactive) {
    return Error{Code::kInvalid, "would put " + what +
                                     ". Nobody can undo this, so somebody has to mean it, and "
                                     "nobody can be asked here: add --yes"};
  }
  if (!Confirm(console_, "Put " + what +
                             "? Nobody can undo this before then: not you, not the account's "
                             "owner, not the service.")) {
    return Error{Code::kInterrupted, "nothing was locked"};
  }
  wish_.allow_compliance = true;
  return Ok();
}

// Whoever is told "unlocked" may remove the file.
void LockCommand::WaitForEnd(const LockOutcome& outcome) const {
  if (outcome.ends_s == 0) return;
  constexpr std::int64_t kMargin = 1;
  s3::SystemClock clock;
  const std::int64_t left_s = outcome.ends_s + kMargin - ServerSeconds(*volumes_.front().session);
  if (left_s > 0) static_cast<void>(clock.Sleep(std::chrono::seconds(left_s)));
}

Result<int> LockCommand::Run() {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_ASSIGN(LockPlaces places, FindLockPlaces(options_, environment_));
  COFFER_TRY(Open(std::move(places)));
  COFFER_TRY(MakeWish());
  if (options_.dry_run || MayAsk()) {
    COFFER_ASSIGN(const LockOutcome looked, Look(*interrupts));
    if (options_.dry_run) return Report(looked);
    COFFER_TRY(AskFor(looked));
  }
  const LockOutcome done = Go(true, *interrupts);
  WaitForEnd(done);
  return Report(done);
}

void LockCommand::Fail(const Error& error) const {
  Err() << Printable(error.what) << "\n";
  if (options_.json) console_.out << ToText(Json{{"error", error.what}}) << "\n";
}

int LockCommand::Report(const LockOutcome& outcome) const {
  TellFailures(console_, "coffer " + std::string(CommandName(options_.action)),
               "not " + std::string(Verb(options_, true)), outcome);
  if (options_.json) {
    TellPrograms(outcome);
  } else {
    TellPeople(outcome);
  }
  return ExitCode(outcome);
}

void LockCommand::TellPeople(const LockOutcome& outcome) const {
  if (options_.dry_run) {
    for (const ChangedLock& change : outcome.changes) {
      console_.out << "would " << Verb(options_, false) << " " << Printable(change.shown)
                   << " (version " << Printable(change.version_id)
                   << "): " << LockInWords(change.lock) << "\n";
    }
    if (outcome.changed > outcome.changes.size()) {
      console_.out << "and " << outcome.changed - outcome.changes.size() << " more\n";
    }
  }
  console_.out << (options_.dry_run ? "would " : "") << Verb(options_, !options_.dry_run) << " "
               << FilesCounted(outcome.changed) << ", " << HumanBytes(outcome.bytes);
  if (outcome.changed == 1 && !options_.dry_run) {
    const ChangedLock& change = outcome.changes.front();
    console_.out << ": its current version, " << Printable(change.version_id) << ", has "
                 << LockInWords(change.lock);
  } else if (outcome.changed > 0) {
    console_.out << ": the current version of each";
    if (wish_.until_s != 0) console_.out << ", until " << s3::IsoTime(wish_.until_s);
    if (outcome.compliance > 0) console_.out << ", " << outcome.compliance << " under compliance";
  }
  if (outcome.already > 0) console_.out << "; " << outcome.already << " needed nothing";
  if (outcome.failed > 0) console_.out << "; " << outcome.failed << " could not be";
  console_.out << "\n";
}

void LockCommand::TellPrograms(const LockOutcome& outcome) const {
  Json json;
  json["dry_run"] = options_.dry_run;
  json["changed"] = outcome.changed;
  json["bytes"] = outcome.bytes;
  json["already"] = outcome.already;
  json["failed_count"] = outcome.failed;
  json["complete"] = !outcome.stopped;
  if (wish_.until_s != 0) json["retain_until"] = s3::IsoTime(wish_.until_s);
  json["files"] = Json::array();
  for (const ChangedLock& change : outcome.changes) {
    json["files"].push_back(
        {{"file", change.shown},
         {"version_id", change.version_id},
         {"mode", change.lock.mode},
         {"retain_until", change.lock.mode.empty() ? "" : s3::IsoTime(change.lock.retain_until_s)},
         {"legal_hold", change.lock.legal_hold}});
  }
  json["failed"] = Json::array();
  for (const LockPlaces::Failure& failure : outcome.failures) {
    json["failed"].push_back({{"file", failure.shown}, {"error", failure.error.what}});
  }
  if (outcome.stopped) json["stopped"] = outcome.stopped->what;
  console_.out << ToText(json) << "\n";
}

int LockCommand::ExitCode(const LockOutcome& outcome) const {
  if (outcome.failed == 0 && !outcome.stopped) return kExitOk;
  if (outcome.changed > 0 || outcome.already > 0) return kExitPartial;
  if (outcome.stopped) return ExitCodeOf(*outcome.stopped);
  // A timer's question is whether any file was missed.
  const Error& first = outcome.failures.front().error;
  const bool missed = options_.action == LockAction::kExtend && first.code != Code::kDenied;
  return missed ? kExitPartial : ExitCodeOf(first);
}

}  // namespace

int RunLock(const LockCommandOptions& options, const Environment& environment, Console& console) {
  if (options.action == LockAction::kReport) {
    return RunLockReport(options, environment, console);
  }
  LockCommand command(options, environment, console);
  const auto code = command.Run();
  if (code) return *code;
  command.Fail(code.error());
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
