// chmod, chown, utimens: at once for files being written, a moment later for those that are closed,
// so that several in a row (`cp -p`, tar, rsync) are one request.
//
// What a changed node shall look like stands in the node itself; `waiting` says that S3 does not
// know yet. It is sent by the timer, by fsync, by a rename (as part of its copy) or by Drain.

#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/path.h"
#include "fs/self_copy.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kSendsAtOnce = 16;

// `before` with the change applied; ctime moves when anything else does.
Attributes Applied(Attributes attributes, const AttributeChange& change, TimeNs now) {
  const Attributes before = attributes;
  if (change.mode) attributes.mode = *change.mode & 07777;
  if (change.uid) attributes.uid = *change.uid;
  if (change.gid) attributes.gid = *change.gid;
  if (change.atime) attributes.atime = *change.atime;
  if (change.mtime) attributes.mtime = *change.mtime;
  if (change.atime_now) attributes.atime = now;
  if (change.mtime_now) attributes.mtime = now;
  if (attributes != before) attributes.ctime = now;
  return attributes;
}

}  // namespace

Result<AttributesReply> Filesystem::Impl::SetAttributes(NodeId id, std::optional<HandleId> handle,
                                                        const AttributeChange& change) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  COFFER_TRY(TakeDeferredError(node));
  COFFER_TRY(RevalidateUnlessOpen(node, handle));
  COFFER_TRY(EnterToChange(node));
  COFFER_TRY(RefuseSealed(node));
  COFFER_ASSIGN(const bool done, ChangeAsWorm(node, change));
  if (done) return AttributesAsShown(*node);
  COFFER_ASSIGN(const bool nothing, IsNoChange(node, change));
  if (nothing) return AttributesAsShown(*node);
  if (change.size) COFFER_TRY(ChangeSize(node, *change.size));
  COFFER_TRY(ChangeOpenOrClosed(node, change));
  return AttributesAsShown(*node);
}

Status Filesystem::Impl::ChangeOpenOrClosed(const NodePtr& node, const AttributeChange& change) {
  std::shared_ptr<OpenFile> file;
  {
    const Lock lock(tree_.mu);
    file = node->writing;
  }
  if (!file) return ChangeClosed(node, change);
  const Turn::Hold turn(file->turn);
  ChangeOpenFile(*file, change);
  return Ok();
}

AttributesReply Filesystem::Impl::AttributesAsShown(const Node& node) const {
  const Lock lock(tree_.mu);
  return {StatOf(node), TtlOf(node)};
}

Status Filesystem::Impl::ChangeClosed(const NodePtr& node, const AttributeChange& change) {
  COFFER_TRY(LearnAttributes(node));
  COFFER_TRY(RefuseSealed(node));  // where only now its metadata was asked for
  const std::int64_t now = parts_.clock.Now().time_since_epoch().count();
  {
    const Lock lock(tree_.mu);
    if (Applied(node->attributes, change, now) == node->attributes) return Ok();
  }
  COFFER_TRY(CheckRestored(node));
  const Lock lock(tree_.mu);
  const Attributes after = Applied(node->attributes, change, now);
  if (node->gone && node->readers == 0) return Error{Code::kChanged, "replaced or removed"};
  node->attributes = after;
  // The root of a bucket has no object that could keep its attributes: they last for this mount.
  if (!node->parent || node->gone) return Ok();
  Wait(node);
  if (auto given = GivenToJustMade(*node)) node->waiting->given_lock = std::move(given);
  return Ok();
}

// The caller holds the file's turn.
void Filesystem::Impl::ChangeOpenFile(OpenFile& file, const AttributeChange& change) {
  const bool fixed = file.writer.streaming();
  const Lock lock(tree_.mu);
  const Attributes after =
      Applied(file.node->attributes, change, parts_.clock.Now().time_since_epoch().count());
  if (after == file.node->attributes) return;
  file.node->attributes = after;
  if (change.mtime) file.explicit_mtime = true;
  if (fixed) {
    file.attributes_late = true;
  } else if (!file.writer.dirty()) {
    Wait(file.node);  // nothing to commit that it could ride on
    file.node->waiting->given_lock = file.given_lock;
  }
}

// Where listings alone say what files look like, a change must not put their defaults in the place
// of what the object has; and in a sealed volume nothing that is only claimed is sealed again.
// With --attributes=list a file is not known before somebody asks: neither what has to be kept of
// it, nor whether it is sealed.
Status Filesystem::Impl::LearnBeforeChange(const NodePtr& node) {
  if (options_.exact_attributes || parts_.sealer != nullptr || node->directory) return Ok();
  return LearnAttributes(node);
}

