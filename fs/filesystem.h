// What each POSIX call means on a bucket. No FUSE types, so tests call it directly.
//
// Nodes are numbered as the kernel sees them: 1 is the root, every other node is handed out by
// Lookup and its like, counted, and given back by Forget. Each content version of a file is a node
// of its own; st_ino is a hash of the key and stays. Safe from any number of threads; calls block
// on the network unless they say otherwise, and hold no lock meanwhile. Errors are Codes; fs/ops
// turns them into errno. What a call acknowledged is in S3, with the exceptions that
// coffer-semantics(7) lists on its first screen.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "fs/attribute_index.h"
#include "fs/attributes.h"
#include "fs/content_sealer.h"
#include "fs/lock_policy.h"
#include "fs/memory_budget.h"
#include "fs/reader.h"
#include "fs/tree_rename.h"
#include "fs/worker_pool.h"
#include "fs/writer.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

using NodeId = std::uint64_t;
using HandleId = std::uint64_t;
inline constexpr NodeId kRootNode = 1;

// What becomes of sealed volumes below a plain mount, and of sealed files that stand outside of
// any.
enum class SealedBelow {
  kNotLookedFor,  // in a sealed volume, which stores no plaintext
  kRefused,       // neither shown nor changed
  kReadOnly,      // --sealed=no: shown as they are; below a volume nothing is changed
};

// Files as on a file system with write-once files (fs/worm.cc).
struct WormOptions {
  bool snaplock = false;            // chmod a-w locks until the time of last access
  std::string mode = "GOVERNANCE";  // of such locks
  std::int64_t default_s = 0;       // how long without a date; 0: not at all
  bool shows_atime = false;         // a locked file's time of last access is the date
};

struct FilesystemOptions {
  std::string prefix;  // "" or ends in '/': every key of the volume begins with it
  std::string source;  // as the user named it; user.coffer.source
  AttributeDefaults defaults;
  bool read_only = false;
  bool exact_attributes = true;  // --attributes=list: false, never HEAD for a mode
  SealedBelow sealed_below = SealedBelow::kNotLookedFor;
  bool bound_attributes = false;  // what the sealer proves is true of the name, too
  bool strict_exclusive = false;  // --strict-excl: O_EXCL is decided at open, for one PUT more
  // Sizes are hints until a first range was read, and content may be refused as a whole: both come
  // out at open.
  bool prove_at_open = false;
  bool infer_content_type = false;
  std::chrono::milliseconds metadata_ttl{1000};
  std::chrono::milliseconds negative_ttl{1000};
  std::chrono::milliseconds attribute_delay{1000};  // how long a change of attributes may wait
  bool sorted_listings = true;             // false for directory buckets, which list in no order
  bool rename_object = false;              // true for directory buckets: a rename is one request
  std::uint64_t bucket_size = 1ull << 50;  // what statfs says
  ReadOptions read;
  WriteOptions write;
  LockPolicy locks;
  WormOptions worm;
  std::string rescue_directory;
};

// Who asks, as FUSE tells it: pid is a thread id, 0 from another pid namespace.
struct Caller {
  std::int32_t pid = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t umask = 0;
};

struct NodeStat {
  std::uint64_t ino = 0;
  Attributes attributes;
  std::uint32_t links = 1;
  std::uint64_t size = 0;
};

// A reply that hands out a node: its lookup count has gone up by one.
struct EntryReply {
  NodeId node = 0;
  NodeStat stat;
  std::chrono::nanoseconds ttl{0};  // of the name and of the attributes alike
};

struct AttributesReply {
  NodeStat stat;
  std::chrono::nanoseconds ttl{0};
};

// The fields of a setattr that are present.
struct AttributeChange {
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint64_t> size;
  std::optional<TimeNs> atime;
  std::optional<TimeNs> mtime;
  bool atime_now = false;
  bool mtime_now = false;

  bool operator==(const AttributeChange&) const = default;
};

struct OpenReply {
  HandleId handle = 0;
  bool keep_cache = true;
  bool direct_io = false;
};

struct CreateReply {
  EntryReply entry;
  OpenReply open;
};

// One name of a directory. `entry` is there only when everything is known without a request; then
// its node has been looked up once, and the callee of the sink owns that count if it accepted it.
struct DirectoryEntry {
  std::string name;
  std::uint64_t ino = 0;
  std::optional<FileType> type;  // nothing: could be a file or a symbolic link
  std::uint64_t next_offset = 0;
  std::optional<EntryReply> entry;
};

struct FilesystemFacts {
  std::uint64_t block_size = 4096;
  std::uint64_t bytes_total = 0;
  std::uint64_t bytes_free = 0;
  std::uint64_t name_max = 255;
};

// What an operator looks at; all counted since the mount began.
struct FilesystemStats {
  std::uint64_t hidden_keys = 0;
  std::uint64_t sealed_directories = 0;  // that hold a volume, and are closed in a plain mount
  std::uint64_t sealed_files = 0;        // outside of a volume: refused likewise
  std::uint64_t refused_files = 0;       // of a sealed volume: what did not authenticate
  std::uint64_t deferred_attribute_changes = 0;  // waiting now
  std::uint64_t deferred_attribute_failures = 0;
  std::uint64_t open_handles = 0;
  std::uint64_t files_being_written = 0;
  std::uint64_t unsent_bytes = 0;
  std::uint64_t failed_commits = 0;
  std::uint64_t rescued_files = 0;
  std::uint64_t nodes = 0;
  std::uint64_t cached_directories = 0;
  std::uint64_t cached_names = 0;
  std::uint64_t heads_for_attributes = 0;
  std::vector<std::string> hidden_examples;  // some keys that cannot be shown, for `coffer status`
};

