// Goes over every object below a prefix, several at a time, for commands that look at a whole
// volume or change it object by object; what was done is remembered, so that a walk that was
// interrupted goes on where it stopped.
//
// Objects are begun in the order of the listing and may end in any; they count, and are remembered,
// in order. Made, run and asked by one thread; Stop and Moved may be called by any. Blocks on the
// network (a listing page at a time) and as its visitor does. Memory is bounded, whatever there is:
// findings go to the journal (fs/walk_journal.h), and the first of them stay at hand.

#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/console.h"
#include "fs/mutex.h"
#include "fs/walk_journal.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// What became of one object.
struct Visited {
  std::string outcome;      // one word, by which objects are counted: "good", "damaged"
  std::string reason = {};  // not "": a finding, kept and reported
  std::uint64_t bytes = 0;  // that were read, or written
};

struct WalkRequest {
  std::string prefix;  // of whole keys
  // Capabilities::sorted_list. Where listings come in no order, nothing can be gone on with.
  bool sorted = true;
  bool resume = false;  // where an unfinished walk stopped; from the beginning where there is none
  WalkJournal::Name journal = {};
  std::string doing = {};  // for the line of progress: "verified"
};

struct WalkReport {
  WalkCounts counts;
  std::vector<WalkFinding> findings;  // the first of them
  std::uint64_t finding_count = 0;    // of all
  std::string resumed_after;          // "": it began at the beginning
  std::optional<Error> stopped;       // why it did not come to the end
  bool can_resume = false;            // a stopped one can be gone on with

  std::uint64_t objects() const;
  std::uint64_t bytes() const;
  std::uint64_t objects(const std::string& outcome) const;
};

class VolumeWalk {
 public:
  // Called by several threads at once. An Error says that nothing is known of this object and the
  // walk must end (interrupted, the network is gone); what is wrong with one object is an outcome.
  using Visitor = std::function<Result<Visited>(const s3::ListedObject& object)>;

  static constexpr std::size_t kFindingsAtHand = 1'000;

  // Borrows both; `store` is listed.
  VolumeWalk(s3::ObjectStore& store, WorkerPool& pool, WalkRequest request);
  VolumeWalk(const VolumeWalk&) = delete;
  VolumeWalk& operator=(const VolumeWalk&) = delete;

  // Once. Shows progress on a terminal. A failure to begin (no place for the journal, kBusy) is
  // `stopped`, too.
  WalkReport Run(const Visitor& visit, Console& console);
  // All findings, those before a resumption included, in the order of the walk. After Run.
  Status ForEachFinding(const std::function<Status(const WalkFinding&)>& visit);
  // The report is told: a finished walk, or one that cannot be gone on with, is forgotten.
  Status Close();
  // The same for walks that are not gone on with.
  Status Forget();

  // Begins nothing more, and lets Run return when what is under way has ended; whoever calls it
  // ends requests on the network, too.
  void Stop(Error why);
  // For the line of progress: bytes of an object that is still under way.
  void Moved(std::uint64_t bytes) { moved_ += bytes; }

 private:
  struct Slot {
    s3::ListedObject object;
    std::optional<Visited> visited;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  Status Begin();
  void WalkPages(TaskGroup& group, const Visitor& visit, Console& console);
  void Add(TaskGroup& group, const Visitor& visit, s3::ListedObject object);
  void Visit(const Visitor& visit, std::uint64_t number);
  void Settle(std::uint64_t number, Visited visited);
  Status Count(const Slot& slot) REQUIRES(mu_);
  void WaitUntilAtMost(std::size_t waiting, Console& console);
  void Save();
  void ShowProgress(Console& console);
  bool stopped() const;

  s3::ObjectStore& store_;
  WorkerPool& pool_;
  const WalkRequest request_;
  std::atomic<std::uint64_t> moved_{0};
  SteadyTime began_;
  SteadyTime next_save_;
  SteadyTime next_line_;
  bool shown_ = false;

  mutable Mutex mu_;
  Condition changed_;
  std::unique_ptr<WalkJournal> journal_ GUARDED_BY(mu_);
  std::deque<Slot> window_ GUARDED_BY(mu_);  // begun or to be begun, in order
  std::uint64_t first_ GUARDED_BY(mu_) = 0;  // the number of the window's first
  std::string last_listed_ GUARDED_BY(mu_);
  bool sorted_ GUARDED_BY(mu_) = true;
  WalkPlace place_ GUARDED_BY(mu_);
  bool keeps_ GUARDED_BY(mu_) = true;  // until a finding could not be kept: places are sound
  WalkReport report_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
