#include "fs/cmd_lock_report.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>
#include <vector>

#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/lock_report.h"
#include "fs/lock_session.h"
#include "fs/volume_walk.h"

namespace coffer::fs {
namespace {

// What rows count as.
constexpr const char* kComplianceWord = "compliance";
constexpr const char* kGovernance = "governance";
constexpr const char* kHeld = "legal hold alone";
constexpr const char* kFree = "not locked";
constexpr const char* kUnknown = "unknown";
constexpr const char* kDirectory = "directories";
constexpr const char* kGoneWord = "gone";
constexpr const char* kOutcomes[] = {kComplianceWord, kGovernance, kHeld, kFree, kUnknown};

const char* OutcomeOf(const LockRow& row) {
  if (!row.error.empty()) return kUnknown;
  if (row.retained) return row.lock.mode == "COMPLIANCE" ? kComplianceWord : kGovernance;
  return row.lock.legal_hold ? kHeld : kFree;
}

class LockReport {
 public:
  LockReport(const LockCommandOptions& options, VolumeSession& session, const LockPlace& place,
             Console& console)
      : options_(options),
        session_(session),
        place_(place),
        console_(console),
        format_(options.csv    ? LockFormat::kCsv
                : options.json ? LockFormat::kJson
                               : LockFormat::kText),
        matched_(options.required.size()) {}

  Result<int> Run(Interrupts& interrupts);

 private:
  Result<Visited> Visit(const s3::ListedObject& object);
  Result<Visited> Unknown(const Error& error);
  Result<WalkReport> Gather(VolumeWalk& walk, Interrupts& interrupts);
  Status TellRows(VolumeWalk& walk, const WalkReport& report, int code);
  void TellSummary(const WalkReport& report) const;
  int ExitCode(const WalkReport& report) const;

