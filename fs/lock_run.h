// Goes over the files that a command on locks was given, looks at each, and gives it the lock that
// was asked for: several at a time, each lock read back.
//
// What is locked is the current version of a file, as it was looked at. Made and run by the main
// thread; blocks on the network.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "fs/console.h"
#include "fs/interrupts.h"
#include "fs/lock_change.h"
#include "fs/lock_places.h"
#include "fs/mutex.h"
#include "fs/volume_session.h"

namespace coffer::fs {

struct ChangedLock {
  std::string shown;
  std::string version_id;
  s3::Lock lock;
};

struct LockOutcome {
  std::uint64_t changed = 0;     // or would be
  std::uint64_t bytes = 0;       // in them
  std::uint64_t compliance = 0;  // of them, that are under compliance then
  std::uint64_t compliance_bytes = 0;
  std::uint64_t already = 0;
  std::uint64_t failed = 0;
  std::vector<ChangedLock> changes;           // the first of them
  std::vector<LockPlaces::Failure> failures;  // the first of them
  std::optional<Error> stopped;               // why not everything was tried
  // RGW ends retention instead of taking it off: when the last of these ends.
  std::int64_t ends_s = 0;
};

// "coffer lock: not locked: FILE: why", a line each; `not_done` is "not locked".
void TellFailures(Console& console, const std::string& command, const std::string& not_done,
                  const LockOutcome& outcome);

// What has happened so far; shared by the tasks.
class LockTally {
 public:
  static constexpr std::size_t kKept = 10'000;

  void Changed(ChangedLock change, std::uint64_t bytes, bool compliance);
  void Already();
  void Failed(std::string shown, Error error);
  void EndsAt(std::int64_t seconds);
  // Nothing more shall be begun.
  void Stop(Error error);
  bool stopped() const;
  LockOutcome Get() const;

 private:
  mutable Mutex mu_;
  LockOutcome outcome_ GUARDED_BY(mu_);
};

// What goes over files for something else than locks does it in Visit().
class LockRun {
 public:
  struct Request {
    const LockVolume& volume;
    const LockWish& wish;
    bool recursive = false;
    bool change = false;          // else it only looks, and counts what would be
    std::string operation = {};   // "lock": names the walk's journal
    std::string version_id = {};  // of files that are named; "": the current one
  };
  // Borrows everything.
  LockRun(const Request& request, VolumeSession& session, LockTally& tally, Console& console,
          Interrupts& interrupts);
  virtual ~LockRun() = default;

  void Run();

 protected:
  // One file; called by several threads at once. An error ends everything.
  virtual Status Visit(const std::string& key, const s3::ObjectInfo& info);
  // Whether a file that is listed has to be looked at.
  virtual bool Concerns(const s3::ListedObject&) { return true; }
  Status Failed(const std::string& key, Error error);

 private:
  // A place that is no directory for certain.
  struct Operand {
    const LockPlace& place;
    std::optional<LockPlace> walk = {};  // it is one that is wanted with all below it
    bool is_file = false;
    bool settled = false;
  };
  Status Change(const std::string& key, const s3::ObjectInfo& info, const LockPlan& plan);
  void VisitFiles();
  void VisitFile(Operand& operand);
  Status FindBeside(Operand& operand);
  void Walk(const LockPlace& place, bool may_be_empty);
  Status VisitListed(const LockPlace& place, const s3::ListedObject& object, bool& matched);
  void RefreshMount(const std::string& shown) const;

  const Request request_;
  VolumeSession& session_;
  LockTally& tally_;
  Console& console_;
  Interrupts& interrupts_;
};

}  // namespace coffer::fs
