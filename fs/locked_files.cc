// Files under Object Lock: what is known of a lock, for how long, and who is refused for it; and
// how chattr and setfattr set one.

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "crypto/ascii.h"
#include "fs/filesystem_impl.h"
#include "fs/lock_write.h"
#include "s3client/date.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

using std::chrono::seconds;

// A change of a lock leaves a listing as it was: what a HEAD said of it is shown for this long.
constexpr std::int64_t kLockShownS = 3600;

// The service's time until which a lock that was read at `taken_s` is good to be shown.
std::int64_t ShownUntil(const s3::Lock& lock, std::int64_t taken_s) {
  const std::int64_t latest = taken_s + kLockShownS;
  const bool ends = lock.Retained(taken_s) && !lock.legal_hold;
  return ends ? std::min(latest, lock.retain_until_s) : latest;
}

// Is this the lock that the bucket gave to the version when this mount made it?
bool SameAsGiven(const s3::Lock& given, const s3::Lock& found, std::int64_t slack_s) {
  return !given.mode.empty() && found.mode == given.mode && !found.legal_hold &&
         std::abs(found.retain_until_s - given.retain_until_s) <= slack_s;
}

Error BucketWithoutLock() { return {Code::kUnsupported, "the bucket has no Object Lock"}; }

}  // namespace

// --- what is known ---

std::int64_t Filesystem::Impl::ServerSeconds() const {
  return std::chrono::floor<seconds>(parts_.server_time.Now()).time_since_epoch().count();
}

// Nothing when what was read at `taken_s` is too old to be shown.
std::optional<LockState> Filesystem::Impl::LockRead(const s3::Lock& lock,
                                                    std::int64_t taken_s) const {
  const std::int64_t left = ShownUntil(lock, taken_s) - ServerSeconds();
  if (left <= 0) return std::nullopt;
  return LockState{lock, true, Now() + seconds(std::min(left, kLockShownS))};
}

// Of a version that this mount has just made.
LockState Filesystem::Impl::LockOfMade(const s3::Written& written) const {
  if (!options_.locks.enabled) return {};
  const std::int64_t now_s = written.server_date_s;
  if (written.lock != s3::Lock{}) return LockRead(written.lock, now_s).value_or(LockState{});
  if (!options_.locks.default_known) return {};
  return LockRead(DefaultLock(options_.locks, now_s), now_s).value_or(LockState{});
}

// A fact that holds a lock is no longer good than what it says of the lock.
void Filesystem::Impl::KeepLock(Fact& fact, const LockState& lock) const {
  if (!options_.locks.enabled || fact.attributes.type == FileType::kDirectory) return;
  fact.lock = lock;
  if (lock.known) fact.valid_until = std::min(fact.valid_until, lock.until);
}

// `node` is a version that this mount has just made.
void Filesystem::Impl::ShowLockOfMade(Node& node, const s3::Written& written) const {
  node.lock = LockOfMade(written);
  if (node.lock.known) node.valid_until = std::min(node.valid_until, node.lock.until);
}

// As far as is known: no request.
bool Filesystem::Impl::IsLocked(const Node& node) const {
  const LockPolicy& policy = options_.locks;
  if (!policy.protects() || node.is_directory() || node.version.etag.empty()) return false;
  if (!policy.visible) return policy.unseen_locked;
  return node.lock.known && node.lock.lock.Active(ServerSeconds());
}

// Whoever made a version and still has it open goes on, whatever lock the bucket gave it.
bool Filesystem::Impl::IsLockedFor(const Node& node, const OpenFile& file) const {
  if (!IsLocked(node)) return false;
  if (!options_.locks.visible) return !file.given_lock;
  return !file.given_lock ||
         !SameAsGiven(*file.given_lock, node.lock.lock, options_.locks.default_slack_s);
}

// The lock that a symbolic link got a moment ago, when it was made here: it may still be given its
// times and its owner.
std::optional<s3::Lock> Filesystem::Impl::GivenToJustMade(const Node& node) const {
  if (!node.just_made || Now() >= node.just_made->until) return std::nullopt;
  const s3::Lock& given = node.just_made->given_lock;
  const bool still = SameAsGiven(given, node.lock.lock, options_.locks.default_slack_s);
  return still ? std::optional(given) : std::nullopt;
}

