#include "fs/ops.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "fs/errno_map.h"

namespace coffer::fs {
namespace {

// Data and read-ahead go in pieces of this size, the largest that the kernel knows.
constexpr unsigned kLargestTransfer = 1u << 20;
// Requests that the kernel may have on the way without a process that waits: read-ahead. The
// default of 12 would make readers wait for each other.
constexpr unsigned kBackgroundRequests = 256;
// Inodes that df -i shows: a bucket has no limit, and some installers refuse a filesystem with
// none.
constexpr fsfilcnt_t kFreeInodes = 1u << 30;

OpsContext& Context(fuse_req_t req) { return *static_cast<OpsContext*>(fuse_req_userdata(req)); }
Filesystem& Volume(fuse_req_t req) { return Context(req).filesystem; }

// Runs a callback's body, which replies exactly once and last.
template <typename Body>
void Guard(fuse_req_t req, Body&& body) noexcept {
  try {
    body();
  } catch (const std::bad_alloc&) {
    fuse_reply_err(req, ENOMEM);
  } catch (...) {
    fuse_reply_err(req, EIO);
  }
}

void ReplyError(fuse_req_t req, const Error& error) {
  Volume(req).Told(error);
  fuse_reply_err(req, ToErrno(error.code));
}

void Reply(fuse_req_t req, const Status& status) {
  if (!status) return ReplyError(req, status.error());
  fuse_reply_err(req, 0);
}

double Seconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double>(duration).count();
}

timespec ToTimespec(TimeNs time) {
  std::int64_t seconds = time / kSecond;
  std::int64_t rest = time % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  }
  return {seconds, static_cast<long>(rest)};
}

TimeNs FromTimespec(const timespec& time) { return time.tv_sec * kSecond + time.tv_nsec; }

struct stat ToStat(const NodeStat& node) {
  struct stat st = {};
  st.st_ino = node.ino;
  st.st_mode = TypeBits(node.attributes.type) | node.attributes.mode;
  st.st_nlink = node.links;
  st.st_uid = node.attributes.uid;
  st.st_gid = node.attributes.gid;
  st.st_size = static_cast<off_t>(node.size);
  st.st_blocks = static_cast<blkcnt_t>((node.size + 511) / 512);
  st.st_blksize = kLargestTransfer;
  st.st_mtim = ToTimespec(node.attributes.mtime);
  st.st_ctim = ToTimespec(node.attributes.ctime);
  st.st_atim = ToTimespec(node.attributes.atime);
  return st;
}

fuse_entry_param ToEntry(const EntryReply& reply) {
  fuse_entry_param entry = {};
  entry.ino = reply.node;
  entry.attr = ToStat(reply.stat);
  entry.attr_timeout = Seconds(reply.ttl);
  entry.entry_timeout = Seconds(reply.ttl);
  return entry;
}

Caller ToCaller(fuse_req_t req) {
  const fuse_ctx* context = fuse_req_ctx(req);
  return {context->pid, context->uid, context->gid, context->umask};
}

std::optional<HandleId> HandleOf(const fuse_file_info* file) {
  if (file == nullptr) return std::nullopt;
  return file->fh;
}

void ToFileInfo(const OpenReply& reply, fuse_file_info* file) {
  file->fh = reply.handle;
  file->keep_cache = reply.keep_cache ? 1 : 0;
  file->direct_io = reply.direct_io ? 1 : 0;
  // Nothing can be lost at the close of a handle that cannot write.
  const bool reads = (file->flags & O_ACCMODE) == O_RDONLY && (file->flags & O_TRUNC) == 0;
  file->noflush = reads ? 1 : 0;
}

// An entry that was handed out; taken back when the request was interrupted and nobody heard.
void ReplyEntry(fuse_req_t req, const Result<EntryReply>& result) {
  if (!result) return ReplyError(req, result.error());
  Filesystem& volume = Volume(req);
  const fuse_entry_param entry = ToEntry(*result);
  if (fuse_reply_entry(req, &entry) == -ENOENT) volume.Forget(result->node, 1);
}

