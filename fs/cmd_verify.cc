#include "fs/cmd_verify.h"

#include <atomic>
#include <memory>
#include <utility>

#include "fs/exit_code.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/message_check.h"
#include "fs/status_report.h"
#include "fs/volume_place.h"
#include "fs/volume_session.h"
#include "fs/volume_walk.h"

namespace coffer::fs {
namespace {

constexpr Verdict kVerdicts[] = {Verdict::kGood,    Verdict::kMarker,    Verdict::kGone,
                                 Verdict::kDamaged, Verdict::kMoved,     Verdict::kUnbound,
                                 Verdict::kForeign, Verdict::kUnreadable};

// For people, after a count.
std::string_view VerdictWords(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMarker:
      return "markers of other tools";
    case Verdict::kGone:
      return "removed meanwhile";
    case Verdict::kMoved:
      return "under another name or with other attributes";
    case Verdict::kUnbound:
      return "without a bind tag";
    case Verdict::kUnreadable:
      return "could not be read";
    default:
      return Word(verdict);
  }
}

std::string_view Label(const std::string& outcome) {
  return outcome == Word(Verdict::kUnreadable) ? "could not read" : std::string_view(outcome);
}

class Verify {
 public:
  Verify(const VerifyOptions& options, VolumeSession& session, std::string below, Console& console)
      : options_(options),
        session_(session),
        console_(console),
        check_(CheckOf(session)),
        walk_(session.stored(), session.pool(), Request(std::move(below))) {}

  int Run(Interrupts& interrupts) {
    interrupts.Set([this] {
      walk_.Stop({Code::kInterrupted, "told to end"});
      session_.connection().Interrupt();
    });
    const WalkReport report =
        walk_.Run([this](const s3::ListedObject& object) { return Visit(object); }, console_);
    interrupts.Clear();
    const int code = ExitCode(report);
    const Status told = options_.json ? TellPrograms(report, code) : TellPeople(report);
    if (!told) console_.err << "coffer verify: " << Printable(told.error().what) << "\n";
    if (report.stopped) {
      console_.err << "coffer verify: stopped before the end: " << Printable(report.stopped->what)
                   << (report.can_resume ? "; the same with --resume goes on there\n" : "\n");
    }
    if (const Status closed = walk_.Close(); !closed) {
      console_.err << "coffer verify: " << Printable(closed.error().what) << "\n";
    }
    return told ? code : kExitFailed;
  }

 private:
  WalkRequest Request(std::string below) const;
  Result<Visited> Visit(const s3::ListedObject& object);
  Status StillThere(const CheckedObject& object);
  bool Damaged(const WalkReport& report) const;
  int ExitCode(const WalkReport& report) const;
  Status TellPeople(const WalkReport& report);
  Status TellPrograms(const WalkReport& report, int code);
  BindingPolicy binding() const { return check_.files().binding; }

