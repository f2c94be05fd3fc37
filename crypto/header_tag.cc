#include "crypto/header_tag.h"

#include "crypto/aead.h"
#include "crypto/cursor.h"
#include "crypto/openssl.h"

namespace coffer {

Result<SealedHeader> SealHeader(Header& header, const DataKey& key, SecretArena& arena) {
  COFFER_ASSIGN(MessageKeys keys,
                DeriveMessageKeys(header.suite, key.key.view(), header.message_id, arena));
  header.commitment = keys.commitment;
  SealedHeader sealed;
  COFFER_ASSIGN(sealed.bytes, EncodeHeader(header));
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(keys.content.view()));
  std::array<std::byte, kTagSize> tag{};
  COFFER_TRY(cipher.Seal(header.nonce, sealed.bytes, {}, tag));
  ByteWriter writer(sealed.bytes);
  if (!header.suite.commits) writer.Append(header.nonce);
  writer.Append(tag);
  sealed.content_key = std::move(keys.content);
  return sealed;
}

Result<Secret> VerifyHeader(const Header& header, ByteView bytes, const DataKey& key,
                            const EncryptionContext& unstored, SecretArena& arena) {
  if (bytes.size() < header.size) return Error{Code::kInvalid, "less than the header"};
  COFFER_ASSIGN(MessageKeys keys,
                DeriveMessageKeys(header.suite, key.key.view(), header.message_id, arena));
  if (header.suite.commits && !SameSecret(keys.commitment, header.commitment)) {
    return Error{Code::kCorrupt, "the header commits to another data key than its own"};
  }
  COFFER_ASSIGN(const Bytes extra, SerializeContext(unstored));
  Bytes authenticated(bytes.begin(),
                      bytes.begin() + static_cast<std::ptrdiff_t>(header.authenticated_size));
  ByteWriter(authenticated).Append(extra);
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(keys.content.view()));
  const ByteView tag = bytes.subspan(header.size - kTagSize, kTagSize);
  if (const Status opened = cipher.Open(header.nonce, authenticated, tag, {}); !opened) {
    return Error{Code::kCorrupt,
                 "the header does not authenticate: it was changed" +
                     std::string(unstored.empty() ? "" : ", or sealed under another context")};
  }
  return std::move(keys.content);
}

}  // namespace coffer