// Told of what no return value can carry: a failure after the call was answered. Safe from any
// thread; must not call back. fs/log implements it.
class FilesystemObserver {
 public:
  virtual ~FilesystemObserver() = default;
  virtual void Warn(const std::string& line) = 0;
  virtual void Fail(const std::string& line) = 0;  // something was lost or not done
};

// Tells the kernel that what it remembers is old; fs/ops implements it over FUSE notifications.
class KernelCache {
 public:
  virtual ~KernelCache() = default;
  virtual void ForgetName(NodeId parent, std::string_view name) = 0;
  virtual void ForgetAttributes(NodeId node) = 0;
};

class OwedLocks;

class Filesystem {
 public:
  // All borrowed, all outlive the filesystem.
  struct Parts {
    s3::ObjectStore& store;
    WorkerPool& pool;
    MemoryBudget& budget;
    AttributeIndex& index;
    UploadObserver& uploads;
    TreeRenames& renames;
    const s3::Clock& clock;
    const s3::ServerTime& server_time;
    FilesystemObserver& observer;
    ContentSealer* sealer = nullptr;  // of a sealed volume
    // What user.coffer.FIELD of the root says of the mount, "" for no such field; may be null.
    std::function<std::string(std::string_view field)> volume_field = nullptr;
    OwedLocks* owed = nullptr;  // told of last closes
  };
  Filesystem(const Parts& parts, FilesystemOptions options);
  ~Filesystem();
  Filesystem(const Filesystem&) = delete;
  Filesystem& operator=(const Filesystem&) = delete;

  // The number of this mount in /proc/self/mountinfo: with it a flush can tell whether a process
  // still holds the file open for writing. Call once, after mounting.
  void SetMountId(std::uint64_t mount_id);
  // Where to send invalidations; may be null, and must be reset to null before it dies.
  void SetKernelCache(KernelCache* cache);
  // For every error that a program is told: EBADMSG alone does not say which object is not what it
  // should be, so the log does.
  void Told(const Error& error);

  Result<EntryReply> Lookup(NodeId parent, std::string_view name);
  // How long the kernel may go on believing a Lookup that said kNotFound: what is left of what we
  // know ourselves, 0 when it is nothing. Never blocks.
  std::chrono::nanoseconds AbsentFor(NodeId parent, const std::string& name) const;
  void Forget(NodeId node, std::uint64_t count);  // never blocks
  Result<AttributesReply> GetAttributes(NodeId node, std::optional<HandleId> handle);
  Result<AttributesReply> SetAttributes(NodeId node, std::optional<HandleId> handle,
                                        const AttributeChange& change);
  Result<std::string> ReadLink(NodeId node);

  Result<EntryReply> MakeDirectory(NodeId parent, std::string_view name, std::uint32_t mode,
                                   const Caller& caller);
  Result<EntryReply> MakeSymlink(NodeId parent, std::string_view name, std::string_view target,
                                 const Caller& caller);
  Status Unlink(NodeId parent, std::string_view name);
  Status RemoveDirectory(NodeId parent, std::string_view name);
  // `no_replace` is renameat2's RENAME_NOREPLACE.
  Status Rename(NodeId from_parent, std::string_view from, NodeId to_parent, std::string_view to,
                bool no_replace);

  // `flags` are open(2)'s.
  Result<OpenReply> Open(NodeId node, int flags, const Caller& caller);
  Result<CreateReply> Create(NodeId parent, std::string_view name, std::uint32_t mode, int flags,
                             const Caller& caller);
  Result<std::vector<Slice>> Read(HandleId handle, std::uint64_t offset, std::size_t size);
  Result<std::size_t> Write(HandleId handle, std::uint64_t offset, ByteView bytes);
  // One descriptor of the handle was closed by `caller`; commits when it looks like the last one.
  Status Flush(HandleId handle, const Caller& caller);
  Status Fsync(HandleId handle);
  // The handle is gone; commits what is left, and tells the observer when that fails.
  void Release(HandleId handle);

  Result<HandleId> OpenDirectory(NodeId node);
  // Offers names from `offset` on (0, or a next_offset) until `accept` returns false or the
  // directory ends. `with_entries` for readdirplus.
  Status ReadDirectory(HandleId handle, std::uint64_t offset, bool with_entries,
                       const std::function<bool(const DirectoryEntry&)>& accept);
  void ReleaseDirectory(HandleId handle);
  Status FsyncDirectory(NodeId node);  // sends what waits in it

  FilesystemFacts Facts() const;

  Result<std::string> GetXattr(NodeId node, std::string_view name);
  Result<std::vector<std::string>> ListXattrs(NodeId node);
  enum class XattrMode { kEither, kCreate, kReplace };
  Status SetXattr(NodeId node, std::string_view name, std::string_view value, XattrMode mode);
  Status RemoveXattr(NodeId node, std::string_view name);

  // Is the file locked, as lsattr shows it? And chattr's +i and -i: a legal hold, on and off.
  Result<bool> IsImmutable(NodeId node);
  Status SetImmutable(NodeId node, bool immutable);
  // Keeps the object `key` from being written, renamed or removed as long as the result lives; null
  // when somebody is about it, or has it open for writing. Never blocks.
  std::shared_ptr<void> HoldUnused(const std::string& key);
  // The object `key` was locked beside this: it is looked at once more (1 HEAD).
  void LockedMeanwhile(const std::string& key);

  // Sends everything that waits, commits files still open, aborts what cannot be sent. False when
  // something is unsent afterwards (it was told to the observer and, where possible, rescued).
  bool Drain();
  FilesystemStats stats() const;
  const ReadCounters& read_counters() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::fs