  const VerifyOptions& options_;
  VolumeSession& session_;
  Console& console_;
  const MessageCheck check_;
  VolumeWalk walk_;
  std::atomic<bool> denied_{false};  // something could not be read for want of permission
  std::atomic<bool> no_key_{false};  // or of a key
};

WalkRequest Verify::Request(std::string below) const {
  const SealedVolume& volume = check_.files();
  WalkRequest request;
  request.prefix = session_.prefix() + std::move(below);
  request.sorted = session_.connection().target().capabilities.sorted_list;
  request.resume = options_.resume;
  request.doing = "verified";
  request.journal = {session_.state_directory(), "verify",
                     VolumeAddress(session_.connection()) + "\n" + request.prefix,
                     volume.id + " " + std::to_string(static_cast<int>(volume.binding))};
  return request;
}

Result<Visited> Verify::Visit(const s3::ListedObject& object) {
  COFFER_ASSIGN(const CheckedObject checked,
                check_.Check(object.key, MessageCheck::Depth::kWhole,
                             [this](std::uint64_t bytes) { walk_.Moved(bytes); }));
  if (checked.verdict == Verdict::kUnreadable) {
    if (checked.of_keys) no_key_ = true;
    if (checked.failure->code == Code::kDenied) denied_ = true;
    COFFER_TRY(StillThere(checked));
  }
  return Visited{std::string(Word(checked.verdict)), checked.reason, checked.bytes};
}

// One object that cannot be fetched is a finding; a network that is gone is the end of this run.
Status Verify::StillThere(const CheckedObject& object) {
  const Code code = object.failure->code;
  if (object.of_keys || (code != Code::kUnavailable && code != Code::kTimeout)) return Ok();
  return session_.Reachable();
}

bool Verify::Damaged(const WalkReport& report) const {
  for (const Verdict verdict : kVerdicts) {
    if (IsDamage(verdict, binding()) && report.objects(std::string(Word(verdict))) > 0) return true;
  }
  return false;
}

int Verify::ExitCode(const WalkReport& report) const {
  if (Damaged(report)) return kExitDamaged;
  if (report.stopped) return ExitCodeOf(*report.stopped);
  if (report.objects(std::string(Word(Verdict::kUnreadable))) == 0) return kExitOk;
  if (report.objects(std::string(Word(Verdict::kGood))) > 0) return kExitPartial;
  if (no_key_) return kExitNoKey;
  return denied_ ? kExitAccess : kExitPartial;
}

Status Verify::TellPeople(const WalkReport& report) {
  for (const WalkFinding& finding : report.findings) {
    console_.out << Label(finding.outcome) << ": " << Printable(finding.key) << ": "
                 << Printable(finding.reason) << "\n";
  }
  if (report.finding_count > report.findings.size()) {
    console_.out << "and " << report.finding_count - report.findings.size()
                 << " more; --json lists all\n";
  }
  console_.out << "verified " << report.objects() << " objects, " << HumanBytes(report.bytes());
  const char* separator = ": ";
  for (const Verdict verdict : kVerdicts) {
    const std::uint64_t count = report.objects(std::string(Word(verdict)));
    if (count == 0) continue;
    console_.out << separator << count << " " << VerdictWords(verdict);
    separator = ", ";
  }
  console_.out << "\n";
  return Ok();
}

// The findings may be more than fit into memory: the document is written as it comes.
Status Verify::TellPrograms(const WalkReport& report, int code) {
  Json head;
  head["volume"] = check_.files().id;
  head["complete"] = !report.stopped;
  head["exit_code"] = code;
  head["objects"] = report.objects();
  head["bytes"] = report.bytes();
  head["counts"] = Json::object();
  for (const Verdict verdict : kVerdicts) {
    const std::string word(Word(verdict));
    head["counts"][word] = report.objects(word);
  }
  if (!report.resumed_after.empty()) head["resumed_after"] = report.resumed_after;
  if (report.stopped) head["stopped"] = report.stopped->what;
  if (report.stopped) head["can_resume"] = report.can_resume;
  std::string text = ToText(head);
  text.resize(text.rfind('\n'));
  console_.out << text << ",\n  \"findings\": [";
  const char* separator = "\n";
  COFFER_TRY(walk_.ForEachFinding([&](const WalkFinding& finding) {
    const Json row = {{"key", finding.key}, {"kind", finding.outcome}, {"reason", finding.reason}};
    console_.out << separator << "    " << ToText(row, -1);
    separator = ",\n";
    return Ok();
  }));
  console_.out << "\n  ]\n}\n";
  return Ok();
}

// That there was nothing to look at must not read as "all is well".
Status CheckThere(VolumeSession& session, const std::string& below, const std::string& named) {
  if (below.empty()) return Ok();
  s3::ListRequest request;
  request.prefix = session.prefix() + below;
  request.delimited = false;
  request.max_keys = 1;
  COFFER_ASSIGN(const s3::ListPage page, session.stored().List(request));
  if (!page.objects.empty()) return Ok();
  return Error{Code::kNotFound, named +
                                    ": there is nothing below it (of a single file coffer inspect "
                                    "tells, by its keys)"};
}

Result<int> StartVerify(const VerifyOptions& options, const Environment& environment,
                        Console& console) {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_ASSIGN(VolumePlace place, FindVolumePlace(options.path, options.volume, environment));
  if (!place.directory) place.below += '/';
  std::vector<std::string> notes;
  auto session = VolumeSession::Open({place.volume, options.keys, "auto", options.name_binding},
                                     environment, notes);
  for (const std::string& note : notes) {
    console.err << "coffer verify: " << Printable(note) << "\n";
  }
  if (!session) return std::move(session).error();
  if ((*session)->sealed() == nullptr) {
    return Error{Code::kInvalid,
                 "this is no sealed volume: nothing in it was sealed, so there is nothing that "
                 "could be authenticated"};
  }
  COFFER_TRY(CheckThere(**session, place.below, options.path));
  return Verify(options, **session, std::move(place.below), console).Run(*interrupts);
}

}  // namespace

int RunVerify(const VerifyOptions& options, const Environment& environment, Console& console) {
  const auto code = StartVerify(options, environment, console);
  if (code) return *code;
  console.err << "coffer verify: " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