std::uint32_t Filesystem::Impl::ModeOf(const Node& node) const {
  AttributeDefaults defaults = options_.defaults;
  // Of what the bucket merely says nobody shall be given another's rights.
  if (node.proved && options_.bound_attributes) defaults.special_bits = true;
  const std::uint32_t mode = ShownMode(node.attributes, defaults);
  return options_.locks.strip_write_bits && IsLocked(node) ? mode & ~kWriteBits : mode;
}

// What HEAD said of the object under `key`, which is `node`'s when its version is: remembered, and
// the kernel is told when the file looks different for it.
void Filesystem::Impl::LearnLock(const NodePtr& node, const std::string& key,
                                 const s3::ObjectInfo& info) {
  KeepInIndex(key, info);
  bool looks_different = false;
  {
    const Lock lock(tree_.mu);
    if (node->version.etag != info.etag) return;
    const bool before = IsLocked(*node);
    node->lock = LockRead(info.lock, info.server_date_s).value_or(LockState{});
    looks_different = IsLocked(*node) != before;
    // What is open for writing, or changed and not sent, tells its name itself when that is done.
    const bool ours = node->writing || node->waiting;
    if (!ours) node->valid_until = std::min(node->valid_until, node->lock.until);
    if (!ours && !node->gone) tree_.Change(*node->parent, node->name, FactFrom(*node));
  }
  KernelCache* const kernel = kernel_.load();
  if (looks_different && kernel != nullptr) kernel->ForgetAttributes(node->id);
}

// --- who is refused ---

// By what is known; asks where nothing is.
Status Filesystem::Impl::CheckUnlocked(const NodePtr& node) {
  if (!options_.locks.protects()) return Ok();
  std::string key;
  {
    const Lock lock(tree_.mu);
    if (IsLocked(*node)) return LockedError(node->lock.lock);
    const bool made = !node->is_directory() && !node->version.etag.empty();
    if (!made || (node->lock.known && Now() < node->lock.until)) return Ok();
    key = tree_.Key(*node);
  }
  return CheckStillUnlocked(node, key, {});
}

// By the service's own word of this moment. `given` is the lock that the version got when the very
// writer who asks made it.
Status Filesystem::Impl::CheckStillUnlocked(const NodePtr& node, const std::string& key,
                                            const std::optional<s3::Lock>& given) {
  if (!options_.locks.protects()) return Ok();
  if (!options_.locks.visible) {
    const Lock lock(tree_.mu);
    return IsLocked(*node) && !given ? Status(LockedError({})) : Ok();
  }
  COFFER_ASSIGN(const LockReading reading, ReadLock(parts_.store, key, options_.locks));
  if (reading.info) LearnLock(node, key, *reading.info);
  if (!reading.locked) return Ok();
  const Lock lock(tree_.mu);
  const bool own = given && reading.info && reading.info->etag == node->version.etag &&
                   SameAsGiven(*given, reading.lock, options_.locks.default_slack_s);
  if (own) return Ok();
  return LockedError(reading.lock);
}

// chmod to what is stored or shown changes nothing, and succeeds, so that `rsync -a` over locked
// files ends well. Everything else is refused, as ext4 does.
Result<bool> Filesystem::Impl::IsNoChange(const NodePtr& node, const AttributeChange& change) {
  if (!options_.locks.protects()) return false;
  AttributeChange rest = change;
  rest.mode.reset();
  const bool mode_alone = change.mode && rest == AttributeChange{};
  {
    const Lock lock(tree_.mu);
    const bool open_here = node->writing && !IsLockedFor(*node, *node->writing);
    if (open_here || GivenToJustMade(*node)) return false;
    if (mode_alone && IsLocked(*node)) {
      const std::uint32_t mode = *change.mode & 07777;
      const std::uint32_t shown = ShownMode(node->attributes, options_.defaults);
      if (mode == ModeOf(*node) || mode == shown || mode == node->attributes.mode) return true;
    }
  }
  COFFER_TRY(CheckUnlocked(node));
  return false;
}

