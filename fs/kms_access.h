// KMS as a command reaches it: one client and one rate for each Region that a key is in.
//
// Borrows network and arena, which outlive it and every keyring that it made. Keyring is
// called by one thread, while a volume is opened; what it made is safe to share.

#pragma once

#include <map>
#include <memory>
#include <string>

#include "crypto/blob_unwrapper.h"
#include "crypto/keyring.h"
#include "crypto/secret.h"
#include "fs/key_options.h"
#include "fs/network.h"
#include "s3client/kms.h"
#include "s3client/kms_keyring.h"
#include "s3client/kms_rate.h"

namespace coffer::fs {

class KmsAccess {
 public:
  // `region` is that of keys whose name has none; `patience` is kQuick while a person waits.
  struct Place {
    std::string region;
    bool fips = false;
    Patience patience = Patience::kFull;
  };
  KmsAccess(Network& network, Place place, const KeyOptions& options, SecretArena& arena);

  // Asks nobody yet. kInvalid for what names no key.
  Result<std::unique_ptr<Keyring>> MakeKeyring(const std::string& key);
  // The same key, for wrapped keys that name none.
  Result<std::unique_ptr<BlobUnwrapper>> MakeUnwrapper(const std::string& key);
  // Of all Regions together.
  s3::KmsRateCounts Counts() const;

 private:
  struct Region {
    std::unique_ptr<s3::Transport> signed_requests;
    std::unique_ptr<s3::KmsRate> rate;
    std::unique_ptr<s3::Transport> retried;
    std::unique_ptr<s3::KmsClient> client;
  };
  Result<std::unique_ptr<s3::KmsKeyring>> Make(const std::string& key);
  Result<s3::KmsClient*> ClientFor(const std::string& region);

  Network& network_;
  const Place place_;
  const std::string endpoint_url_;
  const double rate_;
  SecretArena& arena_;
  std::map<std::string, Region> regions_;
};

}  // namespace coffer::fs
