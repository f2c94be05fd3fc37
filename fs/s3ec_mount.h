// --s3ec put together: the keys that the options name, and the store that reads by them.
//
// Owned by the mount's assembly; borrows its parties, which outlive it. Open blocks on the local
// disk only: KMS is asked when the first object is opened.

#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/s3ec_keys.h"
#include "crypto/secret.h"
#include "fs/connection.h"
#include "fs/kms_access.h"
#include "fs/options.h"
#include "fs/s3ec_store.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

class S3ecMount {
 public:
  struct Parties {
    Connection& connection;
    WorkerPool& pool;
    SecretArena& arena;
    std::function<void(const std::string&)> warn;
  };
  // `memory` bytes for what is being fetched, spools below `state_directory`. kInvalid for keys
  // that cannot be, kDenied for files that others may read and for a directory that is not ours.
  static Result<std::unique_ptr<S3ecMount>> Open(const Parties& parties,
                                                 const MountOptions& options, std::uint64_t memory,
                                                 const std::string& state_directory);
  S3ecMount(const S3ecMount&) = delete;
  S3ecMount& operator=(const S3ecMount&) = delete;

  S3ecStore& store() { return *store_; }

 private:
  S3ecMount(const Parties& parties, const KeyOptions& keys);

  KmsAccess kms_;
  std::unique_ptr<S3ecKeys> keys_;
  std::unique_ptr<S3ecStore> store_;
};

}  // namespace coffer::fs
