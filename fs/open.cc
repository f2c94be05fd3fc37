// Handles: open, read, write, and when a close is the last one.

#include <fcntl.h>

#include <algorithm>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/last_close.h"
#include "fs/on_exit.h"
#include "fs/path.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

bool WantsToWrite(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0; }

}  // namespace

Result<OpenReply> Filesystem::Impl::Open(NodeId id, int flags, const Caller& caller) {
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  if (node->directory) return Error{Code::kIsDirectory, "open of a directory"};
  if (WantsToWrite(flags)) return OpenForWriting(node, flags, caller);
  const bool direct = (flags & O_DIRECT) != 0;
  COFFER_TRY(Revalidate(node, direct));
  COFFER_TRY(RefuseSealed(node));
  auto handle = std::make_shared<Handle>();
  handle->node = node;
  handle->flags = flags;
  {
    const Lock lock(tree_.mu);
    ++node->readers;  // so early that nobody else fetches it ahead meanwhile
  }
  bool opened = false;
  const OnExit unless_opened([&] {
    if (opened) return;
    const Lock lock(tree_.mu);
    --node->readers;
    tree_.DropIfUnused(node);
  });
  if (!direct) FetchNext(node);
  COFFER_TRY(PrimeSmall(*handle));
  OpenReply reply;
  reply.direct_io = direct;
  reply.keep_cache = !direct;
  reply.handle = AddHandle(std::move(handle));
  opened = true;
  return reply;
}

void Filesystem::Impl::WaitWhileMoving(const NodePtr& node) {
  const Lock lock(tree_.mu);
  while (tree_.Moving(*node)) tree_.changed.Wait(tree_.mu);
}

// S3 does not have `version` under `key` any more: what is remembered of the name no longer holds,
// and the kernel shall ask again; unless it was this mount that moved the file or wrote it.
void Filesystem::Impl::NoteReplaced(const NodePtr& node, const std::string& key,
                                    const FileVersion& version) {
  NodePtr parent;
  std::string name;
  {
    const Lock lock(tree_.mu);
    while (tree_.Moving(*node)) tree_.changed.Wait(tree_.mu);
    if (node->gone || node->writing || !SameContent(node->version, version)) return;
    if (tree_.Key(*node) != key) return;
    parent = node->parent;
    name = node->name;
    if (node->waiting) {
      (void)WaitingFailed(*node, key, {Code::kChanged, "another machine replaced the file"});
    }
    tree_.Detach(*node);
    ForgetFacts(*parent, name);
  }
  if (KernelCache* kernel = kernel_.load()) kernel->ForgetName(parent->id, name);
}

Result<OpenReply> Filesystem::Impl::OpenForWriting(const NodePtr& node, int flags,
                                                   const Caller& caller) {
  COFFER_TRY(CheckWritable());
  COFFER_TRY(Revalidate(node, false));
  COFFER_TRY(EnterToChange(node));
  COFFER_TRY(LearnBeforeChange(node));
  COFFER_TRY(RefuseSealed(node));
  COFFER_TRY(CheckUnlocked(node));
  if ((flags & O_TRUNC) == 0) COFFER_TRY(CheckRestored(node));
  COFFER_TRY(ProveForWriting(node, flags));
  bool started = false;
  COFFER_ASSIGN(DataKeyPtr data_key, DataKeyFor(node));
  COFFER_ASSIGN(const std::shared_ptr<OpenFile> file,
                JoinOrStart(node, flags, std::move(data_key), &started));
  if (const Status prepared = PrepareContent(*file, flags, started); !prepared) {
    LeaveWriter(file);
    return prepared.error();
  }
  auto handle = std::make_shared<Handle>();
  handle->node = node;
  handle->flags = flags;
  handle->file = file;
  handle->opener = ProcessOf(caller.pid);
  {
    const Lock lock(tree_.mu);
    ++node->readers;
  }
  OpenReply reply;
  reply.direct_io = (flags & O_DIRECT) != 0;
  reply.keep_cache = !reply.direct_io;
  reply.handle = AddHandle(std::move(handle));
  return reply;
}

