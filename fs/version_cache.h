// What is known of versions of objects: shared, immutable values by key and ETag, which S3 never
// gives to other bytes. Bounded in number; the least recently used go first.
//
// Safe to share between threads; does not block.

#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "fs/mutex.h"

namespace coffer::fs {

// As one word; a key has no NUL.
inline std::string VersionName(const std::string& key, const std::string& etag) {
  return key + '\0' + etag;
}

template <typename T>
class VersionCache {
 public:
  using Pointer = std::shared_ptr<const T>;

  explicit VersionCache(std::size_t limit) : limit_(limit) {}

  // Null when it is not known.
  Pointer Find(const std::string& key, const std::string& etag) {
    const Lock lock(mu_);
    const auto found = entries_.find(VersionName(key, etag));
    if (found == entries_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->second;
  }

  void Add(const std::string& key, const std::string& etag, Pointer value) {
    Pointer dropped;  // goes after the lock
    const Lock lock(mu_);
    const std::string name = VersionName(key, etag);
    const auto found = entries_.find(name);
    if (found != entries_.end()) {
      dropped = std::exchange(found->second->second, std::move(value));
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return;
    }
    by_use_.emplace_front(name, std::move(value));
    entries_.emplace(name, by_use_.begin());
    if (entries_.size() <= limit_) return;
    dropped = std::move(by_use_.back().second);
    entries_.erase(by_use_.back().first);
    by_use_.pop_back();
  }

 private:
  using Entry = std::pair<std::string, Pointer>;

  const std::size_t limit_;
  Mutex mu_;
  std::list<Entry> by_use_ GUARDED_BY(mu_);  // the last used first
  std::unordered_map<std::string, typename std::list<Entry>::iterator> entries_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