Status Filesystem::Impl::LearnAttributes(const NodePtr& node) {
  std::string key;
  std::string etag;
  {
    const Lock lock(tree_.mu);
    const bool known =
        parts_.sealer != nullptr ? node->object != nullptr : options_.exact_attributes;
    if (known || node->writing || node->waiting || !node->parent) return Ok();
    key = tree_.Key(*node);
    if (!node->directory) etag = node->version.etag;
  }
  auto info =
      parts_.sealer != nullptr ? parts_.sealer->Prove(key, etag) : parts_.store.Head(key, {});
  if (!info && info.error().code == Code::kNotFound && node->directory) return Ok();
  if (!info) return std::move(info).error();
  const Fact fact = FactOf(key, *info);
  FileVersion before;
  {
    const Lock lock(tree_.mu);
    before = node->version;
  }
  if (!node->directory && !SameContent(fact.version, before)) {
    NoteReplaced(node, key, before);
    return Error{Code::kChanged, "another version has this name now"};
  }
  const Lock lock(tree_.mu);
  if (node->waiting || node->writing || !SameContent(before, node->version)) return Ok();
  node->attributes = fact.attributes;
  node->extra = fact.extra;
  if (parts_.sealer != nullptr) {
    tree_.Remember(node, std::make_shared<const s3::ObjectInfo>(std::move(info).value()));
  }
  return Ok();
}

Status Filesystem::Impl::ChangeSize(const NodePtr& node, std::uint64_t size) {
  std::shared_ptr<OpenFile> file;
  std::uint64_t now = 0;
  {
    const Lock lock(tree_.mu);
    if (node->directory) return Error{Code::kIsDirectory, "truncate of a directory"};
    file = node->writing;
    now = node->version.size;
  }
  if (file) {
    const Turn::Hold turn(file->turn);
    if (file->failed) return *file->failed;
    FollowName(*file);
    COFFER_TRY(file->writer.Truncate(size));
    const Lock lock(tree_.mu);
    node->version.size = size;
    Touch(*file);
    return Ok();
  }
  if (size == now) return Ok();
  if (size == 0) return TruncateClosed(node);
  return Error{Code::kUnsupported, "a closed file can be truncated to nothing, not to a size"};
}

// Marks `node` as changed and sees to it that the change is sent soon.
void Filesystem::Impl::Wait(const NodePtr& node) {
  if (!node->waiting) {
    node->waiting = std::make_unique<WaitingChange>();
    node->waiting->since = Now();
    waiting_.emplace(node->id, node);
  }
  ++node->waiting->edits;
  ArmTimer(options_.attribute_delay);
}

void Filesystem::Impl::ArmTimer(std::chrono::milliseconds delay) {
  if (timer_set_) return;
  background_.Later(parts_.pool, delay, [this] { SendDue(); });
  timer_set_ = true;
}

// Runs on the pool; the sends themselves do too.
void Filesystem::Impl::SendDue() {
  for (auto& node : TakeDue()) {
    background_.Now(parts_.pool, [this, node = std::move(node)] { SendTimed(node); });
  }
}

// A name that is being renamed, or removed, has its turn later, if there is a change left by then.
void Filesystem::Impl::SendTimed(const NodePtr& node) {
  if (TrySendWaiting(node)) return;
  const Lock lock(tree_.mu);
  ArmTimer(options_.attribute_delay);
}

// What has waited long enough; sets the timer for the rest.
std::vector<NodePtr> Filesystem::Impl::TakeDue() {
  std::vector<NodePtr> due;
  const Lock lock(tree_.mu);
  timer_set_ = false;
  s3::SteadyTime next = s3::SteadyTime::max();
  for (const auto& [id, node] : waiting_) {
    const s3::SteadyTime at = node->waiting->since + options_.attribute_delay;
    if (at <= Now()) {
      due.push_back(node);
    } else {
      next = std::min(next, at);
    }
  }
  if (next != s3::SteadyTime::max()) {
    ArmTimer(std::chrono::ceil<std::chrono::milliseconds>(next - Now()));
  }
  return due;
}

std::vector<NodePtr> Filesystem::Impl::WaitingBelow(const NodePtr& directory) {
  std::vector<NodePtr> all;
  const Lock lock(tree_.mu);
  const std::string prefix = tree_.Key(*directory);
  for (const auto& [id, node] : waiting_) {
    if (tree_.Key(*node).starts_with(prefix)) all.push_back(node);
  }
  return all;
}