// A new version carries the attributes of the old one: in a sealed volume only proved ones. What is
// damaged or foreign can still be replaced whole, as a new file would be made.
Status Filesystem::Impl::ProveForWriting(const NodePtr& node, int flags) {
  if (parts_.sealer == nullptr) return Ok();
  Status proved = LearnAttributes(node);
  if (!proved) {
    const Lock lock(tree_.mu);
    proved = NotShown(tree_.Key(*node), std::move(proved).error());
  }
  if (proved || proved.error().code != Code::kCorrupt || (flags & O_TRUNC) == 0) return proved;
  const Lock lock(tree_.mu);
  Caller owner;
  owner.uid = options_.defaults.uid;
  owner.gid = options_.defaults.gid;
  node->attributes = NewAttributes(FileType::kFile, options_.defaults.file_mode, owner);
  node->extra = nullptr;
  node->proved = true;
  return Ok();
}

// A listing tells the storage class, not what was restored: before content in an archive is called
// unreadable, the object is asked.
Status Filesystem::Impl::CheckRestored(const NodePtr& node) {
  std::string key;
  s3::ReadCondition current;
  {
    const Lock lock(tree_.mu);
    if (!node->archived || node->gone || node->writing) return Ok();
    key = tree_.Key(*node);
    current.etag = node->version.etag;
  }
  const auto info = parts_.store.Head(key, current);
  if (!info) return info.error();
  if (info->archived) {
    parts_.observer.Warn("\"" + key + "\" cannot be changed: " + std::string(s3::kArchivedAdvice));
    return Error{Code::kArchived, std::string(s3::kArchivedAdvice)};
  }
  const Lock lock(tree_.mu);
  if (node->version.etag == current.etag) node->archived = false;
  return Ok();
}

// In a sealed volume a file's data key is taken when it is opened, for its first commit.
Result<DataKeyPtr> Filesystem::Impl::DataKeyFor(const NodePtr& node) {
  if (parts_.sealer == nullptr) return DataKeyPtr();
  {
    const Lock lock(tree_.mu);
    if (node && node->writing) return DataKeyPtr();
  }
  return parts_.sealer->TakeKey();
}

// The OpenFile that all descriptors open for writing share; refuses what cannot be written yet.
Result<std::shared_ptr<OpenFile>> Filesystem::Impl::JoinOrStart(const NodePtr& node, int flags,
                                                                DataKeyPtr data_key,
                                                                bool* started) {
  const Lock lock(tree_.mu);
  if (node->gone) return Error{Code::kChanged, "replaced or removed"};
  if (node->writing) {
    ++node->writing->handles;
    return node->writing;
  }
  const bool appends = (flags & O_APPEND) != 0 && (flags & O_ACCMODE) == O_WRONLY;
  if ((flags & O_TRUNC) == 0 && !appends && node->version.size > 0) {
    return Error{Code::kUnsupported,
                 "existing content can be replaced (O_TRUNC) or appended to, not changed in place"};
  }
  const std::string key = tree_.Key(*node);
  s3::NewObject object;
  object.condition = s3::Condition::Matches(node->version.etag);
  object.headers = HeadersFor(key);
  object.data_key = std::move(data_key);
  node->writing = std::make_shared<OpenFile>(writing_, key, std::move(object), node);
  node->writing->handles = 1;
  if (node->extra) node->writing->metadata = *node->extra;
  *started = true;
  return node->writing;
}

Status Filesystem::Impl::PrepareContent(OpenFile& file, int flags, bool started) {
  const Turn::Hold turn(file.turn);
  if (file.failed) return *file.failed;
  FollowName(file);
  if ((flags & O_TRUNC) != 0) {
    if (!started) COFFER_TRY(file.writer.Truncate(0));
    const Lock lock(tree_.mu);
    file.node->version.size = 0;
    Touch(file);
    return Ok();
  }
  if (!started) return Ok();
  FileVersion base;
  {
    const Lock lock(tree_.mu);
    base = file.node->version;
  }
  Status loaded = file.writer.StartFrom(base);
  if (loaded) return loaded;
  // A writer that knows nothing of the old content must never commit in its place.
  file.failed = std::move(loaded).error();
  if (file.failed->code == Code::kNotFound) file.failed->code = Code::kChanged;
  return *file.failed;
}

