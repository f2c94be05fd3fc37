// Plaintext set aside on the local disk: encrypted under a key that this process alone has and
// forgets with the file, which has no name, is 0600, and is gone when it is closed, also by a
// crash.
//
// One thread writes it from beginning to end; from Finish on any thread may read. Blocks on the
// local disk.

#pragma once

#include <cstdint>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "fs/private_file.h"
#include "s3client/object_store.h"

namespace coffer::fs {

class SpoolFile {
 public:
  // What `plain` bytes take on the disk, at most.
  static std::uint64_t DiskSize(std::uint64_t plain);
  // In `directory`, which exists and is ours. kNoSpace, kDenied; kNoMemory for a full arena.
  static Result<SpoolFile> Make(const std::string& directory, SecretArena& arena);

  Status Append(ByteView plain);
  Status Finish();

  std::uint64_t size() const { return size_; }  // of the plaintext
  // The range, cut at the end. kCorrupt when the disk gives back something else than was written.
  Result<Bytes> Read(s3::Range range) const;

 private:
  SpoolFile(PrivateFile file, Secret key) : file_(std::move(file)), key_(std::move(key)) {}
  Status Write(ByteView chunk);

  PrivateFile file_;
  Secret key_;
  Bytes pending_;  // less than a chunk
  std::uint64_t size_ = 0;
  std::uint64_t chunks_ = 0;
};

}  // namespace coffer::fs