  const LockCommandOptions& options_;
  VolumeSession& session_;
  const LockPlace& place_;
  Console& console_;
  const LockFormat format_;
  std::vector<std::atomic<std::uint64_t>> matched_;  // by requirement
  std::atomic<std::uint64_t> unmet_{0};              // files
  std::atomic<bool> denied_{false};
};

// The row goes into the walk's journal as text, so that the report takes no memory. People who
// require something are told of what has less.
Result<Visited> LockReport::Visit(const s3::ListedObject& object) {
  if (object.key.ends_with('/')) return Visited{kDirectory};
  if (!place_.directory && object.key != place_.key) return Visited{kGoneWord};  // begins alike
  const auto info = session_.stored().Head(object.key, {});
  if (!info && info.error().code == Code::kNotFound) return Visited{kGoneWord};
  if (!info) return Unknown(info.error());
  const std::string_view path = std::string_view(object.key).substr(place_.root.size());
  const LockRow row = MakeLockRow(path, *info, options_.required);
  for (std::size_t i = 0; i < options_.required.size(); ++i) {
    if (options_.required[i].glob.Matches(path)) ++matched_[i];
  }
  if (!row.unmet.empty()) ++unmet_;
  const bool quiet =
      format_ == LockFormat::kText && !options_.required.empty() && row.unmet.empty();
  return Visited{OutcomeOf(row), quiet ? std::string() : RowText(row, format_), info->size};
}

Result<Visited> LockReport::Unknown(const Error& error) {
  if (error.code == Code::kInterrupted) return error;
  if (error.code == Code::kUnavailable || error.code == Code::kTimeout) {
    COFFER_TRY(session_.Reachable());
  }
  if (error.code == Code::kDenied) denied_ = true;
  LockRow row;
  row.error = error.what;
  return Visited{kUnknown, RowText(row, format_)};
}

Result<WalkReport> LockReport::Gather(VolumeWalk& walk, Interrupts& interrupts) {
  interrupts.Set([&] {
    walk.Stop({Code::kInterrupted, "told to end"});
    session_.connection().Interrupt();
  });
  WalkReport report =
      walk.Run([this](const s3::ListedObject& object) { return Visit(object); }, console_);
  interrupts.Clear();
  if (report.stopped && report.objects() == 0) return *report.stopped;
  if (report.objects() == report.objects(kDirectory) && !report.stopped) {
    return Error{Code::kNotFound, place_.shown + ": there is no file in it"};
  }
  return report;
}

Result<int> LockReport::Run(Interrupts& interrupts) {
  WalkRequest walking;
  walking.prefix = place_.key;
  walking.sorted = session_.connection().target().capabilities.sorted_list;
  walking.doing = "looked at";
  walking.journal = {session_.state_directory(), "lock-report",
                     VolumeAddress(session_.connection()) + "\n" + place_.key, ""};
  VolumeWalk walk(session_.stored(), session_.pool(), std::move(walking));
  const auto report = Gather(walk, interrupts);
  Status told = Ok();
  int code = kExitFailed;
  if (report) {
    code = ExitCode(*report);
    told = TellRows(walk, *report, code);
    if (format_ != LockFormat::kJson) TellSummary(*report);
  }
  const Status forgotten = walk.Forget();
  if (!report) return report.error();
  COFFER_TRY(told);
  COFFER_TRY(forgotten);
  return code;
}

// The rows may be more than fit into memory: they are written as they come.
Status LockReport::TellRows(VolumeWalk& walk, const WalkReport& report, int code) {
  const bool json = format_ == LockFormat::kJson;
  const char* separator = "";
  if (format_ == LockFormat::kCsv) console_.out << LockCsvHeader() << "\n";
  if (json) {
    Json head;
    head["complete"] = !report.stopped;
    head["exit_code"] = code;
    head["counts"] = Json::object();
    for (const char* outcome : kOutcomes) head["counts"][outcome] = report.objects(outcome);
    head["unmet"] = unmet_.load();
    head["without_file"] = Json::array();
    for (std::size_t i = 0; i < matched_.size(); ++i) {
      if (matched_[i] == 0) head["without_file"].push_back(options_.required[i].text);
    }
    if (report.stopped) head["stopped"] = report.stopped->what;
    std::string text = ToText(head);
    text.resize(text.rfind('\n'));
    console_.out << text << ",\n  \"files\": [\n";
  }
  COFFER_TRY(walk.ForEachFinding([&](const WalkFinding& finding) {
    console_.out << separator << RowLine(finding.key, finding.reason, format_);
    separator = json ? ",\n" : "";
    if (!json) console_.out << "\n";
    return Ok();
  }));
  if (json) console_.out << "\n  ]\n}\n";
  console_.out.flush();
  if (!console_.out) return Error{Code::kNoSpace, "the report could not be written"};
  return Ok();
}

// Standard output is the table's alone.
void LockReport::TellSummary(const WalkReport& report) const {
  std::ostream& out = format_ == LockFormat::kCsv ? console_.err : console_.out;
  const char* separator = ": ";
  out << "looked at " << report.objects() - report.objects(kDirectory) - report.objects(kGoneWord)
      << " files";
  for (const char* outcome : kOutcomes) {
    if (report.objects(outcome) == 0) continue;
    out << separator << report.objects(outcome) << " " << outcome;
    separator = ", ";
  }
  out << "\n";
  if (unmet_ > 0) out << unmet_ << " have less than is required\n";
  for (std::size_t i = 0; i < matched_.size(); ++i) {
    if (matched_[i] > 0) continue;
    out << "no file is matched by " << Printable(options_.required[i].text) << "\n";
  }
  if (report.stopped) {
    console_.err << "coffer lock: stopped before the end: " << Printable(report.stopped->what)
                 << "\n";
  }
}

int LockReport::ExitCode(const WalkReport& report) const {
  const bool empty = std::any_of(matched_.begin(), matched_.end(),
                                 [](const auto& matched) { return matched == 0; });
  if (unmet_ > 0 || (empty && !report.stopped)) return kExitDamaged;
  if (report.stopped) return ExitCodeOf(*report.stopped);
  if (report.objects(kUnknown) == 0) return kExitOk;
  const bool none = report.objects(kUnknown) == report.objects() - report.objects(kDirectory);
  return none && denied_ ? kExitAccess : kExitPartial;
}

// Without '/' at its end an address may name a file, of which a listing below tells as well.
Status FindKind(VolumeSession& session, LockPlace& place) {
  if (place.directory) return Ok();
  const auto info = session.stored().Head(place.key, {});
  const bool none = !info && info.error().code == Code::kNotFound;
  if (!info && !none) return Error(info.error()).While("look at " + place.shown);
  if (none && place.maybe) {
    place.key += '/';
    place.directory = true;
  } else if (none) {
    return Error{Code::kNotFound, place.shown + ": no such file is stored"};
  } else if (place.maybe) {
    COFFER_ASSIGN(const bool any, AnyBelow(session.stored(), place.key + "/"));
    if (any) {
      return Error{Code::kInvalid,
                   place.shown + " is a file and a directory, too: " + place.shown +
                       "/ is all below it, and 'coffer versions' shows the file's locks"};
    }
    place.root = place.key.substr(0, place.key.rfind('/') + 1);
  }
  return Ok();
}

Result<int> StartLockReport(const LockCommandOptions& options, const Environment& environment,
                            Console& console) {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_ASSIGN(LockPlaces places, FindLockPlaces(options, environment));
  if (!places.failures.empty()) {
    return std::move(places.failures.front().error).While(places.failures.front().shown);
  }
  LockVolume& volume = places.volumes.front();
  std::vector<std::string> notes;
  auto session = OpenForLocks(volume, {}, environment, notes);
  for (const std::string& note : notes) {
    console.err << "coffer lock: " << Printable(note) << "\n";
  }
  if (!session) return std::move(session).error().While(volume.places.front().shown);
  LockPlace& place = volume.places.front();
  COFFER_TRY(FindKind(**session, place));
  return LockReport(options, **session, place, console).Run(*interrupts);
}

}  // namespace

int RunLockReport(const LockCommandOptions& options, const Environment& environment,
                  Console& console) {
  const auto code = StartLockReport(options, environment, console);
  if (code) return *code;
  console.err << "coffer lock: " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
