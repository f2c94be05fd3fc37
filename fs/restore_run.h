// Goes over the files that `coffer restore` was given, and has those that are archived restored:
// several at a time. Then, if it is wanted, again, to wait until they can be read.
//
// Made and run by the main thread; blocks on the network.

#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fs/lock_run.h"
#include "fs/mutex.h"
#include "fs/options.h"

namespace coffer::fs {

// What became of one file.
enum class Restoring {
  kOrdered,      // or would be
  kExtended,     // it was readable, and stays so for longer; or would
  kUnderWay,     // somebody had ordered it before
  kReadable,     // it was restored before, for as long as is wanted now
  kNotArchived,  // there is nothing to restore
};
std::string_view Word(Restoring restoring);
bool NeedsOrder(Restoring restoring);

// What a file needs. `days` from now it shall be readable still.
Restoring PlanRestore(const s3::ObjectInfo& info, std::size_t days);

struct RestoreOutcome {
  std::uint64_t ordered = 0;
  std::uint64_t extended = 0;
  std::uint64_t under_way = 0;
  std::uint64_t readable = 0;
  std::uint64_t not_archived = 0;
  std::uint64_t bytes = 0;    // of what was ordered
  std::uint64_t arrived = 0;  // that were waited for, and can be read
  struct File {
    std::string shown;
    std::string version_id;
    std::string storage_class;
    std::uint64_t size = 0;
    Restoring restoring = Restoring::kOrdered;
  };
  std::vector<File> files;  // the first of those that are or were archived
};

// What was done so far, beside what failed (LockTally); shared by the tasks.
class RestoreTally {
 public:
  void Add(RestoreOutcome::File file);
  void NotArchived();
  void Arrived();
  RestoreOutcome Get() const;

 private:
  mutable Mutex mu_;
  RestoreOutcome outcome_ GUARDED_BY(mu_);
};

// Where a run goes, with what. Borrowed.
struct RestorePlace {
  const LockVolume& volume;
  const RestoreOptions& options;
  VolumeSession& session;
  Console& console;
  Interrupts& interrupts;
};

// Borrows everything, as the next.
class RestoreRun : public LockRun {
 public:
  RestoreRun(const RestorePlace& place, LockTally& failures, RestoreTally& tally);

 private:
  Status Visit(const std::string& key, const s3::ObjectInfo& info) override;
  bool Concerns(const s3::ListedObject& object) override;

  const RestorePlace place_;
  RestoreTally& tally_;
};

// Ends when all that is under way has arrived, and asks ever less often.
class RestoreWait : public LockRun {
 public:
  RestoreWait(const RestorePlace& place, LockTally& failures, RestoreTally& tally);

 private:
  Status Visit(const std::string& key, const s3::ObjectInfo& info) override;
  bool Concerns(const s3::ListedObject& object) override;
  bool Pause(std::chrono::milliseconds time) const;

  const RestorePlace place_;
  LockTally& failures_;
  RestoreTally& tally_;
};

}  // namespace coffer::fs
