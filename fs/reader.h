// Reads one version of one object for one open handle: small exact ranges while access is random,
// a window that doubles while it is sequential, several ranges in flight, all within the budget.
//
// Every range carries If-Match (and the version id when known), so a reader never returns a mix of
// two versions: what was replaced is kChanged. Safe for concurrent calls on one handle, which is
// what the kernel's read-ahead does; blocks on the network.

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
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

struct ReadOptions {
  std::uint64_t first_window = 128u << 10;  // of a sequential run; doubles
  std::uint64_t part_size = 8u << 20;       // the largest single range
  std::uint64_t max_window = 64u << 20;     // read ahead of one handle
};

// Of all readers of a mount.
struct ReadCounters {
  std::atomic<std::uint64_t> bytes_fetched{0};
  std::atomic<std::uint64_t> bytes_returned{0};
  std::atomic<std::uint64_t> bytes_in_vain{0};  // fetched ahead and never read
};

class Reader {
 public:
  struct Shared {
    s3::ObjectStore& store;
    WorkerPool& pool;
    MemoryBudget& budget;
    ReadOptions options;
    ReadCounters& counters;
  };
  Reader(const Shared& shared, std::string key, FileVersion version);
  ~Reader();  // ends read-ahead; does not wait for the network

  // Bytes [offset, offset + size), cut at the end of the version.
  Result<std::vector<Slice>> Read(std::uint64_t offset, std::size_t size);
  // Takes over bytes already fetched from offset 0, so that a small file costs one GET in all.
  void Prime(Bytes head);
  // This mount replaced the version's ETag without changing its bytes (chmod): go on with it.
  void MoveTo(FileVersion same_bytes);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace coffer::fs
