// Which locks the mounts of this machine owe in one bucket: a table in the state directory, that
// outlives a mount which dies. One row for each version that is being made or owes its lock.
//
// Each row belongs to one mount. Whether that still lives is told by a lock it holds on a file
// (fs/crash_records.h); what dead ones left is taken over. The table is made by the first row. Safe
// to share between threads and mounts; blocks on the local disk.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "crypto/result.h"
#include "fs/crash_records.h"
#include "fs/lock_duration.h"
#include "fs/mutex.h"
#include "fs/sqlite.h"

namespace coffer::fs {

inline constexpr std::chrono::minutes kTemporaryNameLasts{10};

// What is owed for a file, and how long after its last close.
struct OwedTerm {
  LockTerm term = {};
  std::chrono::seconds rest = kTemporaryNameLasts;

  friend bool operator==(const OwedTerm&, const OwedTerm&) = default;
};

struct OwedRow {
  std::int64_t id = 0;  // 0: not in the table
  std::string key = {};
  OwedTerm owed = {};
  // The version; "" for whatever has the name, where the mount died that was making it.
  std::string etag = {};
  std::string version_id = {};  // "": the service named none
  // How often the service said no to it, and the time (seconds since the epoch) of the first.
  std::int64_t refused = 0;
  std::int64_t refused_since_s = 0;
};

class OwedTable {
 public:
  // `volume`: endpoint and bucket. An error when the state directory cannot be used.
  static Result<std::unique_ptr<OwedTable>> Open(const std::string& state_directory,
                                                 const std::string& volume);
  ~OwedTable();  // what is left is a dead mount's from here on

  // Writes the row, on the disk when it returns; its id.
  Result<std::int64_t> Add(const OwedRow& row);
  // What has become known of a row since. Not forced to the disk: a row that names no version, or
  // was refused less often, is paid as well.
  Status Update(const OwedRow& row);
  // Rows that are done with. `durable`: on the disk when it returns. What fails is done with the
  // next call, or at the end.
  Status Drop(std::span<const std::int64_t> ids, bool durable);
  // Rows of dead mounts, which are this one's from now on; what went wrong is added to `lines`.
  std::vector<OwedRow> TakeOver(std::vector<std::string>& lines);

 private:
  OwedTable(std::string path, std::string owner, std::unique_ptr<CrashRecords> alive)
      : path_(std::move(path)), owner_(std::move(owner)), alive_(std::move(alive)) {}
  Status Connect() REQUIRES(mu_);
  Status Ready(bool durable) REQUIRES(mu_);
  Status Outcome(int code) const REQUIRES(mu_);
  int DropAll() REQUIRES(mu_);
  Status TakeOne(std::string_view owner, std::vector<OwedRow>& rows);
  int Move(std::string_view owner, std::vector<OwedRow>& rows) REQUIRES(mu_);

  const std::string path_;
  const std::string owner_;  // a name that no other mount has or had
  Mutex mu_;
  const std::unique_ptr<CrashRecords> alive_;  // guarded by mu_ but for VisitDead
  Database database_ GUARDED_BY(mu_);
  Statement add_ GUARDED_BY(mu_), update_ GUARDED_BY(mu_), drop_ GUARDED_BY(mu_);
  Statement find_ GUARDED_BY(mu_), move_ GUARDED_BY(mu_), count_ GUARDED_BY(mu_);
  bool durable_ GUARDED_BY(mu_) = true;
  std::string damage_ GUARDED_BY(mu_);  // what was wrong with the file when it was opened
  std::vector<std::int64_t> undropped_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
