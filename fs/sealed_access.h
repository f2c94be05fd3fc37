// The sealed volume at a connection's address, for a mount and for the commands on a volume: KMS,
// what is pinned on this machine, and the descriptor, put together.
//
// Borrows its parties, which outlive it and whatever its store was given to. Open blocks on the
// network and on KMS; what it made is safe to share.

#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "crypto/secret.h"
#include "fs/connection.h"
#include "fs/key_options.h"
#include "fs/kms_access.h"
#include "fs/sealed_mount.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

// What people are told where an arena could not be locked.
inline constexpr const char* kUnlockedKeys =
    "memory for keys cannot be locked, so that they may reach the swap: raise RLIMIT_MEMLOCK "
    "(ulimit -l); --require-mlock refuses to go on like this";

class SealedAccess {
 public:
  struct Parties {
    Connection& connection;
    WorkerPool& pool;
    SecretArena& arena;
    s3::ObjectStore* stored = nullptr;  // instead of the connection's own store
  };
  struct Wanted {
    std::string sealed = "auto";  // "yes", "no", "plain": none or nothing
    std::string name_binding;     // "": as the descriptor says
    std::string state_directory;
    std::uint64_t foreign_limit = SealedStore::kForeignLimit;
    bool remember = true;  // the keys, on this machine
  };

  // Failures as SealedMount::Open's.
  static Result<std::unique_ptr<SealedAccess>> Open(const Parties& parties, const KeyOptions& keys,
                                                    const Wanted& wanted, SealedFinding& finding);
  // The descriptor alone, for whoever changes it (fs/sealed_mount.h, OpenForChange).
  static Result<OpenedDescriptor> OpenDescriptor(const Parties& parties, const KeyOptions& keys,
                                                 const std::string& state_directory,
                                                 SealedFinding& finding);
  SealedAccess(const SealedAccess&) = delete;
  SealedAccess& operator=(const SealedAccess&) = delete;

  // Null for a plain volume.
  SealedMount* volume() { return volume_.get(); }
  const SealedMount* volume() const { return volume_.get(); }
  KmsAccess& kms() { return kms_; }
  s3::KmsRateCounts KmsCounts() const { return kms_.Counts(); }
  // Plaintext, in a sealed volume too.
  s3::ObjectStore& store();

 private:
  SealedAccess(const Parties& parties, const KeyOptions& keys);

  const Parties parties_;
  KmsAccess kms_;
  std::unique_ptr<SealedMount> volume_;
};

// KMS for what a person waits for.
KmsAccess QuickKms(Connection& connection, const KeyOptions& keys, SecretArena& arena);

// What pins, and whatever else this machine keeps of a volume, are kept by.
std::string VolumeAddress(const Connection& connection);

}  // namespace coffer::fs