void ReplyAttributes(fuse_req_t req, const Result<AttributesReply>& result) {
  if (!result) return ReplyError(req, result.error());
  const struct stat st = ToStat(result->stat);
  fuse_reply_attr(req, &st, Seconds(result->ttl));
}

// getxattr(2) and listxattr(2): the size when none is given, ERANGE when it is too small.
void ReplyBytes(fuse_req_t req, std::string_view bytes, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(req, bytes.size());
  } else if (bytes.size() > size) {
    fuse_reply_err(req, ERANGE);
  } else {
    fuse_reply_buf(req, bytes.data(), bytes.size());
  }
}

// A capability that has one bit in `capable` and in `want`.
void Want(fuse_conn_info* connection, unsigned capability, bool wanted) {
  if (wanted) {
    connection->want |= connection->capable & capability;
  } else {
    connection->want &= ~capability;
  }
}

void Init(void*, fuse_conn_info* connection) noexcept {
  Want(connection, FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_PARALLEL_DIROPS, true);
  Want(connection, FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_IOCTL_DIR, true);
  // A write is answered when the filesystem has it, not when the kernel has.
  Want(connection, FUSE_CAP_WRITEBACK_CACHE | FUSE_CAP_EXPORT_SUPPORT, false);
  Want(connection, FUSE_CAP_HANDLE_KILLPRIV | FUSE_CAP_POSIX_ACL | FUSE_CAP_CACHE_SYMLINKS, false);
  // Each content version is a node of its own: a changed mtime says nothing about its pages.
  Want(connection, FUSE_CAP_AUTO_INVAL_DATA, false);
  Want(connection, FUSE_CAP_POSIX_LOCKS | FUSE_CAP_FLOCK_LOCKS, false);
  connection->max_write = kLargestTransfer;
  connection->max_readahead = kLargestTransfer;
  connection->max_background = kBackgroundRequests;
  connection->congestion_threshold = kBackgroundRequests * 3 / 4;
  connection->time_gran = 1;
}

void Lookup(fuse_req_t req, fuse_ino_t parent, const char* name) noexcept {
  Guard(req, [&] {
    const auto result = Volume(req).Lookup(parent, name);
    if (result || result.error().code != Code::kNotFound) return ReplyEntry(req, result);
    const auto ttl = Volume(req).AbsentFor(parent, name);
    if (ttl.count() == 0) return ReplyEntry(req, result);
    fuse_entry_param absent = {};
    absent.entry_timeout = Seconds(ttl);
    fuse_reply_entry(req, &absent);
  });
}

void Forget(fuse_req_t req, fuse_ino_t node, uint64_t count) noexcept {
  Volume(req).Forget(node, count);
  fuse_reply_none(req);
}

void ForgetMany(fuse_req_t req, size_t count, fuse_forget_data* forgets) noexcept {
  for (size_t i = 0; i < count; ++i) Volume(req).Forget(forgets[i].ino, forgets[i].nlookup);
  fuse_reply_none(req);
}

void GetAttributes(fuse_req_t req, fuse_ino_t node, fuse_file_info* file) noexcept {
  Guard(req, [&] { ReplyAttributes(req, Volume(req).GetAttributes(node, HandleOf(file))); });
}

void SetAttributes(fuse_req_t req, fuse_ino_t node, struct stat* st, int set,
                   fuse_file_info* file) noexcept {
  Guard(req, [&] {
    AttributeChange change;
    if (set & FUSE_SET_ATTR_MODE) change.mode = st->st_mode & 07777;
    if (set & FUSE_SET_ATTR_UID) change.uid = st->st_uid;
    if (set & FUSE_SET_ATTR_GID) change.gid = st->st_gid;
    if (set & FUSE_SET_ATTR_SIZE) change.size = static_cast<std::uint64_t>(st->st_size);
    if (set & FUSE_SET_ATTR_ATIME) change.atime = FromTimespec(st->st_atim);
    if (set & FUSE_SET_ATTR_MTIME) change.mtime = FromTimespec(st->st_mtim);
    change.atime_now = (set & FUSE_SET_ATTR_ATIME_NOW) != 0;
    change.mtime_now = (set & FUSE_SET_ATTR_MTIME_NOW) != 0;
    ReplyAttributes(req, Volume(req).SetAttributes(node, HandleOf(file), change));
  });
}

