// Data keys wrapped by a local RSA key: the raw RSA keyring of the AWS Encryption SDK. The public
// half seals, the private half may lie in a safe.
//
//   provider    the key's namespace
//   info        its name
//   ciphertext  RSA of the data key, as long as the modulus
//
// The wrap does not bind the encryption context (the header's tag does), and whoever has the public
// half can make such messages: what it opens is readable, not authentic. Immutable once made; safe
// to share between threads; never blocks.

#pragma once

#include <memory>
#include <string>

#include "crypto/keyring.h"
#include "crypto/raw_key_name.h"
#include "crypto/rsa_key.h"

namespace coffer {

class RawRsaKeyring : public Keyring {
 public:
  // kInvalid for a name that cannot be. Borrows `arena`.
  static Result<std::unique_ptr<RawRsaKeyring>> Make(RawKeyName name, RsaKey key,
                                                     RsaPadding padding, SecretArena& arena);

  std::string Name() const override;
  Result<WrappedKey> Generate(const EncryptionContext& context) override;
  Result<EncryptedDataKey> Wrap(const Secret& key, const EncryptionContext& context) override;
  bool Owns(const EncryptedDataKey& encrypted) const override;
  Result<Secret> Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext& context,
                        std::size_t size) override;

 private:
  RawRsaKeyring(RawKeyName name, RsaKey key, RsaPadding padding, SecretArena& arena)
      : name_(std::move(name)), key_(std::move(key)), padding_(padding), arena_(arena) {}

  const RawKeyName name_;
  const RsaKey key_;
  const RsaPadding padding_;
  SecretArena& arena_;
};

}  // namespace coffer
