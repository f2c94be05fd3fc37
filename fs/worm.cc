// --worm=snaplock: files are locked as on file systems with write-once files. The time of last
// access, set to a future date, is the date; taking the write bits away locks until then.

#include <utility>

#include "fs/filesystem_impl.h"

namespace coffer::fs {
namespace {

constexpr std::int64_t kNsPerS = 1'000'000'000;

// The one field that the change has, besides nothing.
template <typename Field>
bool Alone(const AttributeChange& change, Field AttributeChange::*field) {
  AttributeChange rest = change;
  const bool has = (rest.*field).has_value();
  (rest.*field).reset();
  return has && rest == AttributeChange{};
}

}  // namespace

// True when the change is done with by this.
Result<bool> Filesystem::Impl::ChangeAsWorm(const NodePtr& node, const AttributeChange& change) {
  if (!options_.worm.snaplock || !options_.locks.enabled || node->directory) return false;
  bool locked = false;
  bool retained = false;  // under a hold alone no date is there to be moved
  {
    const Lock lock(tree_.mu);
    if (node->attributes.type != FileType::kFile) return false;
    locked = node->lock.known && node->lock.lock.Active(ServerSeconds());
    retained = locked && node->lock.lock.Retained(ServerSeconds());
  }
  if (retained && Alone(change, &AttributeChange::atime)) {
    LockChange longer;
    longer.until_s = *change.atime / kNsPerS;
    COFFER_TRY(ChangeLock(node->id, longer));
    return true;
  }
  const bool takes = Alone(change, &AttributeChange::mode) && (*change.mode & kWriteBits) == 0;
  if (locked || !takes) return false;
  return CommitWorm(node, change);
}

// False where no date is set and none is given for such files: then it is a chmod as any other.
Result<bool> Filesystem::Impl::CommitWorm(const NodePtr& node, const AttributeChange& change) {
  COFFER_TRY(CheckUnlocked(node));
  COFFER_TRY(LearnAttributes(node));
  LockChange lock;
  lock.mode_if_new = options_.worm.mode;
  AttributeChange back;
  {
    const Lock guard(tree_.mu);
    back.mode = node->attributes.mode;
    if ((ModeOf(*node) & kWriteBits) == 0) return false;  // they were gone before
    const std::int64_t now_s = ServerSeconds();
    const std::int64_t date_s = node->attributes.atime / kNsPerS;
    if (date_s > now_s) {
      lock.until_s = date_s;
    } else if (options_.worm.default_s > 0) {
      lock.until_s = now_s + options_.worm.default_s;
    } else {
      return false;
    }
    if (*lock.until_s - now_s > options_.locks.longest_s) {
      return Error{Code::kInvalid, "the date is further away than --lock-max allows"};
    }
  }
  COFFER_TRY(ChangeOpenOrClosed(node, change));
  const Status locked = ChangeLock(node->id, lock);  // which sends what waits first
  if (locked) return true;
  // With its write bits gone a file looks as if it were locked, and the next chmod would change
  // nothing.
  if (const Status undone = ChangeOpenOrClosed(node, back); !undone) {
    return Error(locked.error()).While("it is not locked, and its write bits are gone");
  }
  return Error(locked.error());
}

// What existing tools read the date from.
TimeNs Filesystem::Impl::ShownAccessTime(const Node& node) const {
  const bool retained = node.lock.known && node.lock.lock.Retained(ServerSeconds());
  if (!options_.worm.shows_atime || node.is_directory() || !retained) return node.attributes.atime;
  return node.lock.lock.retain_until_s * kNsPerS;
}

}  // namespace coffer::fs