void ReadLink(fuse_req_t req, fuse_ino_t node) noexcept {
  Guard(req, [&] {
    const auto target = Volume(req).ReadLink(node);
    if (!target) return ReplyError(req, target.error());
    fuse_reply_readlink(req, target->c_str());
  });
}

void MakeNode(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode, dev_t) noexcept {
  Guard(req, [&] {
    if (!S_ISREG(mode)) {
      fuse_reply_err(req, EPERM);
      return;
    }
    Filesystem& volume = Volume(req);
    const auto made =
        volume.Create(parent, name, mode & 07777, O_CREAT | O_EXCL | O_WRONLY, ToCaller(req));
    if (!made) return ReplyError(req, made.error());
    // Nobody holds it open, so it is stored now.
    const Status stored = volume.Fsync(made->open.handle);
    volume.Release(made->open.handle);
    if (stored) return ReplyEntry(req, made->entry);
    volume.Forget(made->entry.node, 1);
    ReplyError(req, stored.error());
  });
}

void MakeDirectory(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode) noexcept {
  Guard(req, [&] {
    ReplyEntry(req, Volume(req).MakeDirectory(parent, name, mode & 07777, ToCaller(req)));
  });
}

void MakeSymlink(fuse_req_t req, const char* target, fuse_ino_t parent, const char* name) noexcept {
  Guard(req,
        [&] { ReplyEntry(req, Volume(req).MakeSymlink(parent, name, target, ToCaller(req))); });
}

void MakeLink(fuse_req_t req, fuse_ino_t, fuse_ino_t, const char*) noexcept {
  fuse_reply_err(req, EPERM);
}

void Unlink(fuse_req_t req, fuse_ino_t parent, const char* name) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).Unlink(parent, name)); });
}

void RemoveDirectory(fuse_req_t req, fuse_ino_t parent, const char* name) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).RemoveDirectory(parent, name)); });
}

void Rename(fuse_req_t req, fuse_ino_t from_parent, const char* from, fuse_ino_t to_parent,
            const char* to, unsigned flags) noexcept {
  Guard(req, [&] {
    if ((flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) != 0) {
      fuse_reply_err(req, EINVAL);
      return;
    }
    const bool no_replace = (flags & RENAME_NOREPLACE) != 0;
    Reply(req, Volume(req).Rename(from_parent, from, to_parent, to, no_replace));
  });
}

void Open(fuse_req_t req, fuse_ino_t node, fuse_file_info* file) noexcept {
  Guard(req, [&] {
    Filesystem& volume = Volume(req);
    const auto opened = volume.Open(node, file->flags, ToCaller(req));
    if (!opened) return ReplyError(req, opened.error());
    ToFileInfo(*opened, file);
    if (fuse_reply_open(req, file) == -ENOENT) volume.Release(opened->handle);
  });
}

void Create(fuse_req_t req, fuse_ino_t parent, const char* name, mode_t mode,
            fuse_file_info* file) noexcept {
  Guard(req, [&] {
    Filesystem& volume = Volume(req);
    const auto created = volume.Create(parent, name, mode & 07777, file->flags, ToCaller(req));
    if (!created) return ReplyError(req, created.error());
    ToFileInfo(created->open, file);
    const fuse_entry_param entry = ToEntry(created->entry);
    if (fuse_reply_create(req, &entry, file) != -ENOENT) return;
    volume.Release(created->open.handle);
    volume.Forget(created->entry.node, 1);
  });
}

