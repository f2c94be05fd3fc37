// Data keys wrapped by a local AES key: the raw AES keyring of the AWS Encryption SDK, byte for
// byte, so that any of its implementations opens what this one wrapped.
//
//   provider    the key's namespace
//   info        name || u32 128 (bits of tag) || u32 12 (bytes of nonce) || nonce
//   ciphertext  AES-GCM of the data key || tag (16); the encryption context is authenticated
//
// Immutable once made; safe to share between threads; never blocks.

#pragma once

#include <memory>
#include <string>

#include "crypto/keyring.h"
#include "crypto/raw_key_name.h"

namespace coffer {

class RawAesKeyring : public Keyring {
 public:
  // `key`: 16, 24 or 32 bytes. kInvalid for another size or a name that cannot be. Borrows `arena`.
  static Result<std::unique_ptr<RawAesKeyring>> Make(RawKeyName name, Secret key,
                                                     SecretArena& arena);

  std::string Name() const override;
  Result<WrappedKey> Generate(const EncryptionContext& context) override;
  Result<EncryptedDataKey> Wrap(const Secret& key, const EncryptionContext& context) override;
  bool Owns(const EncryptedDataKey& encrypted) const override;
  Result<Secret> Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext& context,
                        std::size_t size) override;

 private:
  RawAesKeyring(RawKeyName name, Secret key, SecretArena& arena)
      : name_(std::move(name)), key_(std::move(key)), arena_(arena) {}

  const RawKeyName name_;
  const Secret key_;
  SecretArena& arena_;
};

}  // namespace coffer
