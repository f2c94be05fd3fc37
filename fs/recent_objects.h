// What is remembered of object versions, by key and ETag, which S3 never gives to other bytes.
// Bounded by what the entries weigh together; the least recently used go first.
//
// Safe to share between threads; does not block.

#pragma once

#include <cstdint>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/mutex.h"

namespace coffer::fs {

// As one word; a key has no NUL.
inline std::string VersionName(const std::string& key, const std::string& etag) {
  return key + '\0' + etag;
}

template <typename T>
class RecentObjects {
 public:
  using Pointer = std::shared_ptr<const T>;

  explicit RecentObjects(std::uint64_t limit) : limit_(limit) {}

  // Null when it is not known.
  Pointer Find(const std::string& key, const std::string& etag) {
    const Lock lock(mu_);
    const auto found = entries_.find(VersionName(key, etag));
    if (found == entries_.end()) return nullptr;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return found->second->object;
  }

  void Add(const std::string& key, const std::string& etag, Pointer object,
           std::uint64_t weight = 1) {
    std::vector<Pointer> dropped;  // they go after the lock
    const Lock lock(mu_);
    const std::string name = VersionName(key, etag);
    if (const auto found = entries_.find(name); found != entries_.end()) {
      dropped.push_back(Drop(found->second));
    }
    by_use_.push_front({name, std::move(object), weight});
    entries_.emplace(name, by_use_.begin());
    weight_ += weight;
    while (weight_ > limit_ && !by_use_.empty()) {
      dropped.push_back(Drop(std::prev(by_use_.end())));
    }
  }

 private:
  struct Entry {
    std::string name;
    Pointer object;
    std::uint64_t weight = 0;
  };
  using Place = typename std::list<Entry>::iterator;

  Pointer Drop(Place place) REQUIRES(mu_) {
    Pointer object = std::move(place->object);
    weight_ -= place->weight;
    entries_.erase(place->name);
    by_use_.erase(place);
    return object;
  }

  const std::uint64_t limit_;
  Mutex mu_;
  std::uint64_t weight_ GUARDED_BY(mu_) = 0;
  std::list<Entry> by_use_ GUARDED_BY(mu_);  // the last used first
  std::unordered_map<std::string, Place> entries_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