void Read(fuse_req_t req, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) noexcept {
  Guard(req, [&] {
    const auto slices = Volume(req).Read(file->fh, static_cast<std::uint64_t>(offset), size);
    if (!slices) return ReplyError(req, slices.error());
    std::vector<iovec> pieces;
    pieces.reserve(slices->size());
    for (const Slice& slice : *slices)
      pieces.push_back({const_cast<std::byte*>(slice.bytes.data()), slice.bytes.size()});
    fuse_reply_iov(req, pieces.data(), static_cast<int>(pieces.size()));
  });
}

void Write(fuse_req_t req, fuse_ino_t, const char* bytes, size_t size, off_t offset,
           fuse_file_info* file) noexcept {
  Guard(req, [&] {
    const ByteView view(reinterpret_cast<const std::byte*>(bytes), size);
    const auto written = Volume(req).Write(file->fh, static_cast<std::uint64_t>(offset), view);
    if (!written) return ReplyError(req, written.error());
    fuse_reply_write(req, *written);
  });
}

void Flush(fuse_req_t req, fuse_ino_t, fuse_file_info* file) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).Flush(file->fh, ToCaller(req))); });
}

void Fsync(fuse_req_t req, fuse_ino_t, int, fuse_file_info* file) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).Fsync(file->fh)); });
}

void Release(fuse_req_t req, fuse_ino_t, fuse_file_info* file) noexcept {
  Guard(req, [&] {
    Volume(req).Release(file->fh);
    fuse_reply_err(req, 0);
  });
}

void OpenDirectory(fuse_req_t req, fuse_ino_t node, fuse_file_info* file) noexcept {
  Guard(req, [&] {
    Filesystem& volume = Volume(req);
    const auto handle = volume.OpenDirectory(node);
    if (!handle) return ReplyError(req, handle.error());
    file->fh = *handle;
    if (fuse_reply_open(req, file) == -ENOENT) volume.ReleaseDirectory(*handle);
  });
}

// The reply of one readdir or readdirplus as it fills.
class DirectoryBuffer {
 public:
  DirectoryBuffer(fuse_req_t req, size_t size, bool plus)
      : req_(req), volume_(Volume(req)), bytes_(size), plus_(plus) {}

  bool Add(const DirectoryEntry& entry) {
    const size_t needed = Put(entry);
    const bool fits = needed <= bytes_.size() - used_;
    if (fits) used_ += needed;
    if (!entry.entry) return fits;
    // A name that found no place is offered again, and counted again, by the next call.
    if (fits) {
      handed_out_.push_back(entry.entry->node);
    } else {
      volume_.Forget(entry.entry->node, 1);
    }
    return fits;
  }

  // What was read before a failure is shown; the failure comes out at the next call.
  void Reply(const Status& status) {
    if (!status && used_ == 0) {
      ReplyError(req_, status.error());
      return;
    }
    if (fuse_reply_buf(req_, bytes_.data(), used_) != -ENOENT) return;
    for (const NodeId node : handed_out_) volume_.Forget(node, 1);
  }

 private:
  size_t Put(const DirectoryEntry& entry) {
    char* place = bytes_.data() + used_;
    const size_t room = bytes_.size() - used_;
    const auto next = static_cast<off_t>(entry.next_offset);
    fuse_entry_param param = {};
    if (entry.entry) {
      param = ToEntry(*entry.entry);
    } else {
      // Node 0 tells the kernel that there are no attributes: a plain name.
      param.attr.st_ino = entry.ino;
      param.attr.st_mode = entry.type ? TypeBits(*entry.type) : 0;
    }
    if (plus_) return fuse_add_direntry_plus(req_, place, room, entry.name.c_str(), &param, next);
    return fuse_add_direntry(req_, place, room, entry.name.c_str(), &param.attr, next);
  }

  fuse_req_t req_;
  Filesystem& volume_;
  std::vector<char> bytes_;
  size_t used_ = 0;
  bool plus_;
  std::vector<NodeId> handed_out_;
};

