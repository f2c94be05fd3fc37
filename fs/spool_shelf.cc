#include "fs/spool_shelf.h"

#include <unordered_map>
#include <utility>
#include <vector>

#include "fs/recent_objects.h"

namespace coffer::fs {

struct SpoolShelf::Shelf : public MemoryHolder {
  using Time = std::chrono::steady_clock::time_point;
  struct Entry {
    std::string name;
    SpoolPtr spool;
    Time used;
  };

  explicit Shelf(std::size_t files) : limit(files) {}

  void GiveBack(Time idle_since) override {
    std::vector<SpoolPtr> dropped;  // close after the lock
    const Lock lock(mu);
    while (!by_use.empty() && by_use.back().used < idle_since) dropped.push_back(TakeLast());
  }
  SpoolPtr TakeLast() REQUIRES(mu) {
    SpoolPtr last = std::move(by_use.back().spool);
    entries.erase(by_use.back().name);
    by_use.pop_back();
    return last;
  }

  const std::size_t limit;
  Mutex mu;
  std::list<Entry> by_use GUARDED_BY(mu);  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> entries GUARDED_BY(mu);
};

SpoolShelf::SpoolShelf(std::size_t files, std::uint64_t bytes)
    : disk_(bytes), shelf_(std::make_shared<Shelf>(files)) {
  disk_.Register(shelf_);
}

Reservation SpoolShelf::Reserve(std::uint64_t bytes,
                                std::chrono::steady_clock::time_point deadline) {
  return disk_.Reserve(bytes, deadline);
}

void SpoolShelf::Add(const std::string& key, SpoolPtr spool) {
  SpoolPtr dropped;
  const std::string name = VersionName(key, spool->info.etag);
  const Lock lock(shelf_->mu);
  if (shelf_->entries.contains(name)) return;
  if (shelf_->entries.size() >= shelf_->limit) dropped = shelf_->TakeLast();
  shelf_->by_use.push_front({name, std::move(spool), std::chrono::steady_clock::now()});
  shelf_->entries.emplace(name, shelf_->by_use.begin());
}

SpoolPtr SpoolShelf::Find(const std::string& key, const std::string& etag) {
  const Lock lock(shelf_->mu);
  const auto found = shelf_->entries.find(VersionName(key, etag));
  if (found == shelf_->entries.end()) return nullptr;
  found->second->used = std::chrono::steady_clock::now();
  shelf_->by_use.splice(shelf_->by_use.begin(), shelf_->by_use, found->second);
  return found->second->spool;
}

}  // namespace coffer::fs
