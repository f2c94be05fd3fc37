// Verified objects on the local disk, for as long as there is room: by version, the least recently
// used go first. What is open stays readable for whoever holds it.
//
// Safe to share between threads. Reserve blocks until others have gone or are idle.

#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <string>

#include "fs/memory_budget.h"
#include "fs/mutex.h"
#include "fs/spool_file.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// One version of an object in the clear. Immutable.
struct Spool {
  s3::ObjectInfo info;  // its size is that of the plaintext
  SpoolFile file;
  Reservation room;
};
using SpoolPtr = std::shared_ptr<const Spool>;

class SpoolShelf {
 public:
  // At most `files` of them, which are open, and `bytes` of disk for all together.
  SpoolShelf(std::size_t files, std::uint64_t bytes);

  // Room for a new one; empty when nothing became free before `deadline`.
  Reservation Reserve(std::uint64_t bytes, std::chrono::steady_clock::time_point deadline);
  void Add(const std::string& key, SpoolPtr spool);
  // Null when it is not there, or no more.
  SpoolPtr Find(const std::string& key, const std::string& etag);

 private:
  struct Shelf;
  MemoryBudget disk_;  // outlives what is reserved in it
  const std::shared_ptr<Shelf> shelf_;
};

}  // namespace coffer::fs