// Its content has just changed here: mtime moves, unless utimens said what it shall be.
void Filesystem::Impl::Touch(OpenFile& file) {
  const auto now = parts_.clock.Now().time_since_epoch().count();
  file.node->attributes.ctime = now;
  if (!file.explicit_mtime) file.node->attributes.mtime = now;
}

Result<CreateReply> Filesystem::Impl::Create(NodeId parent_id, std::string_view view,
                                             std::uint32_t mode, int flags, const Caller& caller) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  if (view.size() > kMaxName) return Error{Code::kNameTooLong, "name over 255 bytes"};
  if (!IsName(view)) return Error{Code::kInvalid, "not a name"};
  const std::string name(view);
  COFFER_TRY(Enter(parent, Entering::kToChange));
  COFFER_ASSIGN(DataKeyPtr data_key, DataKeyFor(nullptr));
  NodePtr node;
  auto handle = std::make_shared<Handle>();
  {
    const Lock lock(tree_.mu);
    if (parent->gone) return Error{Code::kNotFound, "the directory is gone"};
    const std::string key = tree_.ChildKey(*parent, name);
    if (key.size() > kMaxKey) {
      return Error{Code::kNameTooLong, "object keys have at most 1024 bytes"};
    }
    // The kernel has just been told that there is no such name; if one came to be here meanwhile,
    // it must look again.
    const Tree::View known = tree_.Consult(*parent, name, Now());
    const NodePtr child = tree_.Child(*parent, name);
    const bool present = (child && child->writing) || known.kind == Tree::View::Kind::kListed ||
                         (known.kind == Tree::View::Kind::kFact && known.fact.present);
    if (present) {
      return (flags & O_EXCL) != 0 ? Error{Code::kExists, "made a moment ago"}
                                   : Error{Code::kChanged, "made a moment ago"};
    }
    node = NewFileNode(parent, name, NewAttributes(FileType::kFile, mode, caller),
                       std::move(data_key));
    node->writing->exclusive = (flags & O_EXCL) != 0;
    ++node->readers;
    handle->file = node->writing;
  }
  handle->node = node;
  handle->flags = flags;
  handle->opener = ProcessOf(caller.pid);
  const std::shared_ptr<OpenFile> file = handle->file;
  CreateReply reply;
  if (options_.strict_exclusive && file->exclusive) {
    if (const Status made = Commit(*file); !made) {
      LeaveWriter(file);
      const Lock lock(tree_.mu);
      --node->readers;
      tree_.Forget(node->id, 1);
      return made.error();
    }
  }
  reply.open.handle = AddHandle(std::move(handle));
  reply.open.direct_io = (flags & O_DIRECT) != 0;
  reply.open.keep_cache = !reply.open.direct_io;
  const Lock lock(tree_.mu);
  reply.entry = ReplyFor(*node);
  return reply;
}

// A file that exists only here until its first commit.
NodePtr Filesystem::Impl::NewFileNode(const NodePtr& parent, const std::string& name,
                                      const Attributes& attributes, DataKeyPtr data_key) {
  const std::string key = tree_.ChildKey(*parent, name);
  Fact fact;
  fact.present = true;
  fact.attributes = attributes;
  fact.valid_until = Until(options_.metadata_ttl);
  tree_.Change(*parent, name, fact);
  if (const NodePtr old = tree_.Child(*parent, name)) tree_.Detach(*old);
  NodePtr node = tree_.Adopt(parent, name, fact);
  s3::NewObject object;
  object.condition = s3::Condition::Absent();
  object.headers = HeadersFor(key);
  object.data_key = std::move(data_key);
  node->writing = std::make_shared<OpenFile>(writing_, key, std::move(object), node);
  node->writing->handles = 1;
  node->proved = true;
  return node;
}

