#include "crypto/raw_aes_keyring.h"

#include <algorithm>
#include <array>

#include "crypto/aead.h"
#include "crypto/cursor.h"
#include "crypto/encryption_context.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::uint32_t kTagBits = 128;
constexpr std::size_t kInfoSize = 2 * sizeof(std::uint32_t) + std::tuple_size_v<Nonce>;

std::string Info(const std::string& name, const Nonce& nonce) {
  Bytes info;
  ByteWriter writer(info);
  writer.Append(AsBytes(name));
  writer.Integer(kTagBits);
  writer.Integer(static_cast<std::uint32_t>(nonce.size()));
  writer.Append(nonce);
  return std::string(AsText(info));
}

// Of an info that begins with the name. Nothing when it speaks of another kind of wrapping.
Result<Nonce> NonceOf(std::string_view info, std::size_t name_size) {
  ByteReader reader(AsBytes(info.substr(name_size)));
  COFFER_ASSIGN(const auto tag_bits, reader.Integer<std::uint32_t>());
  COFFER_ASSIGN(const auto nonce_size, reader.Integer<std::uint32_t>());
  Nonce nonce{};
  if (tag_bits != kTagBits || nonce_size != nonce.size()) {
    return Error{Code::kCorrupt, "wrapped with another tag or nonce than Coffer knows"};
  }
  COFFER_ASSIGN(const ByteView bytes, reader.Take(nonce.size()));
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

}  // namespace

Result<std::unique_ptr<RawAesKeyring>> RawAesKeyring::Make(RawKeyName name, Secret key,
                                                           SecretArena& arena) {
  COFFER_TRY(CheckRawKeyName(name));
  if (key.size() != 16 && key.size() != 24 && key.size() != 32) {
    return Error{Code::kInvalid, "an AES key has 16, 24 or 32 bytes"};
  }
  return std::unique_ptr<RawAesKeyring>(new RawAesKeyring(std::move(name), std::move(key), arena));
}

std::string RawAesKeyring::Name() const { return "AES key " + name_.ToString(); }

Result<WrappedKey> RawAesKeyring::Generate(const EncryptionContext& context) {
  COFFER_ASSIGN(Secret key, arena_.Random(kDataKeySize));
  COFFER_ASSIGN(EncryptedDataKey encrypted, Wrap(key, context));
  return WrappedKey{std::move(key), std::move(encrypted)};
}

Result<EncryptedDataKey> RawAesKeyring::Wrap(const Secret& key, const EncryptionContext& context) {
  COFFER_ASSIGN(const Bytes authenticated, SerializeContext(context));
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(key_.view()));
  Nonce nonce{};
  COFFER_TRY(RandomBytes(nonce));
  Bytes sealed(key.size() + kTagSize);
  COFFER_TRY(cipher.Seal(nonce, authenticated, key.view(), sealed));
  return EncryptedDataKey{name_.provider, Info(name_.name, nonce), std::string(AsText(sealed))};
}

bool RawAesKeyring::Owns(const EncryptedDataKey& encrypted) const {
  return encrypted.provider == name_.provider &&
         encrypted.info.size() == name_.name.size() + kInfoSize &&
         encrypted.info.starts_with(name_.name);
}

Result<Secret> RawAesKeyring::Unwrap(const EncryptedDataKey& encrypted,
                                     const EncryptionContext& context, std::size_t size) {
  COFFER_ASSIGN(const Nonce nonce, NonceOf(encrypted.info, name_.name.size()));
  if (encrypted.ciphertext.size() != size + kTagSize) {
    return Error{Code::kCorrupt, "a wrapped data key of a wrong length"};
  }
  COFFER_ASSIGN(const Bytes authenticated, SerializeContext(context));
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(key_.view()));
  COFFER_ASSIGN(Secret key, arena_.Make(size));
  const Status opened =
      cipher.Open(nonce, authenticated, AsBytes(encrypted.ciphertext), key.fill());
  if (!opened && opened.error().code == Code::kCorrupt) {
    // which of the two, the tag does not tell
    return Error{Code::kCorrupt, "another key of that name sealed this, or it is damaged"};
  }
  COFFER_TRY(opened);
  return key;
}

}  // namespace coffer
