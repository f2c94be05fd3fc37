#include "crypto/s3ec_content.h"

#include <algorithm>

#include "crypto/kdf.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::array kSuite = {std::byte{0x00}, std::byte{0x73}};

Result<DecryptStream> OpenCommitting(const S3ecObject& object, const Secret& data_key,
                                     std::uint64_t stored_size, SecretArena& arena) {
  COFFER_ASSIGN(const S3ecMessageKeys keys,
                DeriveS3ecKeys(data_key.view(), AsBytes(object.nonce), arena));
  if (!SameSecret(keys.commitment, AsBytes(object.commitment))) {
    return Error{Code::kCorrupt, "it was not encrypted under this key: the commitment is another"};
  }
  Nonce nonce{};
  nonce.fill(std::byte{0x01});
  return DecryptStream::Gcm(keys.content.view(), nonce, kSuite, stored_size);
}

}  // namespace

Result<DecryptStream> OpenS3ecContent(const S3ecObject& object, const Secret& data_key,
                                      std::uint64_t stored_size, SecretArena& arena) {
  if (object.cipher == S3ecCipher::kCommitting) {
    return OpenCommitting(object, data_key, stored_size, arena);
  }
  if (object.cipher == S3ecCipher::kCbc) {
    return DecryptStream::Cbc(data_key.view(), AsBytes(object.nonce), stored_size);
  }
  Nonce nonce{};
  if (object.nonce.size() != nonce.size()) {
    return Error{Code::kCorrupt, "the nonce has a wrong length"};
  }
  const ByteView bytes = AsBytes(object.nonce);
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return DecryptStream::Gcm(data_key.view(), nonce, {}, stored_size);
}

}  // namespace coffer