Attributes Filesystem::Impl::NewAttributes(FileType type, std::uint32_t mode,
                                           const Caller& caller) const {
  Attributes attributes;
  attributes.type = type;
  attributes.mode = mode & 07777;
  attributes.uid = caller.uid;
  attributes.gid = caller.gid;
  attributes.mtime = parts_.clock.Now().time_since_epoch().count();
  attributes.ctime = attributes.atime = attributes.mtime;
  return attributes;
}

HandleId Filesystem::Impl::AddHandle(std::shared_ptr<Handle> handle) {
  const Lock lock(handles_mu_);
  const HandleId id = next_handle_++;
  handles_.emplace(id, std::move(handle));
  return id;
}

// The handle's reader of what its node is now: made anew when this mount renamed the file, wrote
// it, or moved its attributes, so that an old reader never asks for what is not there any more.
std::shared_ptr<Reader> Filesystem::Impl::ReaderFor(Handle& handle) {
  std::string key;
  FileVersion version;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*handle.node);
    version = handle.node->version;
  }
  const Lock lock(handle.mu);
  if (!handle.reader || handle.reader_key != key || handle.reader_version != version) {
    handle.reader = std::make_shared<Reader>(reading_, key, version);
    handle.reader_key = std::move(key);
    handle.reader_version = std::move(version);
  }
  return handle.reader;
}

Result<std::vector<Slice>> Filesystem::Impl::Read(HandleId id, std::uint64_t offset,
                                                  std::size_t size) {
  COFFER_ASSIGN(const std::shared_ptr<Handle> handle, FindHandle(id));
  std::shared_ptr<OpenFile> file = handle->file;
  if (!file) {
    const Lock lock(tree_.mu);
    file = handle->node->writing;
  }
  if (file) return ReadWhileWriting(*file, offset, size);
  constexpr int kTries = 3;  // each after a change that this mount made to the file
  for (int attempt = 1;; ++attempt) {
    const std::shared_ptr<Reader> reader = ReaderFor(*handle);
    std::string key;
    FileVersion version;
    {
      const Lock lock(handle->mu);
      key = handle->reader_key;
      version = handle->reader_version;
    }
    if (version.size == 0) return std::vector<Slice>{};
    auto slices = reader->Read(offset, size);
    if (slices) return slices;
    const Code code = slices.error().code;
    if (code != Code::kChanged && code != Code::kNotFound) {
      return NotShown(key, std::move(slices).error());
    }
    WaitWhileMoving(handle->node);
    if (attempt < kTries && ReaderFor(*handle) != reader) continue;
    NoteReplaced(handle->node, key, version);
    return Error{Code::kChanged, "the file was replaced or removed while it was open"};
  }
}

Result<std::vector<Slice>> Filesystem::Impl::ReadWhileWriting(OpenFile& file, std::uint64_t offset,
                                                              std::size_t size) {
  const Turn::Hold turn(file.turn);
  if (file.failed) return *file.failed;
  FollowName(file);
  COFFER_ASSIGN(Bytes bytes, file.writer.Read(offset, size));
  auto owner = std::make_shared<Bytes>(std::move(bytes));
  return std::vector<Slice>{{owner, ByteView(*owner)}};
}

Result<std::size_t> Filesystem::Impl::Write(HandleId id, std::uint64_t offset, ByteView bytes) {
  COFFER_ASSIGN(const std::shared_ptr<Handle> handle, FindHandle(id));
  if (!handle->file) return Error{Code::kInvalid, "not open for writing"};
  OpenFile& file = *handle->file;
  const Turn::Hold turn(file.turn);
  if (file.failed) return *file.failed;
  {
    const Lock lock(tree_.mu);
    if (IsLockedFor(*handle->node, file)) return LockedError(handle->node->lock.lock);
  }
  // On O_APPEND handles the kernel sends its own idea of the end of the file.
  if ((handle->flags & O_APPEND) != 0) offset = file.writer.size();
  if (file.unlinked && offset + bytes.size() > options_.write.first_part) {
    return Error{Code::kNoSpace, "a file without a name is kept in memory and has grown too large"};
  }
  FollowName(file);
  // From this size on a stream may begin, and its metadata is fixed then.
  if (offset + bytes.size() > options_.write.smallest_part) OfferMetadata(file);
  COFFER_TRY(file.writer.Write(offset, bytes));
  const Lock lock(tree_.mu);
  handle->node->version.size = file.writer.size();
  Touch(file);
  return bytes.size();
}

