// The keys that options name, without a volume: for messages that stand alone.
//
// Made by the main thread, then safe to share between threads. Opening and sealing block on KMS,
// with the patience of a person who waits.

#pragma once

#include <memory>

#include "crypto/multi_key_source.h"
#include "crypto/secret.h"
#include "fs/key_options.h"
#include "fs/kms_access.h"
#include "fs/log.h"
#include "fs/network.h"
#include "fs/options.h"
#include "s3client/clock.h"

namespace coffer::fs {

class NamedKeySource {
 public:
  // `volume`: Region and credentials. Asks nobody yet. kInvalid and kDenied as NamedKeys.
  static Result<std::unique_ptr<NamedKeySource>> Make(const VolumeOptions& volume,
                                                      const KeyOptions& keys,
                                                      const Environment& environment);
  NamedKeySource(const NamedKeySource&) = delete;
  NamedKeySource& operator=(const NamedKeySource&) = delete;

  KeySource& keys() { return *keys_; }
  SecretArena& arena() { return arena_; }

 private:
  explicit NamedKeySource(bool require_mlock) : arena_(kSecrets, require_mlock) {}

  static constexpr std::size_t kSecrets = 256;

  s3::SystemClock clock_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<Network> network_;
  SecretArena arena_;
  std::unique_ptr<KmsAccess> kms_;
  std::unique_ptr<MultiKeySource> keys_;
};

}  // namespace coffer::fs
