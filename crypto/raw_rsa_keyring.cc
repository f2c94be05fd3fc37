#include "crypto/raw_rsa_keyring.h"

namespace coffer {
Result<std::unique_ptr<RawRsaKeyring>> RawRsaKeyring::Make(RawKeyName name, RsaKey key,
                                                           RsaPadding padding, SecretArena& arena) {
  COFFER_TRY(CheckRawKeyName(name));
  return std::unique_ptr<RawRsaKeyring>(
      new RawRsaKeyring(std::move(name), std::move(key), padding, arena));
}

std::string RawRsaKeyring::Name() const {
  return "RSA key " + name_.ToString() + " (" + std::string(coffer::Name(padding_)) + ")";
}

Result<WrappedKey> RawRsaKeyring::Generate(const EncryptionContext& context) {
  COFFER_ASSIGN(Secret key, arena_.Random(kDataKeySize));
  COFFER_ASSIGN(EncryptedDataKey encrypted, Wrap(key, context));
  return WrappedKey{std::move(key), std::move(encrypted)};
}

Result<EncryptedDataKey> RawRsaKeyring::Wrap(const Secret& key, const EncryptionContext&) {
  COFFER_ASSIGN(const Bytes wrapped, key_.Encrypt(padding_, key.view()));
  return EncryptedDataKey{name_.provider, name_.name, std::string(AsText(wrapped))};
}

bool RawRsaKeyring::Owns(const EncryptedDataKey& encrypted) const {
  return encrypted.provider == name_.provider && encrypted.info == name_.name;
}

Result<Secret> RawRsaKeyring::Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext&,
                                     std::size_t size) {
  COFFER_ASSIGN(Secret key, key_.Decrypt(padding_, AsBytes(encrypted.ciphertext), arena_));
  if (key.size() != size) return Error{Code::kCorrupt, "the RSA key does not unwrap this"};
  return key;
}

}  // namespace coffer