Status Filesystem::Impl::SendWaitingBelow(const NodePtr& directory) {
  Mutex mu;
  std::optional<Error> failure;
  std::vector<NodePtr> busy;
  const auto is_written = [&](const NodePtr& node) {
    const Lock lock(tree_.mu);
    return node->writing != nullptr;
  };
  const auto send = [&](const NodePtr& node) {
    auto sent = is_written(node) ? std::nullopt : TrySendWaiting(node);
    const Lock lock(mu);
    if (!sent) busy.push_back(node);
    if (sent && !*sent) failure = std::move(*sent).error();
  };
  TaskGroup sends(parts_.pool, kSendsAtOnce);
  for (const auto& node : WaitingBelow(directory)) {
    sends.Add([&send, node] { send(node); });
  }
  sends.Wait();
  // These have to wait for whoever writes or renames them, which a task of the pool must not.
  for (const auto& node : busy) {
    if (Status sent = SendAll(node, nullptr); !sent) return sent;
  }
  if (failure) return std::move(*failure);
  return Ok();
}

// The gate of the name that the node has once it is held: a rename that was waited for has moved
// it. Null when it is busy, or was moved again and again.
std::unique_ptr<ChangeGate::Hold> Filesystem::Impl::HoldName(const Node& node,
                                                             ChangeGate::IfBusy if_busy) {
  constexpr int kMostMoves = 100;
  const auto key_now = [&] {
    const Lock lock(tree_.mu);
    return tree_.Key(node);
  };
  for (int n = 0; n < kMostMoves; ++n) {
    const std::string key = key_now();
    auto gate = std::make_unique<ChangeGate::Hold>(gate_, std::vector{key}, if_busy);
    if (!gate->held()) return nullptr;
    if (key_now() == key) return gate;
  }
  return nullptr;
}

bool Filesystem::Impl::IsWaiting(const Node& node) const {
  const Lock lock(tree_.mu);
  return node.waiting != nullptr;
}

Status Filesystem::Impl::SendWaiting(const NodePtr& node, OpenFile* held) {
  if (!IsWaiting(*node)) return Ok();
  const auto gate = HoldName(*node, ChangeGate::IfBusy::kWait);
  if (!gate) return Error{Code::kBusy, "renamed again and again"};
  return SendHeld(node, held);
}

std::optional<Status> Filesystem::Impl::TrySendWaiting(const NodePtr& node) {
  if (!IsWaiting(*node)) return Ok();
  const auto gate = HoldName(*node, ChangeGate::IfBusy::kLeave);
  if (!gate) return std::nullopt;
  return SendHeld(node, nullptr);
}

// The caller holds the gate of the node's name.
Status Filesystem::Impl::SendHeld(const NodePtr& node, OpenFile* held) {
  std::string key;
  std::uint64_t edits = 0;
  std::optional<s3::Lock> given;
  {
    const Lock lock(tree_.mu);
    if (!node->waiting) return Ok();  // sent or removed meanwhile
    key = tree_.Key(*node);
    if (node->gone) {
      return WaitingFailed(*node, key, {Code::kChanged, "another machine replaced the file"});
    }
    // Being written: the next commit carries it, or the last close sends it.
    if (node->writing && held == nullptr) return Ok();
    edits = node->waiting->edits;
    given = held != nullptr ? held->given_lock : node->waiting->given_lock;
  }
  const Status unlocked = CheckStillUnlocked(node, key, given);
  auto sent = unlocked ? SendCopy(node, key) : Result<SentCopy>(unlocked.error());
  const Lock lock(tree_.mu);
  if (!sent) return WaitingFailed(*node, key, std::move(sent).error());
  FileVersion& version = sent->version;
  if (held != nullptr) held->writer.MoveTo(version);
  if (node->writing && held == nullptr) {
    node->writing->copied = version;
    version.size = node->version.size;  // of what is being written
  }
  node->version = std::move(version);
  if (node->directory) node->marker = true;
  if (node->object) {
    auto object = std::make_shared<s3::ObjectInfo>(*node->object);
    object->etag = node->version.etag;
    object->metadata = MetadataOf(*node, object->metadata);
    node->object = std::move(object);
  }
  node->valid_until = Until(options_.metadata_ttl);
  ShowLockOfMade(*node, sent->written);
  if (node->writing) node->writing->given_lock = node->lock.lock;
  if (!node->gone) tree_.Change(*node->parent, node->name, FactFrom(*node));
  if (node->waiting && node->waiting->edits == edits) {
    node->waiting = nullptr;
    waiting_.erase(node->id);
    tree_.DropIfUnused(node);
  }
  return Ok();
}

