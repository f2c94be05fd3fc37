// Puts aside bytes that S3 did not take: a commit that lost a race or failed for good must not also
// lose what the user wrote.
//
// Each rescue is two files of ours (0600, in a 0700 directory): the bytes as they are, and beside
// them NAME.json with the key, the ETag that was expected, when and why. Nothing is ever deleted or
// overwritten here; a directory that holds its limit takes no more. Safe to share between threads;
// blocks on the local disk only.

#pragma once

#include <cstdint>
#include <string>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "fs/mutex.h"

namespace coffer::fs {

struct RescueReason {
  std::string key;
  std::string etag;  // of the version that the bytes should have replaced; "" for a new file
  std::string what;  // the error, one line
};

class Rescue {
 public:
  struct Limits {
    std::uint64_t files = 1000;
    std::uint64_t bytes = 4ull << 30;
  };
  explicit Rescue(std::string directory);  // made at the first rescue
  Rescue(std::string directory, const Limits& limits);

  // The path of the bytes, which are on the disk by then. kNoSpace when the directory or the disk
  // is full, with what to do; then nothing is left of the attempt.
  Result<std::string> Save(const RescueReason& reason, ByteView bytes);

 private:
  Status CheckRoom(std::uint64_t more) const REQUIRES(mu_);

  const std::string directory_;
  const Limits limits_;
  Mutex mu_;  // one at a time, so that the limits hold
};

}  // namespace coffer::fs
