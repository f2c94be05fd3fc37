// Renames a directory: every key below a prefix, copied in parallel, then the old names deleted.
//
// No request of it loses both names, wherever it is cut off: a journal in the state directory says
// what is to be copied before it is copied, and that every copy stands before the first old name
// goes. A failure while copying removes the copies and leaves the old tree; what a dead mount left
// is taken up by Recover. Costs ceil(n/1000) LIST, n COPY and ceil(n/1000) DeleteObjects (and a
// HEAD for each object over kMaxCopySize or replaced meanwhile). In a bucket with Object Lock a
// tree that holds a locked file is refused before anything is touched, and old names go one by one,
// each looked at once more: 2n HEAD and n DELETE. Memory is bounded by pages of 1,000 names. Safe
// to share between threads as long as trees do not overlap; blocks on the network.

#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/lock_policy.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// Of all renames of this mount, for `coffer status`.
struct TreeRenameCounters {
  std::atomic<std::uint64_t> listed{0};
  std::atomic<std::uint64_t> copied{0};
  std::atomic<std::uint64_t> deleted{0};
};

struct TreeRenameRequest {
  std::string from;            // whole key prefixes that end in '/'
  std::string to;              // nothing may be below it but its own marker
  std::string to_marker_etag;  // of the marker of an empty directory that is replaced; "" if none
  std::set<std::string> followed = {};  // names below `from`: what became of them is in the result
};

// One version that was copied, and its copy.
struct CopiedVersion {
  std::string from_etag;
  s3::Written made;  // of a copy whose reply was lost the ETag alone
  std::uint64_t size = 0;
};

struct TreeRenameResult {
  std::uint64_t objects = 0;
  // Old names that somebody else wrote again, or locked, meanwhile: they stay. Up to a few, and the
  // count.
  std::vector<std::string> kept;
  std::uint64_t kept_count = 0;
  std::map<std::string, CopiedVersion> followed;  // of the names asked for, those that were copied
};

// What Recover found and did, one line for each rename; told to the user at mount.
struct RecoveredRenames {
  std::vector<std::string> lines;
  int finished = 0;
  int undone = 0;
  int unfinished = 0;  // failed again: the journal stays for the next mount
};

class TreeRenames {
 public:
  struct Options {
    std::string state_directory;
    std::string volume;      // endpoint and bucket, as for the attribute index
    std::size_t width = 32;  // copies at once
    int page = 1000;         // names that are listed, journalled and deleted together
    s3::UploadObserver* uploads = nullptr;  // told of copies that are made of parts; borrowed
    LockPolicy locks = {};
  };
  TreeRenames(s3::ObjectStore& store, WorkerPool& pool, Options options);

  // kLocked for a locked file below, kExists when a name below `to` appears meanwhile, kArchived,
  // kDenied ... of the copy that
  // failed: then the old tree is as it was. An error after all copies stand says so, and the next
  // mount deletes the rest of the old names.
  Result<TreeRenameResult> Rename(const TreeRenameRequest& request);

  // Takes up what dead mounts of this machine left for this bucket: undoes what was still copying,
  // finishes what was already deleting. Not for read-only mounts.
  RecoveredRenames Recover();

  const TreeRenameCounters& counters() const { return counters_; }

 private:
  s3::ObjectStore& store_;
  WorkerPool& pool_;
  const Options options_;
  TreeRenameCounters counters_;
};

}  // namespace coffer::fs