// Neither who opened the file nor who closes a descriptor now still holds one for writing. In doubt
// yes: a version too many, never a close that answered too early.
bool Filesystem::Impl::LooksLikeLastClose(const Handle& handle, const Caller& caller) const {
  std::uint64_t ino = 0;
  {
    const Lock lock(tree_.mu);
    if (handle.file->handles > 1) return true;
    ino = StatOf(*handle.node).ino;
  }
  const std::uint64_t mount = mount_id_.load();
  if (mount == 0 || handle.opener <= 0 || caller.pid <= 0) return true;
  const std::int32_t closer = ProcessOf(caller.pid);
  const bool held = HoldsForWriting(handle.opener, ino, mount) == Holder::kYes ||
                    (closer > 0 && closer != handle.opener &&
                     HoldsForWriting(closer, ino, mount) == Holder::kYes);
  return !held || SharesNumber(handle);
}

// Is another file open for writing that has or had this name? Its descriptors may look the same in
// /proc, which tells files apart by st_ino alone.
bool Filesystem::Impl::SharesNumber(const Handle& handle) const {
  std::vector<std::shared_ptr<OpenFile>> others;
  {
    const Lock lock(handles_mu_);
    for (const auto& [id, other] : handles_) {
      if (other->file && other->file != handle.file) others.push_back(other->file);
    }
  }
  const Lock lock(tree_.mu);
  const std::string key = tree_.Key(*handle.node);
  for (const auto& other : others) {
    if (other->opened_as == key || tree_.Key(*other->node) == key) return true;
  }
  return false;
}

Status Filesystem::Impl::Flush(HandleId id, const Caller& caller) {
  COFFER_ASSIGN(const std::shared_ptr<Handle> handle, FindHandle(id));
  if (handle->file) COFFER_TRY(FlushWriter(*handle, caller));
  return TakeDeferredError(handle->node);
}

Status Filesystem::Impl::FlushWriter(const Handle& handle, const Caller& caller) {
  OpenFile& file = *handle.file;
  const Turn::Hold turn(file.turn);
  if (file.failed) return *file.failed;
  if (!file.writer.dirty()) return Ok();
  if (LooksLikeLastClose(handle, caller)) return CommitTurn(file);
  const Status settled = file.writer.Settle();
  if (!settled) return Failed(file, settled.error());
  return Ok();
}

Status Filesystem::Impl::Fsync(HandleId id) {
  COFFER_ASSIGN(const std::shared_ptr<Handle> handle, FindHandle(id));
  const Status sent = SendAll(handle->node, handle->file);
  const Status deferred = TakeDeferredError(handle->node);
  return sent ? deferred : sent;
}

// All of one file: content first, then what came too late for the commit as a copy of its own.
Status Filesystem::Impl::SendAll(const NodePtr& node, std::shared_ptr<OpenFile> file) {
  if (!file) {
    const Lock lock(tree_.mu);
    file = node->writing;
  }
  if (!file) return SendWaiting(node, nullptr);
  const Turn::Hold turn(file->turn);
  COFFER_TRY(CommitTurn(*file));
  return SendWaiting(node, file.get());
}

void Filesystem::Impl::Release(HandleId id) {
  auto found = FindHandle(id);
  if (!found) return;
  const std::shared_ptr<Handle> handle = *found;
  {
    const Lock lock(handles_mu_);
    handles_.erase(id);
  }
  if (handle->file) LeaveWriter(handle->file);
  const Lock lock(tree_.mu);
  --handle->node->readers;
  tree_.DropIfUnused(handle->node);
}

}  // namespace coffer::fs