// --- chattr and lsattr ---

Result<bool> Filesystem::Impl::IsImmutable(NodeId id) {
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  COFFER_TRY(Revalidate(node, false));
  if (options_.locks.enabled && options_.locks.versioned) {
    COFFER_ASSIGN(const LockReading reading, LookAtLock(node));
    return reading.locked;
  }
  const Status unlocked = CheckUnlocked(node);
  if (unlocked) return false;
  if (unlocked.error().code == Code::kLocked) return true;
  return unlocked.error();
}

Status Filesystem::Impl::SetImmutable(NodeId id, bool immutable) {
  COFFER_ASSIGN(const bool before, IsImmutable(id));
  if (before == immutable) return Ok();
  LockChange change;
  change.hold = immutable;
  change.frees = !immutable;
  return ChangeLock(id, change);
}

// --- locks that come later ---

// Null when the kernel does not hold it.
NodePtr Filesystem::Impl::NodeOf(std::string_view key) const {
  NodePtr node = tree_.root();
  const std::string prefix = tree_.Key(*node);
  if (!key.starts_with(prefix)) return nullptr;
  std::string_view path = key.substr(prefix.size());
  while (!path.empty() && node && node->is_directory()) {
    const std::size_t slash = path.find('/');
    node = tree_.Child(*node, std::string(path.substr(0, slash)));
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return path.empty() ? node : nullptr;
}

std::shared_ptr<ChangeGate::Hold> Filesystem::Impl::HoldUnused(const std::string& key) {
  auto hold =
      std::make_shared<ChangeGate::Hold>(gate_, std::vector{key}, ChangeGate::IfBusy::kLeave);
  if (!hold->held()) return nullptr;
  const Lock lock(tree_.mu);
  const NodePtr node = NodeOf(key);
  return node && node->writing ? nullptr : hold;
}

void Filesystem::Impl::LockedMeanwhile(const std::string& key) {
  const auto info = parts_.store.Head(key, {});
  if (!info) return;  // then whoever wants to change it finds out
  NodePtr node;
  {
    const Lock lock(tree_.mu);
    node = NodeOf(key);
  }
  if (node) {
    LearnLock(node, key, *info);
  } else {
    KeepInIndex(key, *info);
  }
}

// --- attributes of a lock ---

// As it is, whoever it concerns; nothing of what has none.
Result<LockReading> Filesystem::Impl::LookAtLock(const NodePtr& node) {
  LockPolicy policy = options_.locks;
  policy.versioned = false;
  std::string key;
  {
    const Lock lock(tree_.mu);
    if (node->is_directory() || node->version.etag.empty()) return LockReading{};
    key = tree_.Key(*node);
  }
  COFFER_ASSIGN(LockReading reading, ReadLock(parts_.store, key, policy));
  if (reading.info) LearnLock(node, key, *reading.info);
  return reading;
}

Result<std::string> Filesystem::Impl::GetLockXattr(const NodePtr& node, std::string_view field) {
  const Error none{Code::kNoAttribute, "not locked"};
  if (options_.locks.enabled && !options_.locks.visible) {
    return Error{Code::kDenied, "locks cannot be seen: it takes s3:GetObjectRetention"};
  }
  COFFER_ASSIGN(const LockReading reading, LookAtLock(node));
  if (!reading.info) return none;
  const s3::Lock& lock = reading.lock;
  const bool retained = lock.Retained(reading.info->server_date_s);
  if (field == "mode" && retained) return lock.mode;
  if (field == "retain-until" && retained) return s3::IsoTime(lock.retain_until_s);
  if (field == "legal-hold" && lock.legal_hold) return std::string("ON");
  return none;
}

Status Filesystem::Impl::SetLockXattr(NodeId id, std::string_view field,
                                      std::optional<std::string_view> value) {
  if (!value) return Error{Code::kNotPermitted, "a lock is not taken off by removing its name"};
  LockChange change;
  const std::string word = AsciiUpper(*value);
  if (field == "legal-hold" && (word == "ON" || word == "OFF")) {
    change.hold = word == "ON";
  } else if (field == "retain-until") {
    change.until_s = s3::ParseIsoDate(*value);
    if (!change.until_s) return Error{Code::kInvalid, "not a date like 2030-01-01T00:00:00Z"};
  } else if (field == "mode" && (word == "GOVERNANCE" || word == "COMPLIANCE")) {
    change.mode = word;
  } else {
    return Error{Code::kInvalid, "no such lock"};
  }
  return ChangeLock(id, change);
}

// What was written and changed before goes into the version that is locked.
Status Filesystem::Impl::ChangeLock(NodeId id, const LockChange& change) {
  COFFER_TRY(CheckWritable());
  if (!options_.locks.enabled) return BucketWithoutLock();
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  if (node->directory) return Error{Code::kUnsupported, "only files are locked"};
  COFFER_TRY(Revalidate(node, false));
  COFFER_TRY(SendAll(node, nullptr));
  const auto gate = HoldName(*node, ChangeGate::IfBusy::kWait);
  if (!gate) return Error{Code::kBusy, "renamed again and again"};
  std::string key;
  std::string etag;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*node);
    etag = node->version.etag;
  }
  const auto now = parts_.store.Head(key, {.etag = etag, .version_id = {}});
  if (!now && now.error().code == Code::kNotFound) {
    return Error{Code::kChanged, "removed by another machine"};
  }
  if (!now) return now.error();
  COFFER_ASSIGN(const s3::Lock wanted, WantedLock(change, *now));
  if (wanted == now->lock) {
    LearnLock(node, key, *now);
    return Ok();
  }
  COFFER_ASSIGN(const s3::ObjectInfo made, PutLock(key, *now, wanted));
  LearnLock(node, key, made);
  return Ok();
}

