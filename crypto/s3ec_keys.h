// The keys that may open objects of the S3 Encryption Client: those that the user named, and never
// one that the bucket names.
//
// Immutable once made; safe to share between threads. Borrows the arena. Unwrap may block on the
// network.

#pragma once

#include <memory>
#include <vector>

#include "crypto/blob_unwrapper.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/rsa_key.h"
#include "crypto/s3ec_object.h"
#include "crypto/secret.h"

namespace coffer {

class S3ecKeys {
 public:
  struct Held {
    std::vector<std::unique_ptr<BlobUnwrapper>> kms;
    std::vector<Secret> aes;
    std::vector<RsaKey> rsa;  // private halves
    // What the caller expects beside what the client itself puts there: no more and no less.
    EncryptionContext context;
  };
  S3ecKeys(Held held, SecretArena& arena) : held_(std::move(held)), arena_(arena) {}

  // The object's data key of 32 bytes; every key of the kind that wrapped it is tried. kKeyMissing
  // when there is none of that kind; kCorrupt when none of them unwraps it, or when the context is
  // not the expected one or contradicts the algorithm; of KMS, whatever it says. Of RSA with PKCS
  // #1 padding a key that opens nothing, for which the content is refused.
  Result<Secret> Unwrap(const S3ecObject& object) const;

 private:
  Result<Secret> ByKms(const S3ecObject& object) const;
  Result<Secret> ByAes(const S3ecObject& object) const;
  Result<Secret> ByRsa(const S3ecObject& object) const;
  Status CheckContext(const S3ecObject& object) const;

  const Held held_;
  SecretArena& arena_;
};

}  // namespace coffer
