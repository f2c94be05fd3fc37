// One KMS key that wraps data keys, in the form of the AWS Encryption SDK:
//
//   provider    "aws-kms"
//   info        the key's ARN, as KMS returned it
//   ciphertext  the CiphertextBlob
//
// Borrows the client of the key's Region. Safe to share between threads; blocks on the network.

#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "crypto/blob_unwrapper.h"
#include "crypto/keyring.h"
#include "s3client/kms.h"
#include "s3client/kms_key.h"

namespace coffer::s3 {

class KmsKeyring : public Keyring, public BlobUnwrapper {
 public:
  // An alias stands for the key that the first reply names, and for no other one afterwards.
  KmsKeyring(KmsKeyId key, KmsClient& client);

  // "KMS key arn:..."; the alias, too, where one was given.
  std::string Name() const override;
  // The key's own ARN; "" for an alias that has not been resolved by a reply yet.
  std::string Arn() const;

  // Also kCorrupt when KMS answers with another key than this one.
  Result<WrappedKey> Generate(const EncryptionContext& context) override;
  Result<EncryptedDataKey> Wrap(const Secret& key, const EncryptionContext& context) override;
  // By ARN; a multi-Region key also by that of its replicas. An alias without a key yet owns
  // whatever could be its own, and KMS tells.
  bool Owns(const EncryptedDataKey& encrypted) const override;
  Result<Secret> Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext& context,
                        std::size_t size) override;
  // For wrapped keys that name no key: this one is asked.
  Result<Secret> UnwrapBlob(std::string_view blob, const EncryptionContext& context,
                            std::size_t size) override;

 private:
  // KMS's answer, of this key.
  Result<Secret> Decrypt(std::string_view blob, const EncryptionContext& context);
  // Takes the ARN of a reply as this key's, or refuses it.
  Status Accept(const std::string& arn);
  std::optional<KmsKeyId> Resolved() const;
  // What requests name: the ARN as soon as it is known.
  std::string RequestId() const;
  bool CouldBe(const KmsKeyId& other) const;

  const KmsKeyId given_;
  KmsClient& client_;
  mutable std::mutex mu_;
  std::optional<KmsKeyId> resolved_;  // guarded by mu_; `given_` unless that is an alias
};

}  // namespace coffer::s3