// The change is given up: told once here, once more to whoever asks next for this file.
Status Filesystem::Impl::WaitingFailed(Node& node, const std::string& key, Error error) {
  node.waiting = nullptr;
  node.valid_until = {};
  node.object = nullptr;
  node.proved = false;
  // Not even a listing that this mount made up for a new directory: it lacks the name.
  if (node.parent) ForgetFacts(*node.parent, node.name);
  waiting_.erase(node.id);
  node.deferred_error = std::make_unique<Error>(
      Error{Code::kUnavailable, "an earlier change of attributes failed: " + error.what});
  {
    const Lock lock(stats_mu_);
    ++stats_.deferred_attribute_failures;
  }
  parts_.observer.Fail("the attributes of \"" + key + "\" were not changed: " + error.what);
  return error;
}

Status Filesystem::Impl::TakeDeferredError(const NodePtr& node) {
  const Lock lock(tree_.mu);
  if (!node->deferred_error) return Ok();
  Error error = std::move(*node->deferred_error);
  node->deferred_error = nullptr;
  return error;
}

// The user metadata that the node's object shall carry: what it has, with our attributes and
// xattrs.
s3::Metadata Filesystem::Impl::MetadataOf(const Node& node, s3::Metadata metadata) const {
  XattrsToMetadata(node.extra ? XattrsFromMetadata(*node.extra) : Xattrs{}, metadata);
  return ToMetadata(std::move(metadata), node.attributes);
}

// The object as S3 has it, with everything that a copy onto itself must send again.
Result<std::shared_ptr<const s3::ObjectInfo>> Filesystem::Impl::ObjectOf(const NodePtr& node,
                                                                         const std::string& key) {
  std::string etag;
  {
    const Lock lock(tree_.mu);
    if (node->object) return node->object;
    if (!node->directory) etag = node->version.etag;
  }
  auto info = parts_.sealer != nullptr ? parts_.sealer->Prove(key, etag)
                                       : parts_.store.Head(key, {.etag = etag, .version_id = {}});
  if (!info) return std::move(info).error();
  return std::make_shared<const s3::ObjectInfo>(std::move(info).value());
}

Result<s3::CopyRequest> Filesystem::Impl::CopyWithAttributes(const NodePtr& node,
                                                             const std::string& key) {
  COFFER_ASSIGN(const auto object, ObjectOf(node, key));
  if (object->archived) return Error{Code::kArchived, std::string(s3::kArchivedAdvice)};
  s3::CopyRequest copy = CopyOntoItself(key, *object);
  copy.uploads = &parts_.uploads;
  const Lock lock(tree_.mu);
  copy.target.metadata = MetadataOf(*node, object->metadata);
  return copy;
}

// Sends the node's attributes by a copy of its object onto itself.
Result<Filesystem::Impl::SentCopy> Filesystem::Impl::SendCopy(const NodePtr& node,
                                                              const std::string& key) {
  auto copy = CopyWithAttributes(node, key);
  if (!copy && copy.error().code == Code::kNotFound && node->directory) {
    return SendMarker(node, key);
  }
  if (!copy) return std::move(copy).error();
  COFFER_ASSIGN(const s3::Written written, parts_.store.Copy(*copy));
  return SentCopy{
      {written.etag, written.version_id, copy->size, written.server_date_s, copy->storage_class},
      written};
}

// An implicit directory gets a marker, which keeps its attributes.
Result<Filesystem::Impl::SentCopy> Filesystem::Impl::SendMarker(const NodePtr& node,
                                                                const std::string& key) {
  s3::NewObject marker = MarkerObject();
  {
    const Lock lock(tree_.mu);
    marker.metadata = MetadataOf(*node, {});
  }
  COFFER_ASSIGN(const s3::Written written, parts_.store.Put(key, {}, marker));
  return SentCopy{{written.etag, written.version_id, 0, written.server_date_s}, written};
}

s3::NewObject Filesystem::Impl::MarkerObject() {
  s3::NewObject marker;
  marker.condition = s3::Condition::Absent();
  marker.headers.content_type = "application/x-directory";
  return marker;
}

}  // namespace coffer::fs
