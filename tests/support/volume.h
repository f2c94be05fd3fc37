// A whole Filesystem over a FakeStore, without FUSE, and path calls as a program makes them.
// A path call looks every component up, as the kernel does with nothing cached.

#pragma once

#include <fcntl.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/attribute_index.h"
#include "fs/filesystem.h"
#include "fs/memory_budget.h"
#include "fs/mutex.h"
#include "fs/tree_rename.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::test {

// Keeps what would have gone to the log.
class Notes : public fs::FilesystemObserver {
 public:
  void Warn(const std::string& line) override { Add(line); }
  void Fail(const std::string& line) override { Add(line); }
  std::vector<std::string> lines() const;

 private:
  void Add(const std::string& line);
  mutable Mutex mu_;
  std::vector<std::string> lines_ GUARDED_BY(mu_);
};

class NoUploads : public fs::UploadObserver {
 public:
  void Began(const s3::Upload&) override {}
  void Ended(const s3::Upload&) override {}
};

// Runs `work` in a thread of its own, and ends the whole run when it has not come back after a
// while: for what once waited for ever.
void MustEnd(const std::function<void()>& work);
// Returns when all that `pool` was given before has ended, by then destroyed, too: all of its
// threads meet here.
void Quiesce(fs::WorkerPool& pool);

// What is known stays known for the length of a test, and attribute changes wait for a Drain.
fs::FilesystemOptions LongTtl();

// What a Volume runs on, where a test wants it otherwise. Borrowed.
struct Machine {
  const s3::Clock* clock = nullptr;     // null: the real one
  std::size_t threads = 16;             // of the pool
  fs::ContentSealer* sealer = nullptr;  // of a sealed volume
};

class Volume {
 public:
  explicit Volume(s3::ObjectStore& store, fs::FilesystemOptions options = {}, Machine machine = {});
  // Ends the mount without a word to anybody, as kill -9 does for everything that is not in S3.
  ~Volume();

  fs::Filesystem& fs() { return *fs_; }
  Notes& notes() { return notes_; }
  fs::AttributeIndex& index() { return *index_; }
  fs::MemoryBudget& budget() { return budget_; }
  fs::WorkerPool& pool() { return pool_; }
  const std::string& state_directory() const { return directory_.path(); }

  // Paths are relative to the root, "" is the root itself.
  Result<fs::EntryReply> Look(std::string_view path);
  Result<fs::NodeStat> Stat(std::string_view path);
  bool Exists(std::string_view path) { return Look(path).has_value(); }
  // open, write, close; each with the flags given beside O_WRONLY | O_CREAT.
  Status Write(std::string_view path, std::string_view text, int flags = O_TRUNC);
  Result<std::string> Read(std::string_view path);
  Result<fs::HandleId> Open(std::string_view path, int flags, std::uint32_t mode = 0644);
  Status Close(fs::HandleId handle);  // flush, then release
  Status MakeDirectory(std::string_view path);
  Status Unlink(std::string_view path);
  Status RemoveDirectory(std::string_view path);
  Status Rename(std::string_view from, std::string_view to, bool no_replace = false);
  Status Change(std::string_view path, const fs::AttributeChange& change);
  // The names of a directory, sorted, without "." and "..".
  Result<std::vector<std::string>> List(std::string_view path, bool with_entries = false);

 private:
  struct Place {
    fs::NodeId parent = fs::kRootNode;
    std::string name;
  };
  Result<Place> ParentOf(std::string_view path);

  TempDirectory directory_;
  s3::SystemClock system_clock_;
  const s3::Clock& clock_;
  s3::ServerTime server_time_{clock_};
  Notes notes_;
  NoUploads uploads_;
  fs::MemoryBudget budget_{256u << 20};
  fs::WorkerPool pool_;
  std::unique_ptr<fs::AttributeIndex> index_;
  fs::TreeRenames renames_;
  std::unique_ptr<fs::Filesystem> fs_;
};

}  // namespace coffer::test
