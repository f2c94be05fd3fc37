// Messages of a sealed volume that another tool made under its context and keys, in another shape
// than the volume's: frames of another size, a header of another size, or a signature. They are
// read whole and verified whole before a byte is released, and their plaintext is kept in memory
// for the reads that follow.
//
// Safe to share between threads. Open blocks on the network and on KMS; one message at a time is
// read, so that memory stays within about twice the limit. The borrowed outlive it.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "crypto/header.h"
#include "crypto/key_source.h"
#include "crypto/secret.h"
#include "fs/recent_objects.h"
#include "fs/sealed_metadata.h"
#include "fs/sealed_volume.h"
#include "fs/turn.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct ForeignMessage {
  DataKeyPtr key;
  Bytes id;
  std::uint64_t sealed_size = 0;
  Bytes plain;
};
using ForeignMessagePtr = std::shared_ptr<const ForeignMessage>;

class ForeignMessages {
 public:
  struct Parts {
    s3::ObjectStore& below;
    KeySource& keys;
    SecretArena& arena;
    std::uint64_t limit;  // of one object as it is stored, and of all plaintext that is kept
  };
  ForeignMessages(const Parts& parts, const SealedVolume& volume);

  // Is the object that begins like this a message, but not one of the volume's shape? When its
  // header does not end in `head` that is not ruled out.
  bool IsForeign(ByteView head) const;

  // Whether an object of that identity is let in at all: asked before the rest of it is fetched.
  using Admit = std::function<Status(const MessageIdentity&)>;
  // The message that begins with head.body. kCorrupt when it does not verify, was sealed under
  // another context or does not commit to its key; kTooLarge over the limit; what the key source,
  // the store and `admit` say.
  Result<ForeignMessagePtr> Open(const std::string& key, const s3::Fetched& head,
                                 const Admit& admit);

  // Null when it is not at hand.
  ForeignMessagePtr Find(const std::string& key, const std::string& etag) {
    return messages_.Find(key, etag);
  }
  // The plaintext's size, of what was opened before: listings cannot tell it.
  std::optional<std::uint64_t> SizeOf(const std::string& key, const std::string& etag);
  // The same bytes under a new name.
  void Add(const std::string& key, const std::string& etag, ForeignMessagePtr message);

 private:
  struct Coming;
  Result<Header> HeaderOf(Coming& coming) const;
  Status Check(const Header& header) const;
  Result<Bytes> OpenAll(Coming& coming, const DataKeyPtr& data_key) const;
  bool IsOwnShape(const Header& header) const;

  const Parts parts_;
  const SealedVolume& volume_;
  Turn turn_;
  RecentObjects<ForeignMessage> messages_;
  RecentObjects<std::uint64_t> sizes_;
};

}  // namespace coffer::fs
