// A volume as a command works on it, without a mount: the bucket, threads, and the keys of a sealed
// volume.
//
// Made and owned by the main thread; what it gives is safe to share. The destructor waits for the
// pool's tasks.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "fs/connection.h"
#include "fs/key_options.h"
#include "fs/log.h"
#include "fs/options.h"
#include "fs/sealed_access.h"
#include "fs/worker_pool.h"
#include "s3client/clock.h"

namespace coffer::fs {

// Beside those in the key cache: of messages that are open or being written, of keyrings.
inline constexpr std::size_t kOtherSecrets = 8192;

class VolumeSession {
 public:
  struct Request {
    const VolumeOptions& volume;
    const KeyOptions& keys;
    std::string sealed = "auto";  // "yes", "no"
    std::string name_binding;     // "": as the descriptor says
    bool bucket_only = false;     // asks for no key: the caller opens the descriptor himself
  };

  // Hides the process's memory, asks the bucket what a mount would ask, and opens the volume's
  // descriptor where there is one. `notes` are for people. Failures as Connection's and
  // SealedMount::Open's, but kKeyMissing also for KMS that does not answer.
  static Result<std::unique_ptr<VolumeSession>> Open(const Request& request,
                                                     const Environment& environment,
                                                     std::vector<std::string>& notes);
  VolumeSession(const VolumeSession&) = delete;
  VolumeSession& operator=(const VolumeSession&) = delete;

  Connection& connection() { return *connection_; }
  const std::string& prefix() const { return connection_->target().key_prefix; }
  WorkerPool& pool() { return pool_; }
  SecretArena& arena() { return arena_; }
  const s3::Clock& clock() const { return clock_; }
  const std::string& state_directory() const { return state_directory_; }

  s3::ObjectStore& stored() { return connection_->store(); }  // objects as they are
  const s3::BucketFacts& facts() const { return facts_; }
  bool versioned() const { return facts_.versioned == s3::Tri::kYes; }  // keeps old versions
  // Fails when the bucket cannot be reached any more, for who has to tell one object that cannot
  // be had from a network that is gone. 1 request.
  Status Reachable();
  // Not with bucket_only:
  s3::ObjectStore& plain() { return sealed_->store(); }  // as a mount shows them
  SealedMount* sealed() { return sealed_->volume(); }    // null for a plain volume
  bool read_only() const { return finding_.read_only; }  // only a recovery key opens it
  KmsAccess& kms() { return sealed_->kms(); }

 private:
  explicit VolumeSession(const Request& request);

  s3::SystemClock clock_;
  std::string state_directory_;
  SealedFinding finding_;
  s3::BucketFacts facts_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Connection> connection_;
  SecretArena arena_;  // outlives all keys
  std::unique_ptr<SealedAccess> sealed_;
  WorkerPool pool_;  // last, so that it ends first: its tasks use all of the above
};

}  // namespace coffer::fs
