#include "fs/cmd_rebind.h"

#include <atomic>
#include <memory>
#include <utility>

#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/message_check.h"
#include "fs/self_copy.h"
#include "fs/status_report.h"
#include "fs/upload_records.h"
#include "fs/volume_place.h"
#include "fs/volume_session.h"
#include "fs/volume_walk.h"

namespace coffer::fs {
namespace {

constexpr const char* kFits = "fits";        // left alone
constexpr const char* kRebound = "rebound";  // or would be
constexpr const char* kFailedOutcome = "failed";

class Rebind {
 public:
  Rebind(const RebindOptions& options, VolumeSession& session, UploadRecords& uploads,
         Console& console)
      : options_(options),
        session_(session),
        uploads_(uploads),
        console_(console),
        check_(CheckOf(session, BindingPolicy::kStrict)) {}

  Result<int> Run(const std::string& below, bool directory, Interrupts& interrupts);

 private:
  // What a walk, or the look at a single object, came to.
  struct Outcome {
    WalkReport report;
    std::optional<Error> failure;  // why the one object could not be
  };

  Result<Visited> Visit(const std::string& key, bool change, std::optional<Error>* failure);
  Status Adopt(const std::string& key, const CheckedObject& object);
  Result<Outcome> One(const std::string& key, bool change);
  Outcome All(const std::string& prefix, bool change, Interrupts& interrupts);
  Result<bool> IsThere(const std::string& key);
  bool Agreed(const Outcome& looked);
  int Report(const Outcome& done) const;
  void Show(const WalkReport& report, bool planned) const;

