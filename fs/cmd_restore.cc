#include "fs/cmd_restore.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/lock_places.h"
#include "fs/lock_run.h"
#include "fs/mounted_path.h"
#include "fs/restore_run.h"
#include "fs/status_report.h"
#include "fs/volume_session.h"

namespace coffer::fs {
namespace {

constexpr const char* kName = "coffer restore";

std::string CountedWords(std::uint64_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + " " + std::string(count == 1 ? one : many);
}

class RestoreCommand {
 public:
  RestoreCommand(const RestoreOptions& options, const Environment& environment, Console& console)
      : options_(options), environment_(environment), console_(console) {}

  Result<int> Run();

 private:
  struct Opened {
    LockVolume volume;
    std::unique_ptr<VolumeSession> session;
  };

  Status Open();
  void Order(Interrupts& interrupts);
  void Wait(Interrupts& interrupts);
  void TellPeople(const RestoreOutcome& done, const LockOutcome& not_done) const;
  void TellPrograms(const RestoreOutcome& done, const LockOutcome& not_done) const;
  static int ExitCode(const RestoreOutcome& done, const LockOutcome& not_done);
  std::ostream& Err() const { return console_.err << kName << ": "; }

  const RestoreOptions& options_;
  const Environment& environment_;
  Console& console_;
  std::vector<Opened> volumes_;
  LockTally failures_;
  RestoreTally tally_;
};

Status RestoreCommand::Open() {
  LockCommandOptions wanted;
  wanted.volume = options_.volume;
  wanted.names = options_.names;
  COFFER_ASSIGN(LockPlaces places, FindLockPlaces(wanted, environment_));
  for (auto* failures : {&places.failures, &places.unsent}) {
    for (LockPlaces::Failure& failure : *failures) {
      failures_.Failed(std::move(failure.shown), std::move(failure.error));
    }
  }
  for (LockVolume& volume : places.volumes) {
    COFFER_TRY(CheckShowsNow(volume.at));
    std::vector<std::string> notes;
    auto session = VolumeSession::Open({volume.volume, {}, "no", "", true}, environment_, notes);
    for (const std::string& note : notes) Err() << Printable(note) << "\n";
    if (!session) return std::move(session).error().While(volume.places.front().shown);
    volumes_.push_back({std::move(volume), std::move(*session)});
  }
  return Ok();
}

void RestoreCommand::Order(Interrupts& interrupts) {
  for (Opened& opened : volumes_) {
    if (failures_.stopped()) return;
    const RestorePlace place{opened.volume, options_, *opened.session, console_, interrupts};
    RestoreRun(place, failures_, tally_).Run();
  }
}

// Goes over all of it again; what was told then is not told twice.
void RestoreCommand::Wait(Interrupts& interrupts) {
  const RestoreOutcome ordered = tally_.Get();
  const std::uint64_t awaited = ordered.ordered + ordered.under_way;
  if (awaited == 0 || failures_.stopped()) return;
  if (console_.interactive) {
    Err() << "waiting for " << CountedWords(awaited, "file", "files")
          << "; Ctrl-C ends the waiting, not what was ordered\n";
  }
  LockTally waiting;
  for (Opened& opened : volumes_) {
    if (waiting.stopped()) break;
    const RestorePlace place{opened.volume, options_, *opened.session, console_, interrupts};
    RestoreWait(place, waiting, tally_).Run();
  }
  std::set<std::string> told;
  for (const LockPlaces::Failure& failure : failures_.Get().failures) told.insert(failure.shown);
  const LockOutcome outcome = waiting.Get();
  for (const LockPlaces::Failure& failure : outcome.failures) {
    if (!told.contains(failure.shown)) failures_.Failed(failure.shown, failure.error);
  }
  if (outcome.stopped) failures_.Stop(*outcome.stopped);
}

Result<int> RestoreCommand::Run() {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_TRY(Open());
  Order(*interrupts);
  if (options_.wait) Wait(*interrupts);
  const RestoreOutcome done = tally_.Get();
  const LockOutcome not_done = failures_.Get();
  TellFailures(console_, kName, "not restored", not_done);
  if (options_.json) {
    TellPrograms(done, not_done);
  } else {
    TellPeople(done, not_done);
  }
  return ExitCode(done, not_done);
}

void RestoreCommand::TellPeople(const RestoreOutcome& done, const LockOutcome& not_done) const {
  if (options_.dry_run) {
    for (const RestoreOutcome::File& file : done.files) {
      const bool asks = NeedsOrder(file.restoring);
      console_.out << (asks ? "would restore " : "would leave ") << Printable(file.shown) << " ("
                   << Printable(file.storage_class) << ", " << HumanBytes(file.size) << ")"
                   << (asks ? "" : ": " + std::string(Word(file.restoring))) << "\n";
    }
  }
  console_.out << (options_.dry_run ? "would order " : "ordered ")
               << CountedWords(done.ordered, "file", "files") << ", " << HumanBytes(done.bytes);
  if (done.ordered > 0) {
    console_.out << ": tier " << options_.tier << ", readable for "
                 << CountedWords(options_.days, "day", "days") << " once they are there";
  }
  const auto also = [&](std::uint64_t count, const char* what) {
    if (count > 0) console_.out << "; " << count << " " << what;
  };
  also(done.extended,
       options_.dry_run ? "would stay readable for longer" : "stay readable for longer");
  also(done.under_way, "on the way already");
  also(done.readable, "restored before");
  also(done.not_archived, "not archived");
  also(not_done.failed, "could not be");
  console_.out << "\n";
  if (options_.wait) {
    console_.out << CountedWords(done.arrived, "archived file can be read",
                                 "archived files can be read")
                 << "\n";
  }
}

void RestoreCommand::TellPrograms(const RestoreOutcome& done, const LockOutcome& not_done) const {
  Json json;
  json["dry_run"] = options_.dry_run;
  json["tier"] = options_.tier;
  json["days"] = options_.days;
  json["ordered"] = done.ordered;
  json["bytes"] = done.bytes;
  json["extended"] = done.extended;
  json["in_progress"] = done.under_way;
  json["restored"] = done.readable;
  json["not_archived"] = done.not_archived;
  json["failed_count"] = not_done.failed;
  json["complete"] = !not_done.stopped;
  if (options_.wait) json["arrived"] = done.arrived;
  json["files"] = Json::array();
  for (const RestoreOutcome::File& file : done.files) {
    json["files"].push_back({{"file", file.shown},
                             {"version_id", file.version_id},
                             {"storage_class", file.storage_class},
                             {"size", file.size},
                             {"state", Word(file.restoring)}});
  }
  json["failed"] = Json::array();
  for (const LockPlaces::Failure& failure : not_done.failures) {
    json["failed"].push_back({{"file", failure.shown}, {"error", failure.error.what}});
  }
  if (not_done.stopped) json["stopped"] = not_done.stopped->what;
  console_.out << ToText(json) << "\n";
}

int RestoreCommand::ExitCode(const RestoreOutcome& done, const LockOutcome& not_done) {
  if (not_done.failed == 0 && !not_done.stopped) return kExitOk;
  const std::uint64_t good =
      done.ordered + done.extended + done.under_way + done.readable + done.not_archived;
  if (good > 0) return kExitPartial;
  return ExitCodeOf(not_done.stopped ? *not_done.stopped : not_done.failures.front().error);
}

}  // namespace

int RunRestore(const RestoreOptions& options, const Environment& environment, Console& console) {
  const auto code = RestoreCommand(options, environment, console).Run();
  if (code) return *code;
  console.err << kName << ": " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
