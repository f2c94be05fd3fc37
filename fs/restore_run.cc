#include "fs/restore_run.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "fs/lock_duration.h"
#include "s3client/object_info.h"

namespace coffer::fs {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kTiering = "INTELLIGENT_TIERING";
// A restore takes minutes at least; the shortest one may have been ordered a while ago.
constexpr milliseconds kFirstRestorePause{500};
constexpr milliseconds kLongestRestorePause{60'000};
constexpr milliseconds kSlice{100};  // after which whoever wants to end it has not waited long

// A server that names no class may have archived it all the same.
bool MayBeArchived(const s3::ListedObject& object) {
  return object.storage_class.empty() || object.storage_class == kTiering ||
         s3::IsArchiveClass(object.storage_class);
}

LockRun::Request RunOf(const RestorePlace& place, bool changes) {
  static const LockWish kNoLock;
  return {place.volume, kNoLock,   place.options.recursive,
          changes,      "restore", place.options.version};
}

}  // namespace

bool NeedsOrder(Restoring restoring) {
  return restoring == Restoring::kOrdered || restoring == Restoring::kExtended;
}

std::string_view Word(Restoring restoring) {
  switch (restoring) {
    case Restoring::kOrdered:
      return "ordered";
    case Restoring::kExtended:
      return "extended";
    case Restoring::kUnderWay:
      return "in progress";
    case Restoring::kReadable:
      return "restored";
    case Restoring::kNotArchived:
      return "not archived";
  }
  return "?";
}

Restoring PlanRestore(const s3::ObjectInfo& info, std::size_t days) {
  if (info.restoring) return Restoring::kUnderWay;
  if (info.archived) return Restoring::kOrdered;
  if (info.restored_until_s == 0) return Restoring::kNotArchived;
  const std::int64_t wanted_s = info.server_date_s + static_cast<std::int64_t>(days) * kDayS;
  return info.restored_until_s < wanted_s ? Restoring::kExtended : Restoring::kReadable;
}

void RestoreTally::Add(RestoreOutcome::File file) {
  const Lock lock(mu_);
  switch (file.restoring) {
    case Restoring::kOrdered:
      ++outcome_.ordered;
      outcome_.bytes += file.size;
      break;
    case Restoring::kExtended:
      ++outcome_.extended;
      break;
    case Restoring::kUnderWay:
      ++outcome_.under_way;
      break;
    case Restoring::kReadable:
      ++outcome_.readable;
      break;
    case Restoring::kNotArchived:
      ++outcome_.not_archived;
      return;
  }
  if (outcome_.files.size() < LockTally::kKept) outcome_.files.push_back(std::move(file));
}

void RestoreTally::NotArchived() {
  const Lock lock(mu_);
  ++outcome_.not_archived;
}

void RestoreTally::Arrived() {
  const Lock lock(mu_);
  ++outcome_.arrived;
}

RestoreOutcome RestoreTally::Get() const {
  const Lock lock(mu_);
  return outcome_;
}

RestoreRun::RestoreRun(const RestorePlace& place, LockTally& failures, RestoreTally& tally)
    : LockRun(RunOf(place, !place.options.dry_run), place.session, failures, place.console,
              place.interrupts),
      place_(place),
      tally_(tally) {}

bool RestoreRun::Concerns(const s3::ListedObject& object) {
  if (MayBeArchived(object)) return true;
  tally_.NotArchived();
  return false;
}

Status RestoreRun::Visit(const std::string& key, const s3::ObjectInfo& info) {
  const RestoreOptions& options = place_.options;
  RestoreOutcome::File file{place_.volume.Show(key), info.version_id, info.storage_class, info.size,
                            PlanRestore(info, options.days)};
  if (NeedsOrder(file.restoring) && !options.dry_run) {
    s3::RestoreOrder order{key, options.version, options.days, options.tier};
    if (info.storage_class == kTiering) order.days = 0;  // it comes back for good
    const auto reply = place_.session.connection().patient_store().RestoreObject(order);
    if (reply) {
      const bool extended = *reply == s3::RestoreReply::kExtended;
      file.restoring = extended ? Restoring::kExtended : Restoring::kOrdered;
    } else if (reply.error().code == Code::kBusy) {
      file.restoring = Restoring::kUnderWay;
    } else {
      return Failed(key, reply.error());
    }
  }
  tally_.Add(std::move(file));
  return Ok();
}

RestoreWait::RestoreWait(const RestorePlace& place, LockTally& failures, RestoreTally& tally)
    : LockRun(RunOf(place, false), place.session, failures, place.console, place.interrupts),
      place_(place),
      failures_(failures),
      tally_(tally) {}

bool RestoreWait::Concerns(const s3::ListedObject& object) { return MayBeArchived(object); }

// Whether to go on afterwards.
bool RestoreWait::Pause(milliseconds time) const {
  const auto stopped = [this] { return failures_.stopped() || place_.interrupts.happened(); };
  for (; time > milliseconds(0) && !stopped(); time -= kSlice) {
    std::this_thread::sleep_for(std::min(time, kSlice));
  }
  return !stopped();
}

Status RestoreWait::Visit(const std::string& key, const s3::ObjectInfo& info) {
  s3::ObjectInfo now = info;
  bool waited = false;
  for (milliseconds pause = kFirstRestorePause; now.restoring;
       pause = std::min(pause * 2, kLongestRestorePause)) {
    waited = true;
    if (!Pause(pause)) return Ok();
    auto again =
        place_.session.stored().Head(key, {.etag = {}, .version_id = place_.options.version});
    if (!again) return Failed(key, std::move(again).error());
    now = std::move(*again);
  }
  if (now.archived && waited) {
    return Failed(key, {Code::kArchived, "its restore ended without success"});
  }
  if (!now.archived && (waited || now.restored_until_s != 0)) tally_.Arrived();
  return Ok();
}

}  // namespace coffer::fs