// The lock that `now` shall have; refuses what would weaken it.
Result<s3::Lock> Filesystem::Impl::WantedLock(const LockChange& change, const s3::ObjectInfo& now) {
  s3::Lock wanted = now.lock;
  const bool retained = now.lock.Retained(now.server_date_s);
  if (change.hold) wanted.legal_hold = *change.hold;
  // chattr -i says that the file is free, which no hold that is taken off can make it now.
  if (change.frees && retained) return LockedError(now.lock);
  if (change.mode) {
    if (!retained) return Error{Code::kInvalid, "set user.coffer.lock.retain-until first"};
    if (now.lock.mode == "COMPLIANCE" && *change.mode != "COMPLIANCE") return LockedError(now.lock);
    wanted.mode = *change.mode;
  }
  if (change.until_s) {
    if (*change.until_s <= now.server_date_s) return Error{Code::kInvalid, "the date is past"};
    if (retained && *change.until_s < now.lock.retain_until_s) return LockedError(now.lock);
    if (*change.until_s - now.server_date_s > options_.locks.longest_s) {
      return Error{Code::kInvalid, "the date is further away than --lock-max allows"};
    }
    if (!retained && !change.mode_if_new.empty()) wanted.mode = change.mode_if_new;
    if (wanted.mode.empty()) wanted.mode = "GOVERNANCE";
    wanted.retain_until_s = *change.until_s;
  }
  const bool same =
      wanted.mode == now.lock.mode && wanted.retain_until_s == now.lock.retain_until_s;
  if (!same && wanted.mode == "COMPLIANCE" && !options_.locks.allow_compliance) {
    return Error{Code::kNotPermitted,
                 "compliance cannot be undone by anybody: mount with --allow-compliance"};
  }
  return wanted;
}

// Of the very version that was looked at, and read back.
Result<s3::ObjectInfo> Filesystem::Impl::PutLock(const std::string& key, const s3::ObjectInfo& now,
                                                 const s3::Lock& wanted) {
  auto made = WriteLock(parts_.store, key, now, wanted);
  if (!made && now.lock.Retained(now.server_date_s) && made.error().code == Code::kUnavailable) {
    parts_.observer.Fail("\"" + key + "\": " + made.error().what);
  }
  return made;
}

}  // namespace coffer::fs