  const RebindOptions& options_;
  VolumeSession& session_;
  UploadRecords& uploads_;
  Console& console_;
  const MessageCheck check_;
};

Result<Visited> Rebind::Visit(const std::string& key, bool change, std::optional<Error>* failure) {
  // Coffer's own objects are never another's.
  if (check_.IsDescriptor(key)) return Visited{kFits};
  COFFER_ASSIGN(const CheckedObject object, check_.Check(key, MessageCheck::Depth::kEnds));
  switch (object.verdict) {
    case Verdict::kGood:
    case Verdict::kMarker:
    case Verdict::kGone:
      return Visited{kFits};
    case Verdict::kMoved:
    case Verdict::kUnbound:
      break;
    default:
      if (failure != nullptr) {
        *failure = object.failure.value_or(Error{Code::kCorrupt, object.reason});
      }
      return Visited{kFailedOutcome, std::string(Word(object.verdict)) + ": " + object.reason};
  }
  if (!change) {
    return Visited{kRebound,
                   object.verdict == Verdict::kMoved ? "has another name or other attributes now"
                                                     : "has no bind tag",
                   object.info.size};
  }
  Status adopted = Adopt(key, object);
  if (adopted) return Visited{kRebound, "", object.info.size};
  if (adopted.error().code == Code::kInterrupted) return std::move(adopted).error();
  if (failure != nullptr) *failure = adopted.error();
  return Visited{kFailedOutcome, adopted.error().what};
}

Status Rebind::Adopt(const std::string& key, const CheckedObject& object) {
  if (object.info.archived) {
    return Error{Code::kArchived,
                 "it is archived: it can be copied once 'coffer restore' has made it readable"};
  }
  if (!object.info.lock.mode.empty() || object.info.lock.legal_hold) {
    return Error{Code::kLocked, "it is locked, and the copy that carries the tag would not be"};
  }
  s3::CopyRequest copy = CopyOntoItself(key, object.info);
  copy.uploads = &uploads_;
  COFFER_ASSIGN(copy.target.metadata,
                check_.metadata().Rebound(key, {*object.key, object.header->message_id},
                                          std::move(copy.target.metadata)));
  COFFER_TRY(session_.stored().Copy(copy));
  return Ok();
}

Result<Rebind::Outcome> Rebind::One(const std::string& key, bool change) {
  Outcome outcome;
  COFFER_ASSIGN(Visited visited, Visit(key, change, &outcome.failure));
  outcome.report.counts[visited.outcome] = {1, visited.bytes};
  if (!visited.reason.empty()) {
    outcome.report.findings.push_back({key, visited.outcome, visited.reason});
    outcome.report.finding_count = 1;
  }
  return outcome;
}

Rebind::Outcome Rebind::All(const std::string& prefix, bool change, Interrupts& interrupts) {
  WalkRequest request;
  request.prefix = prefix;
  request.sorted = session_.connection().target().capabilities.sorted_list;
  request.doing = change ? "looked at and rebound" : "looked at";
  request.journal = {session_.state_directory(), "rebind",
                     VolumeAddress(session_.connection()) + "\n" + prefix, ""};
  VolumeWalk walk(session_.stored(), session_.pool(), std::move(request));
  interrupts.Set([&] {
    walk.Stop({Code::kInterrupted, "told to end"});
    session_.connection().Interrupt();
  });
  Outcome outcome;
  outcome.report = walk.Run(
      [&](const s3::ListedObject& object) { return Visit(object.key, change, nullptr); }, console_);
  interrupts.Clear();
  // A second run finds by itself what is left.
  outcome.report.can_resume = false;
  if (Status closed = walk.Forget(); !closed) {
    console_.err << "coffer rebind: " << Printable(closed.error().what) << "\n";
  }
  return outcome;
}

Result<bool> Rebind::IsThere(const std::string& key) {
  const auto info = session_.stored().Head(key, {});
  if (!info && info.error().code == Code::kNotFound) return false;
  if (!info) return Error(info.error()).While("look at " + key);
  return true;
}

// Of what is to be changed, and of what cannot be.
void Rebind::Show(const WalkReport& report, bool planned) const {
  for (const WalkFinding& finding : report.findings) {
    const bool failed = finding.outcome == kFailedOutcome;
    if (!failed && !planned) continue;
    (failed ? console_.err << "coffer rebind: not possible: " : console_.out << "rebind: ")
        << Printable(finding.key) << ": " << Printable(finding.reason) << "\n";
  }
  if (report.finding_count > report.findings.size()) {
    console_.err << "coffer rebind: and " << report.finding_count - report.findings.size()
                 << " more\n";
  }
}

bool Rebind::Agreed(const Outcome& looked) {
  const auto found = looked.report.counts.find(kRebound);
  if (found == looked.report.counts.end()) return true;  // nothing to be asked
  const WalkCount& count = found->second;
  return Confirm(console_,
                 std::to_string(count.objects) + (count.objects == 1 ? " object, " : " objects, ") +
                     HumanBytes(count.bytes) +
                     ": take each for what it is called now, with the modes, owners, times and "
                     "extended attributes that the bucket says? Their bytes are authentic; nothing "
                     "proves that this name and these attributes belong to them.");
}

int Rebind::Report(const Outcome& done) const {
  const WalkReport& report = done.report;
  const std::uint64_t failed = report.objects(kFailedOutcome);
  if (options_.json) {
    Json json;
    json["dry_run"] = options_.dry_run;
    json["rebound"] = report.objects(kRebound);
    json["left_alone"] = report.objects(kFits);
    json["failed_count"] = failed;
    json["complete"] = !report.stopped;
    json["failed"] = Json::array();
    for (const WalkFinding& finding : report.findings) {
      if (finding.outcome != kFailedOutcome) continue;
      json["failed"].push_back({{"key", finding.key}, {"error", finding.reason}});
    }
    if (report.stopped) json["stopped"] = report.stopped->what;
    console_.out << ToText(json) << "\n";
  } else {
    console_.out << (options_.dry_run ? "would rebind " : "rebound ") << report.objects(kRebound)
                 << " objects, left " << report.objects(kFits) << " alone";
    if (failed > 0) console_.out << "; " << failed << " could not be";
    console_.out << "\n";
  }
  if (report.stopped) {
    console_.err << "coffer rebind: stopped before the end: " << Printable(report.stopped->what)
                 << "\n";
    return report.objects(kRebound) > 0 ? kExitPartial : ExitCodeOf(*report.stopped);
  }
  if (done.failure) return ExitCodeOf(*done.failure);
  return failed > 0 ? kExitPartial : kExitOk;
}

Result<int> Rebind::Run(const std::string& below, bool directory, Interrupts& interrupts) {
  std::string key = session_.prefix() + below;
  bool one = !directory;
  if (one) {
    COFFER_ASSIGN(const bool there, IsThere(key));
    if (!there && !options_.recursive) {
      return Error{Code::kNotFound, options_.path + ": no such object; -r for all below a prefix"};
    }
    one = there;
    if (!one) key += '/';
  } else if (!options_.recursive) {
    return Error{Code::kInvalid, options_.path + ": a directory; add -r for all that is in it"};
  }
  const auto go = [&](bool change) -> Result<Outcome> {
    if (one) return One(key, change);
    Outcome all = All(key, change, interrupts);
    if (all.report.objects() == 0 && !all.report.stopped) {
      return Error{Code::kNotFound, options_.path + ": there is nothing below it"};
    }
    return all;
  };
  if (!options_.yes || options_.dry_run) {
    COFFER_ASSIGN(const Outcome looked, go(false));
    Show(looked.report, !options_.json);
    const bool nothing = looked.report.objects(kRebound) == 0;
    if (options_.dry_run || nothing || looked.report.stopped) return Report(looked);
    if (!console_.interactive) {
      return Error{Code::kInvalid, "would rebind " +
                                       std::to_string(looked.report.objects(kRebound)) +
                                       " objects, and nobody can be asked; add --yes"};
    }
    if (!Agreed(looked)) return Error{Code::kInterrupted, "nothing was changed"};
  }
  COFFER_ASSIGN(const Outcome done, go(true));
  Show(done.report, false);
  return Report(done);
}

Result<int> StartRebind(const RebindOptions& options, const Environment& environment,
                        Console& console) {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_ASSIGN(const VolumePlace place,
                FindVolumePlace(options.path, options.volume, environment));
  std::vector<std::string> notes;
  auto session = VolumeSession::Open({place.volume, options.keys, "auto", ""}, environment, notes);
  for (const std::string& note : notes) {
    console.err << "coffer rebind: " << Printable(note) << "\n";
  }
  if (!session) return std::move(session).error();
  if ((*session)->sealed() == nullptr) {
    return Error{Code::kInvalid, "this is no sealed volume: nothing in it is bound to a name"};
  }
  if ((*session)->read_only()) {
    return Error{Code::kReadOnly,
                 "a recovery key opens, and binds nothing: name the volume's keys"};
  }
  UploadRecords::Options records;
  records.state_directory = (*session)->state_directory();
  records.volume = (*session)->connection().reached_bucket();
  records.warn = [&console](const std::string& line) {
    console.err << "coffer rebind: " << Printable(line) << "\n";
  };
  COFFER_ASSIGN(const auto uploads, UploadRecords::Open(std::move(records)));
  return Rebind(options, **session, *uploads, console)
      .Run(place.below, place.directory, *interrupts);
}

}  // namespace

int RunRebind(const RebindOptions& options, const Environment& environment, Console& console) {
  const auto code = StartRebind(options, environment, console);
  if (code) return *code;
  console.err << "coffer rebind: " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
