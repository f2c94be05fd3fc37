// A mount's parts put together: connection, memory, index, records of what a crash must not lose,
// and the filesystem on top. The composition root of `coffer mount`.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/attribute_index.h"
#include "fs/connection.h"
#include "fs/filesystem.h"
#include "fs/locking_store.h"
#include "fs/log.h"
#include "fs/memory_budget.h"
#include "fs/options.h"
#include "fs/s3ec_mount.h"
#include "fs/sealed_access.h"
#include "fs/status_report.h"
#include "fs/tree_rename.h"
#include "fs/upload_records.h"
#include "fs/withheld_question.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

// Where this mount keeps things on this machine.
struct LocalPlaces {
  std::string state;
  std::string rescue;
  std::string index;
};

// Owned by the main thread; borrows clock and log. The destructor waits for the pool's tasks.
class MountAssembly {
 public:
  // Asks the network for what mounting needs, finishes what an earlier mount of this machine left
  // behind (uploads, renames), and says in `notes` what people should know. Failures as
  // Connection's, and kInvalid or kDenied for a state directory that cannot be used.
  static Result<std::unique_ptr<MountAssembly>> Open(const MountOptions& options,
                                                     const Environment& environment,
                                                     s3::SystemClock& clock, Log& log,
                                                     std::vector<std::string>& notes);
  ~MountAssembly();
  MountAssembly(const MountAssembly&) = delete;
  MountAssembly& operator=(const MountAssembly&) = delete;

  Filesystem& filesystem() { return *filesystem_; }
  Connection& connection() { return *connection_; }
  bool read_only() const { return options_.read_only; }
  const MountOptions& options() const { return options_; }

  // Locks what still has a temporary name: nobody will rename it any more. False when something
  // stays unlocked; it was told to the log. After the filesystem has drained, and before the
  // session goes, to which the timer of such locks speaks until then.
  bool PayOwedLocks() { return owed_->PayAll(); }
  // For a mount that comes to nothing: the timer ends, and what is owed is left to the next one.
  void LeaveOwedLocks() { owed_->End(); }

  StatusFacts Facts() const;
  // What was learned about the server, kept for the next mount. Cheap when nothing is new.
  void SaveFindings();

 private:
  MountAssembly(MountOptions options, const Environment& environment, Log& log);
  Status OpenRecords();
  void Recover(std::vector<std::string>& notes);
  Status GoBack(const Preflight& preflight, std::vector<std::string>& notes);
  Status FindPastDescriptor(std::vector<std::string>& notes);
  Status OpenSealed(std::vector<std::string>& notes);
  Status OpenS3ec(std::vector<std::string>& notes);
  bool reads_s3ec() const { return options_.s3ec != "off"; }
  Json Description() const;
  std::string VolumeField(std::string_view field) const;
  s3::ObjectStore& store();  // plaintext, in a sealed volume too
  FilesystemOptions Options() const;
  void MakeFilesystem();
  void TakeOverOwed(std::vector<std::string>& notes);
  void NoteAddress(const Preflight& preflight, std::vector<std::string>& notes);
  void NoteMultiRegion(std::vector<std::string>& notes);
  Status CheckStrictExcl(const s3::BucketFacts& facts, std::vector<std::string>& notes) const;
  Status FindLocks(const Preflight& preflight, std::vector<std::string>& notes);
  Status OpenOwedLocks();
  Status MakeRules(std::vector<std::string>& notes);
  void OpenIndex();

  MountOptions options_;
  const LocalPlaces places_;
  Log& log_;
  const std::chrono::steady_clock::time_point began_;
  std::unique_ptr<Connection> connection_;
  LockPolicy locks_;
  WormOptions worm_;
  std::unique_ptr<OwedLocks> owed_;
  std::unique_ptr<LockingStore> locking_;  // all that this mount stores goes through it
  std::unique_ptr<MemoryBudget> budget_;
  std::unique_ptr<AttributeIndex> index_;
  std::unique_ptr<UploadObserver> uploads_;
  SecretArena arena_;  // outlives all keys
  std::unique_ptr<SealedAccess> sealed_;
  std::unique_ptr<S3ecMount> s3ec_;  // null without --s3ec
  bool authentic_ = false;           // a key that only readers and writers have opens the volume
  std::unique_ptr<TreeRenames> renames_;
  std::unique_ptr<Filesystem> filesystem_;
  std::string saved_findings_;
  std::unique_ptr<WithheldQuestion> withheld_;  // null where there is nothing to ask
  WorkerPool pool_;  // last, so that it ends first: its tasks use all of the above
};

}  // namespace coffer::fs
