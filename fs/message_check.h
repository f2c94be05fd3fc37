// Is what stands under a key of a sealed volume what the volume says it is? For commands that look
// at objects one by one: each kind of trouble has a word of its own, and what could not be read is
// not damaged.
//
// Borrows its parties. Safe from any thread; blocks on the network, and on KMS where a data key is
// not at hand. An object is read in pieces of a few megabytes, several at a time where it is large,
// so that memory is bounded by the pool's threads.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/header.h"
#include "crypto/key_source.h"
#include "crypto/opener.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "fs/sealed_metadata.h"
#include "fs/sealed_volume.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

enum class Verdict {
  kGood,
  kMarker,      // a directory marker of another tool: empty, and no message
  kGone,        // removed meanwhile
  kDamaged,     // a message of this volume that does not authenticate, or its attributes do not
  kMoved,       // intact, and its bind tag is of another name or of other attributes
  kUnbound,     // intact, without a bind tag: its metadata was lost, or another tool sealed it
  kForeign,     // no message of this volume: in the clear, or another's
  kUnreadable,  // nothing is known: the service, the network or the keys refused
};
// "good", "marker", "gone", "damaged", "moved", "unbound", "foreign", "unreadable".
std::string_view Word(Verdict verdict);
// Does a mount of this volume refuse the object for what it is?
bool IsDamage(Verdict verdict, BindingPolicy binding);

struct CheckedObject {
  Verdict verdict = Verdict::kGood;
  std::string reason;            // but for kGood, kMarker and kGone
  std::optional<Error> failure;  // of kUnreadable: what was refused
  bool of_keys = false;          // by the keys or KMS, not by the bucket
  std::uint64_t bytes = 0;       // that were read and found to be true
  s3::ObjectInfo info;           // as it is stored; empty when nothing of it was read
  std::optional<Header> header;  // as it parses
  DataKeyPtr key;                // with these its header was proved; null before
  std::optional<Opener> opener;  // null also for suites that are only read whole
  std::optional<Shape> shape;
};

class VolumeSession;

class MessageCheck {
 public:
  struct Parts {
    s3::ObjectStore& store;  // as it is in the bucket
    KeySource& keys;
    SecretArena& arena;
    WorkerPool& pool;
  };
  // kEnds: the header, the final frame and the metadata; enough to tell what an object is.
  enum class Depth { kEnds, kWhole };
  using Moved = std::function<void(std::uint64_t bytes)>;  // as they arrive; from several threads

  // `descriptor`: of the volume's own object at DescriptorKey; it is bound strictly.
  MessageCheck(const Parts& parts, SealedVolume files, SealedVolume descriptor);

  // What is damaged is looked at twice, so that a fault of transport is not taken for one; what is
  // replaced while it is read is looked at again. Fails with kInterrupted only.
  Result<CheckedObject> Check(const std::string& key, Depth depth, const Moved& moved = {}) const;

  const SealedVolume& files() const { return files_; }
  // Of the volume's files.
  const SealedMetadata& metadata() const { return metadata_; }
  bool IsDescriptor(const std::string& key) const { return key == descriptor_key_; }

 private:
  class Reading;

  const Parts parts_;
  const SealedVolume files_;
  const SealedVolume descriptor_;
  const std::string descriptor_key_;
  const SealedMetadata metadata_;
  const SealedMetadata descriptor_metadata_;
};

// For a session whose volume is sealed; `binding` in the place of the volume's.
MessageCheck CheckOf(VolumeSession& session, std::optional<BindingPolicy> binding = {});

}  // namespace coffer::fs
