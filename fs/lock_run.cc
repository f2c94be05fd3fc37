#include "fs/lock_run.h"

#include <sys/xattr.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "fs/lock_session.h"
#include "fs/lock_write.h"
#include "fs/volume_walk.h"

namespace coffer::fs {
namespace {

LockPlace PlaceBelow(const LockPlace& place) {
  LockPlace below = place;
  below.key += '/';
  return below;
}

}  // namespace

void LockTally::Changed(ChangedLock change, std::uint64_t bytes, bool compliance) {
  const Lock lock(mu_);
  ++outcome_.changed;
  outcome_.bytes += bytes;
  outcome_.compliance += compliance ? 1 : 0;
  outcome_.compliance_bytes += compliance ? bytes : 0;
  if (outcome_.changes.size() < kKept) outcome_.changes.push_back(std::move(change));
}

void LockTally::Already() {
  const Lock lock(mu_);
  ++outcome_.already;
}

void LockTally::Failed(std::string shown, Error error) {
  const Lock lock(mu_);
  ++outcome_.failed;
  if (outcome_.failures.size() < kKept) {
    outcome_.failures.push_back({std::move(shown), std::move(error)});
  }
}

void LockTally::EndsAt(std::int64_t seconds) {
  const Lock lock(mu_);
  outcome_.ends_s = std::max(outcome_.ends_s, seconds);
}

void LockTally::Stop(Error error) {
  const Lock lock(mu_);
  if (!outcome_.stopped) outcome_.stopped = std::move(error);
}

bool LockTally::stopped() const {
  const Lock lock(mu_);
  return outcome_.stopped.has_value();
}

LockOutcome LockTally::Get() const {
  const Lock lock(mu_);
  return outcome_;
}

void TellFailures(Console& console, const std::string& command, const std::string& not_done,
                  const LockOutcome& outcome) {
  const auto err = [&]() -> std::ostream& { return console.err << command << ": "; };
  for (const LockPlaces::Failure& failure : outcome.failures) {
    err() << not_done << ": " << Printable(failure.shown) << ": " << Printable(failure.error.what)
          << "\n";
  }
  if (outcome.failed > outcome.failures.size()) {
    err() << not_done << ": and " << outcome.failed - outcome.failures.size() << " more\n";
  }
  if (outcome.stopped) {
    err() << "stopped before the end: " << Printable(outcome.stopped->what) << "\n";
  }
}

LockRun::LockRun(const Request& request, VolumeSession& session, LockTally& tally, Console& console,
                 Interrupts& interrupts)
    : request_(request),
      session_(session),
      tally_(tally),
      console_(console),
      interrupts_(interrupts) {}

void LockRun::Run() {
  VisitFiles();
  for (const LockPlace& place : request_.volume.places) {
    if (!place.directory || tally_.stopped()) continue;
    if (place.glob || request_.recursive) {
      Walk(place, false);
    } else {
      const bool extends = request_.wish.if_before_s != 0;
      tally_.Failed(place.shown,
                    {Code::kInvalid, extends ? "a directory; the pattern for all below is 'DIR/**'"
                                             : "a directory; add -r for all that is in it"});
    }
  }
}

// A failure that concerns more than this one file ends everything.
Status LockRun::Failed(const std::string& key, Error error) {
  const Code code = error.code;
  tally_.Failed(request_.volume.Show(key), error);
  if (code == Code::kInterrupted) return error;
  if (code == Code::kUnavailable || code == Code::kTimeout) return session_.Reachable();
  return Ok();
}

Status LockRun::Visit(const std::string& key, const s3::ObjectInfo& info) {
  auto plan = PlanLock(request_.wish, info);
  if (!plan) return Failed(key, std::move(plan).error());
  if (plan->step == LockPlan::Step::kNothing) {
    tally_.Already();
    return Ok();
  }
  if (request_.change) return Change(key, info, *plan);
  tally_.Changed({request_.volume.Show(key), info.version_id, plan->lock}, info.size,
                 plan->sets_compliance);
  return Ok();
}

Status LockRun::Change(const std::string& key, const s3::ObjectInfo& info, const LockPlan& plan) {
  s3::ObjectStore& store = session_.stored();
  auto made = plan.step == LockPlan::Step::kFree ? FreeFromGovernance(store, key, info)
                                                 : WriteLock(store, key, info, plan.lock);
  if (!made) return Failed(key, std::move(made).error());
  if (plan.step == LockPlan::Step::kFree && made->lock.Retained(made->server_date_s)) {
    tally_.EndsAt(made->lock.retain_until_s);
  }
  std::string shown = request_.volume.Show(key);
  if (!request_.volume.mount.empty()) RefreshMount(shown);
  tally_.Changed({std::move(shown), made->version_id, made->lock}, info.size, plan.sets_compliance);
  return Ok();
}

// The mount decides by the service's word whatever it shows; a question makes it look, so that `ls`
// and `lsattr` show the lock at once. Where it may not be asked it shows it later.
void LockRun::RefreshMount(const std::string& shown) const {
  const ssize_t size = lgetxattr(shown.c_str(), "user.coffer.lock.mode", nullptr, 0);
  static_cast<void>(size);
}

void LockRun::VisitFiles() {
  interrupts_.Set([this] {
    tally_.Stop({Code::kInterrupted, "told to end"});
    session_.connection().Interrupt();
  });
  std::vector<Operand> operands;
  for (const LockPlace& place : request_.volume.places) {
    if (!place.directory) operands.push_back({place});
  }
  TaskGroup group(session_.pool(), session_.pool().threads());
  for (Operand& operand : operands) {
    group.Add([this, &operand] {
      VisitFile(operand);
      operand.settled = true;
    });
  }
  group.Wait();
  interrupts_.Clear();
  for (const Operand& operand : operands) {
    if (!operand.settled) tally_.Failed(operand.place.shown, {Code::kNoMemory, "out of memory"});
    if (!operand.walk || tally_.stopped()) continue;
    if (operand.is_file) {
      console_.err << "coffer: " << Printable(operand.place.shown)
                   << " is a file and a directory, too: -r takes both\n";
    }
    Walk(*operand.walk, operand.is_file);
  }
}

void LockRun::VisitFile(Operand& operand) {
  const LockPlace& place = operand.place;
  if (tally_.stopped()) return;
  auto info = session_.stored().Head(place.key, {.etag = {}, .version_id = request_.version_id});
  operand.is_file = info.has_value();
  const bool none = !info && info.error().code == Code::kNotFound;
  const bool below = place.maybe && request_.recursive;
  if (none && below) {
    operand.walk = PlaceBelow(place);
    return;
  }
  if (none) {
    return tally_.Failed(place.shown,
                         {Code::kNotFound, place.maybe ? "no such file; -r takes all below a "
                                                         "directory, a pattern is for --extend"
                                                       : "no such file is stored"});
  }
  Status done = info ? Visit(place.key, *info) : Failed(place.key, std::move(info).error());
  if (done && operand.is_file && below) done = FindBeside(operand);
  if (!done) tally_.Stop(done.error());
}

// S3 may have a directory of a file's name, and nothing says which of them is meant.
Status LockRun::FindBeside(Operand& operand) {
  LockPlace beside = PlaceBelow(operand.place);
  auto any = AnyBelow(session_.stored(), beside.key);
  if (!any) return Failed(beside.key, std::move(any).error());
  if (*any) operand.walk = std::move(beside);
  return Ok();
}

void LockRun::Walk(const LockPlace& place, bool may_be_empty) {
  WalkRequest walking;
  walking.prefix = place.key;
  walking.sorted = session_.connection().target().capabilities.sorted_list;
  walking.doing = request_.change ? "looked at and changed" : "looked at";
  walking.journal = {session_.state_directory(), request_.operation,
                     VolumeAddress(session_.connection()) + "\n" + place.key, ""};
  VolumeWalk walk(session_.stored(), session_.pool(), std::move(walking));
  interrupts_.Set([&] {
    walk.Stop({Code::kInterrupted, "told to end"});
    session_.connection().Interrupt();
  });
  std::atomic<bool> any{false};
  const WalkReport report = walk.Run(
      [&](const s3::ListedObject& object) -> Result<Visited> {
        bool matched = false;
        COFFER_TRY(VisitListed(place, object, matched));
        if (matched) any = true;
        return Visited{"seen", "", matched ? object.size : 0};
      },
      console_);
  interrupts_.Clear();
  if (report.stopped) tally_.Stop(*report.stopped);
  if (Status forgotten = walk.Forget(); !forgotten) {
    console_.err << "coffer: " << Printable(forgotten.error().what) << "\n";
  }
  if (any || report.stopped || may_be_empty) return;
  tally_.Failed(place.shown, {Code::kNotFound, place.glob ? "no file matches the pattern"
                                                          : "there is no file in it"});
}

Status LockRun::VisitListed(const LockPlace& place, const s3::ListedObject& object, bool& matched) {
  if (object.key.ends_with('/')) return Ok();  // directories are never locked
  matched = !place.glob || place.glob->Matches(object.key.substr(place.root.size()));
  if (!matched || !Concerns(object)) return Ok();
  auto info = session_.stored().Head(object.key, {});
  if (info) return Visit(object.key, *info);
  if (info.error().code == Code::kNotFound) return Ok();  // removed meanwhile
  return Failed(object.key, std::move(info).error());
}

}  // namespace coffer::fs
