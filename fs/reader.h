// Reads one version of one object for one open handle: small exact ranges while access is random,
// a window that doubles while it is sequential, several ranges in flight, all within the budget.
//
// Every range carries If-Match (and the version id when known), so a reader never returns a mix of
// two versions: what was replaced or removed is kChanged. Safe for concurrent calls on one handle,
// which is what the kernel's read-ahead does: they wait for the network, not for each other.
//
// Read-ahead lives inside the memory budget and shrinks with it. A read itself always goes on: with
// the budget used up it fetches exactly its own missing bytes outside of it, which the FUSE threads
// bound (one such range of at most one request's size each). Failed read-ahead is forgotten; the
// read that needs the bytes asks again and returns what then goes wrong.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "fs/access_pattern.h"
#include "fs/content.h"
#include "fs/memory_budget.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// Bytes of a read without a copy: `bytes` lives as long as `owner`.
struct Slice {
  std::shared_ptr<const void> owner;
  ByteView bytes;
};

// Of all readers of a mount.
struct ReadCounters {
  std::atomic<std::uint64_t> bytes_fetched{0};
  std::atomic<std::uint64_t> bytes_returned{0};
  std::atomic<std::uint64_t> bytes_in_vain{0};  // fetched ahead and never read
  std::atomic<std::uint64_t> files_ahead{0};    // small ones, asked for before they were opened
  std::atomic<std::uint64_t> files_in_vain{0};  // of these: not read, or not there
  std::atomic<std::uint64_t> lists_ahead{0};    // of directories, before they were read
  std::atomic<std::uint64_t> lists_in_vain{0};  // of these: not read, or larger than a page
};

class Reader {
 public:
  struct Shared {
    s3::ObjectStore& store;
    WorkerPool& pool;
    MemoryBudget& budget;
    ReadOptions options;
    std::shared_ptr<ReadCounters> counters;  // a fetch under way may outlive the mount's filesystem
  };
  Reader(const Shared& shared, std::string key, FileVersion version);
  ~Reader();  // ends read-ahead; does not wait for the network

  // Bytes [offset, offset + size), cut at the end of the version. kChanged, kUnavailable, kTimeout,
  // kDenied, kArchived as the store says; kUnavailable also for a reply of the wrong length.
  Result<std::vector<Slice>> Read(std::uint64_t offset, std::size_t size);
  // Takes over bytes already fetched (and counted) from offset 0, so that a small file costs one
  // GET in all.
  void Prime(Bytes head);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace coffer::fs
