// Small files that are fetched before somebody opens them, for whoever opens one after the other.
//
// Which ones, OpenOrder says; here they are asked for in the pool, kept in the memory budget, and
// handed over to the open that comes for them, once. At most kFiles of kBytes together, of all
// readers of a mount, and no more on their way than half of the pool's threads. A body is what a
// GET of just this version said, and proves no less than the GET of an open would have at the
// moment when it was asked for: it serves for the time to live of metadata from then on, and is
// dropped after that. What this mount changes under a name drops what was fetched of it, on its way
// or there. Failures are forgotten: the open asks for itself, and is told.
//
// Safe to share between threads. Take may wait for a request that is under way; nothing else
// blocks, but for the destructor, which waits for those that run.

#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "fs/content.h"
#include "fs/memory_budget.h"
#include "fs/reader.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

class BodyAhead {
 public:
  static constexpr std::size_t kFiles = 32;
  static constexpr std::uint64_t kBytes = 8u << 20;
  // Of the time to live: with --metadata-ttl=indefinite nothing grows old, but memory is not kept
  // for who never comes.
  static constexpr std::chrono::milliseconds kLongestKept{60'000};

  // What became of the files that were fetched, or the directories listed, for one reader.
  struct Run {
    std::atomic<int> unread{0};        // asked for in vain
    std::atomic<bool> refused{false};  // by the service, which would refuse the next ones too
  };
  using RunPtr = std::shared_ptr<Run>;
  // The GET of one file, as its open would send it. Runs in the pool, without a lock.
  using Ask = std::function<Result<s3::Fetched>()>;

  // The borrowed outlive it.
  struct Shared {
    WorkerPool& pool;
    MemoryBudget& budget;
    const s3::Clock& clock;
    std::shared_ptr<ReadCounters> counters;
  };
  // `ttl` is how long a body serves from when it was asked for, and not 0.
  BodyAhead(const Shared& shared, std::chrono::milliseconds ttl);
  ~BodyAhead();
  BodyAhead(const BodyAhead&) = delete;
  BodyAhead& operator=(const BodyAhead&) = delete;

  // Asks for `version` of `key`, unless it is on its way or there already. False when there is no
  // room: nothing is dropped for it that may still be read, and no reader is asked for memory that
  // it needs. Call without a lock that `ask` takes.
  bool Fetch(const std::string& key, const FileVersion& version, RunPtr run, Ask ask);
  // The body of this very version, if it is still good; the caller has it from then on. What waits
  // for a thread of the pool is left to the caller to ask for.
  std::optional<s3::Fetched> Take(const std::string& key, const std::string& etag);
  // The reader went past `key`, which counts as unread unless somebody comes for it after all: it
  // makes room for others first.
  void Skip(const std::string& key);
  // Nobody shall have what was fetched of `key`; a directory's stands for all below it.
  void Drop(const std::string& key);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace coffer::fs
