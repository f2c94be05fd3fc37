// Files of ours that nobody else may read or plant: 0600 in directories of our own, never through a
// symbolic link, durable when a call says so. For the state directory, rescued bytes and the index.
//
// Functions are safe from any thread and block on the local disk only. Failures: kNoSpace for a
// full disk or quota, kDenied for permissions and for files that are not ours, else kUnavailable.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer::fs {

// An open file; closed when it goes. Move-only.
class PrivateFile {
 public:
  // Makes a file that must not exist yet (kExists).
  static Result<PrivateFile> Create(const std::string& path);
  // Opens one that exists.
  static Result<PrivateFile> Open(const std::string& path);
  PrivateFile(PrivateFile&& other) noexcept;
  PrivateFile& operator=(PrivateFile&& other) noexcept;
  ~PrivateFile();

  Status Append(ByteView bytes);
  // All of `out`, from `offset` on; kUnavailable where the file is shorter. May be called by
  // several threads at once.
  Status ReadAt(std::uint64_t offset, MutableByteView out) const;
  Status Sync();                   // on the disk when it returns
  Status Clear();                  // empty again
  Status Cut(std::uint64_t size);  // what stands behind the first `size` bytes goes
  // Takes the file for this process until it is closed; false when another has it.
  Result<bool> TryLock();
  bool IsRemoved() const;  // by name, by somebody else
  const std::string& path() const { return path_; }

 private:
  PrivateFile(int fd, std::string path);
  int fd_ = -1;
  std::string path_;
};

// Makes `path` and what is missing above it, 0700. One that exists must belong to us and not be
// writable by others.
Status MakePrivateDirectory(const std::string& path);
// Is there a file of ours? kDenied for a link, another type, another owner; a wider mode is
// narrowed to 0600.
Result<bool> HasPrivateFile(const std::string& path);
// All of it; kTooLarge over `limit` bytes.
Result<std::string> ReadPrivateFile(const std::string& path, std::size_t limit);
// Puts `text` in the place of what is there, whole or not at all, also over a crash.
Status ReplacePrivateFile(const std::string& path, std::string_view text);
// Names in a directory, sorted, without "." and "..".
Result<std::vector<std::string>> NamesIn(const std::string& directory);
// Gone afterwards, also when it was not there.
Status RemoveFile(const std::string& path);
// Makes creations and removals in the directory durable.
Status SyncDirectory(const std::string& path);

}  // namespace coffer::fs
