// From an address to a sealed volume: is there one, under which keys may it be, and what does its
// descriptor say? Sealing must not fail open: what looked like a sealed volume before, or was asked
// for as one, is never taken for a plain one, and the bucket does not choose the keys.
//
// Owned by the mount's assembly; the borrowed outlive it. Open blocks on the network and on KMS.

#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/key_cache.h"
#include "crypto/multi_key_source.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "fs/key_options.h"
#include "fs/key_pins.h"
#include "fs/key_set.h"
#include "fs/sealed_store.h"
#include "fs/volume_descriptor.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// kAuto: what is there. kYes: a sealed volume or nothing. kPlain: a plain volume or nothing. kNo:
// the objects as they are, read-only where they are a sealed volume's.
enum class SealedMode { kAuto, kYes, kPlain, kNo };

struct SealedRequest {
  SealedMode mode = SealedMode::kAuto;
  KeyOptions keys;
  std::optional<BindingPolicy> binding;  // nothing: as the descriptor says
  std::string prefix;                    // of the volume's keys
  std::string address;                   // what pins are kept by
  std::string state_directory;
  std::uint64_t foreign_limit = SealedStore::kForeignLimit;
  bool remember = true;  // what is seen is pinned
};

struct SealedParts {
  s3::ObjectStore& store;
  WorkerPool& pool;
  const s3::Clock& clock;
  KeyWorkshop workshop;
  KeyWorkshop quick;  // the same with less patience: for the descriptor, while a person waits
};

// What Open found.
struct SealedFinding {
  bool read_only = false;          // only a recovery key opens it, or it is shown as it is
  bool keys_failed = false;        // the volume did not open because of its keys, or of KMS
  std::vector<std::string> notes;  // for people
};

// kNotPermitted when a prefix above `prefix` is a sealed volume, whose own files would stand here;
// where that cannot be told, a note. Blocks on the network, once for each level.
Status RefuseInside(const std::string& prefix, s3::ObjectStore& store,
                    std::vector<std::string>& notes);

// A volume's descriptor as whoever changes it finds it.
struct OpenedDescriptor {
  VolumeDescriptor descriptor;
  std::string etag;
  std::uint32_t free = 0;          // bytes of its header that one more key may take
  std::vector<KeyMaterial> given;  // keys that were named
};
// By the rules of SealedMount::Open, pins included, and with its failures, but without the keys of
// files: local ones that only seal need not be named. kNotFound where there is no sealed volume;
// kUnsupported when only a recovery key opens it. Blocks on the network and on KMS.
Result<OpenedDescriptor> OpenForChange(const SealedRequest& request, const SealedParts& parts,
                                       SealedFinding& finding);

class SealedMount {
 public:
  // Null for a plain volume. kNotFound where a sealed volume was expected, kDenied where it cannot
  // be told what is there, kNotPermitted for what is pinned otherwise or lies inside a sealed
  // volume, kKeyMissing and the like of keys, kCorrupt for a descriptor that does not authenticate.
  static Result<std::unique_ptr<SealedMount>> Open(const SealedRequest& request,
                                                   const SealedParts& parts,
                                                   SealedFinding& finding);
  SealedMount(const SealedMount&) = delete;
  SealedMount& operator=(const SealedMount&) = delete;

  SealedStore& store() { return *store_; }
  const VolumeDescriptor& descriptor() const { return descriptor_; }
  KeySource& keys() { return *cache_; }  // of the volume's messages
  std::uint64_t unbound() const { return store_->unbound(); }
  KeyCacheCounts CacheCounts() const { return cache_->Counts(); }
  std::vector<KeyringCounts> KeyCounts() const { return source_->Counts(); }

 private:
  SealedMount() = default;

  VolumeDescriptor descriptor_;
  std::unique_ptr<MultiKeySource> source_;
  std::unique_ptr<KeyCache> cache_;
  std::unique_ptr<SealedStore> store_;
};

}  // namespace coffer::fs
