#include "fs/sealed_messages.h"

#include <utility>

namespace coffer::fs {
namespace {

std::string NameOf(const std::string& key, const std::string& etag) {
  return key + '\0' + etag;  // a key has no NUL
}

}  // namespace

SealedMessagePtr SealedMessages::Find(const std::string& key, const std::string& etag) {
  const Lock lock(mu_);
  const auto found = entries_.find(NameOf(key, etag));
  if (found == entries_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->second;
}

void SealedMessages::Add(const std::string& key, const std::string& etag,
                         SealedMessagePtr message) {
  SealedMessagePtr dropped;  // goes after the lock
  const Lock lock(mu_);
  const std::string name = NameOf(key, etag);
  const auto found = entries_.find(name);
  if (found != entries_.end()) {
    dropped = std::exchange(found->second->second, std::move(message));
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    return;
  }
  by_use_.emplace_front(name, std::move(message));
  entries_.emplace(name, by_use_.begin());
  if (entries_.size() <= limit_) return;
  dropped = std::move(by_use_.back().second);
  entries_.erase(by_use_.back().first);
  by_use_.pop_back();
}

}  // namespace coffer::fs
