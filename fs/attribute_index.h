// The attribute index: what HEAD said, kept so that a re-listing needs no HEAD again.
//
// A row is valid for exactly one (key, ETag, Last-Modified, size) as a listing shows them, and only
// if its HEAD was taken at least 2 s (server time) after Last-Modified, since two changes within
// one second look alike in a listing. Where the file cannot be written it lives in memory. Safe to
// share between threads; blocks on the local disk only. Several mounts of one bucket share the
// file. It is a cache: what cannot be read or written is only missed, never an error. Open it after
// daemonizing: a connection does not survive a fork.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "fs/attributes.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// What a listing says of an object, which a row must match.
struct IndexKey {
  std::string_view key;
  std::string_view etag;
  std::int64_t last_modified_s = 0;
  std::uint64_t size = 0;
};

struct IndexedObject {
  s3::Metadata metadata = {};  // of the user's, what bears on attributes
  s3::Lock lock = {};
  std::int64_t taken_s = 0;  // Date of the HEAD
};

class AttributeIndex {
 public:
  struct Options {
    std::string directory;                 // "" for memory only
    std::string volume;                    // endpoint and bucket: each has a file of its own
    std::uint64_t limit_bytes = 1u << 30;  // least recently used rows go first
    std::int64_t touch_after_s = 3600;     // how coarsely the use of a row is remembered
  };
  // Never fails: falls back to memory and says why in `notice` (empty when all is well).
  static std::unique_ptr<AttributeIndex> Open(const Options& options, std::string* notice);
  virtual ~AttributeIndex() = default;

  // What a HEAD said, or nothing when one is needed. The lock was as it is here at `taken_s`: no
  // listing vouches for it.
  virtual std::optional<IndexedObject> Find(const IndexKey& key) = 0;
  // Takes a HEAD's answer; quietly keeps nothing when the answer is too young to be trusted.
  virtual void Store(std::string_view key, const s3::ObjectInfo& info) = 0;
  virtual void Erase(std::string_view key) = 0;
  // Writes what is buffered; also done by itself every second or thousand rows.
  virtual void Flush() = 0;

  struct Stats {
    std::uint64_t rows = 0, hits = 0, misses = 0, bytes = 0;
    bool persistent = false;
  };
  virtual Stats stats() const = 0;
};

}  // namespace coffer::fs