void ReadDirectoryInto(fuse_req_t req, DirectoryBuffer buffer, off_t offset, HandleId handle,
                       bool plus) {
  const Status status =
      Volume(req).ReadDirectory(handle, static_cast<std::uint64_t>(offset), plus,
                                [&](const DirectoryEntry& entry) { return buffer.Add(entry); });
  buffer.Reply(status);
}

void ReadDirectory(fuse_req_t req, fuse_ino_t, size_t size, off_t offset,
                   fuse_file_info* file) noexcept {
  Guard(req, [&] {
    ReadDirectoryInto(req, DirectoryBuffer(req, size, false), offset, file->fh, false);
  });
}

void ReadDirectoryPlus(fuse_req_t req, fuse_ino_t, size_t size, off_t offset,
                       fuse_file_info* file) noexcept {
  Guard(req,
        [&] { ReadDirectoryInto(req, DirectoryBuffer(req, size, true), offset, file->fh, true); });
}

void ReleaseDirectory(fuse_req_t req, fuse_ino_t, fuse_file_info* file) noexcept {
  Guard(req, [&] {
    Volume(req).ReleaseDirectory(file->fh);
    fuse_reply_err(req, 0);
  });
}

void FsyncDirectory(fuse_req_t req, fuse_ino_t node, int, fuse_file_info*) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).FsyncDirectory(node)); });
}

void StatFilesystem(fuse_req_t req, fuse_ino_t) noexcept {
  Guard(req, [&] {
    const FilesystemFacts facts = Volume(req).Facts();
    struct statvfs st = {};
    st.f_bsize = facts.block_size;
    st.f_frsize = facts.block_size;
    st.f_blocks = facts.bytes_total / facts.block_size;
    st.f_bfree = facts.bytes_free / facts.block_size;
    st.f_bavail = st.f_bfree;
    st.f_files = st.f_ffree = st.f_favail = kFreeInodes;
    st.f_namemax = facts.name_max;
    fuse_reply_statfs(req, &st);
  });
}

void GetXattr(fuse_req_t req, fuse_ino_t node, const char* name, size_t size) noexcept {
  Guard(req, [&] {
    const auto value = Volume(req).GetXattr(node, name);
    if (!value) return ReplyError(req, value.error());
    ReplyBytes(req, *value, size);
  });
}

void ListXattrs(fuse_req_t req, fuse_ino_t node, size_t size) noexcept {
  Guard(req, [&] {
    const auto names = Volume(req).ListXattrs(node);
    if (!names) return ReplyError(req, names.error());
    std::string joined;
    for (const std::string& name : *names) joined.append(name).push_back('\0');
    ReplyBytes(req, joined, size);
  });
}

void SetXattr(fuse_req_t req, fuse_ino_t node, const char* name, const char* value, size_t size,
              int flags) noexcept {
  Guard(req, [&] {
    auto mode = Filesystem::XattrMode::kEither;
    if ((flags & XATTR_CREATE) != 0) mode = Filesystem::XattrMode::kCreate;
    if ((flags & XATTR_REPLACE) != 0) mode = Filesystem::XattrMode::kReplace;
    Reply(req, Volume(req).SetXattr(node, name, {value, size}, mode));
  });
}

void RemoveXattr(fuse_req_t req, fuse_ino_t node, const char* name) noexcept {
  Guard(req, [&] { Reply(req, Volume(req).RemoveXattr(node, name)); });
}

// A reply to lsattr. Of all flags a file here has one at most.
template <typename Flags>
void ReplyFlags(fuse_req_t req, fuse_ino_t node, const Flags& none, const Flags& immutable) {
  const auto found = Volume(req).IsImmutable(node);
  if (!found) return ReplyError(req, found.error());
  fuse_reply_ioctl(req, 0, *found ? &immutable : &none, sizeof none);
}

