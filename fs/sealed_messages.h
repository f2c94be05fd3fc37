// Messages that were opened before, or made here: their keys, and their size as their last frame
// proved it. Bounded; the least recently used go first.
//
// Safe to share between threads; does not block. An entry names one version of an object: key and
// ETag, which S3 never gives to other bytes.

#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "crypto/key_source.h"
#include "crypto/layout.h"
#include "crypto/opener.h"
#include "fs/mutex.h"

namespace coffer::fs {

struct SealedMessage {
  Opener opener;
  Shape shape;
  DataKeyPtr key;
};
using SealedMessagePtr = std::shared_ptr<const SealedMessage>;

class SealedMessages {
 public:
  explicit SealedMessages(std::size_t limit) : limit_(limit) {}

  // Null when it is not known.
  SealedMessagePtr Find(const std::string& key, const std::string& etag);
  void Add(const std::string& key, const std::string& etag, SealedMessagePtr message);

 private:
  using Entry = std::pair<std::string, SealedMessagePtr>;

  const std::size_t limit_;
  Mutex mu_;
  std::list<Entry> by_use_ GUARDED_BY(mu_);  // the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> entries_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