// chattr: the whole new word, of which one bit can change.
void TakeFlags(fuse_req_t req, fuse_ino_t node, std::uint32_t word, std::uint32_t bit) {
  if ((word & ~bit) != 0) {
    fuse_reply_err(req, EOPNOTSUPP);
    return;
  }
  const Status set = Volume(req).SetImmutable(node, word != 0);
  if (!set) return ReplyError(req, set.error());
  fuse_reply_ioctl(req, 0, nullptr, 0);
}

// lsattr and chattr. The kernel takes and gives 4 bytes of flags, whatever the number in the
// command says. (The parameters are libfuse's.)
// NOLINTNEXTLINE(readability-function-size)
void Ioctl(fuse_req_t req, fuse_ino_t node, unsigned command, void*, fuse_file_info*, unsigned,
           const void* in, size_t in_size, size_t room) noexcept {
  Guard(req, [&] {
    std::uint32_t flags = 0;
    fsxattr extended = {};
    if (command == FS_IOC_GETFLAGS && room >= sizeof flags) {
      ReplyFlags<std::uint32_t>(req, node, 0, FS_IMMUTABLE_FL);
    } else if (command == FS_IOC_FSGETXATTR && room >= sizeof extended) {
      extended.fsx_xflags = FS_XFLAG_IMMUTABLE;
      ReplyFlags(req, node, fsxattr{}, extended);
    } else if (command == FS_IOC_SETFLAGS && in_size >= sizeof flags) {
      std::memcpy(&flags, in, sizeof flags);
      TakeFlags(req, node, flags, FS_IMMUTABLE_FL);
    } else if (command == FS_IOC_FSSETXATTR && in_size >= sizeof extended) {
      std::memcpy(&extended, in, sizeof extended);
      TakeFlags(req, node, extended.fsx_xflags, FS_XFLAG_IMMUTABLE);
    } else {
      fuse_reply_err(req, ENOTTY);
    }
  });
}

fuse_lowlevel_ops MakeOperations() {
  fuse_lowlevel_ops ops = {};
  ops.init = Init;
  ops.lookup = Lookup;
  ops.forget = Forget;
  ops.forget_multi = ForgetMany;
  ops.getattr = GetAttributes;
  ops.setattr = SetAttributes;
  ops.readlink = ReadLink;
  ops.mknod = MakeNode;
  ops.mkdir = MakeDirectory;
  ops.symlink = MakeSymlink;
  ops.link = MakeLink;
  ops.unlink = Unlink;
  ops.rmdir = RemoveDirectory;
  ops.rename = Rename;
  ops.open = Open;
  ops.create = Create;
  ops.read = Read;
  ops.write = Write;
  ops.flush = Flush;
  ops.fsync = Fsync;
  ops.release = Release;
  ops.opendir = OpenDirectory;
  ops.readdir = ReadDirectory;
  ops.readdirplus = ReadDirectoryPlus;
  ops.releasedir = ReleaseDirectory;
  ops.fsyncdir = FsyncDirectory;
  ops.statfs = StatFilesystem;
  ops.getxattr = GetXattr;
  ops.listxattr = ListXattrs;
  ops.setxattr = SetXattr;
  ops.removexattr = RemoveXattr;
  ops.ioctl = Ioctl;
  return ops;
}

}  // namespace

// What is missing here is answered by the kernel: locks hold on this machine, copy_file_range falls
// back to reading and writing, fallocate is EOPNOTSUPP, SEEK_HOLE sees no holes.
const fuse_lowlevel_ops& FuseOperations() {
  static const fuse_lowlevel_ops kOperations = MakeOperations();
  return kOperations;
}

void FuseKernelCache::ForgetName(NodeId parent, std::string_view name) {
  thread_.Submit([session = session_, parent, name = std::string(name)] {
    fuse_lowlevel_notify_inval_entry(session, parent, name.c_str(), name.size());
  });
}

void FuseKernelCache::ForgetAttributes(NodeId node) {
  // A negative offset leaves the pages alone.
  thread_.Submit(
      [session = session_, node] { fuse_lowlevel_notify_inval_inode(session, node, -1, 0); });
}

}  // namespace coffer::fs
