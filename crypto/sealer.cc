#include "crypto/sealer.h"

#include "crypto/frame.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxHeader = 0xffffffff;

Result<Header> NewHeader(const DataKey& key, const EncryptionContext& context,
                         std::uint32_t frame_size) {
  COFFER_TRY(CheckUserContext(context));
  Header header;
  header.context = context;
  header.encrypted = key.encrypted;
  header.frame_size = frame_size;
  header.message_id.resize(header.suite.message_id_size());
  COFFER_TRY(RandomBytes(header.message_id));
  return header;
}

}  // namespace

Result<std::unique_ptr<Sealer>> Sealer::Make(const DataKey& key, const EncryptionContext& context,
                                             const Layout& layout, SecretArena& arena) {
  COFFER_ASSIGN(Header header, NewHeader(key, context, layout.frame_size()));
  COFFER_TRY(PadHeader(header, layout.header_size()));
  return Begin(std::move(header), key, arena);
}

Result<std::unique_ptr<Sealer>> Sealer::MakeUnpadded(const DataKey& key,
                                                     const EncryptionContext& context,
                                                     std::uint32_t frame_size, SecretArena& arena) {
  COFFER_ASSIGN(Header header, NewHeader(key, context, frame_size));
  return Begin(std::move(header), key, arena);
}

Result<std::unique_ptr<Sealer>> Sealer::Begin(Header header, const DataKey& key,
                                              SecretArena& arena) {
  COFFER_ASSIGN(SealedHeader sealed, SealHeader(header, key, arena));
  if (sealed.bytes.size() > kMaxHeader) return Error{Code::kTooLarge, "a header over 4 GiB"};
  COFFER_ASSIGN(const Layout layout,
                Layout::Make(static_cast<std::uint32_t>(sealed.bytes.size()), header.frame_size));
  return std::unique_ptr<Sealer>(
      new Sealer(layout, std::move(header.message_id), std::move(sealed)));
}

Status Sealer::Seal(FrameNumber first, ByteView plaintext, MutableByteView out) {
  const std::size_t frame_size = layout_.frame_size();
  const std::size_t sealed_size = layout_.sealed_frame_size();
  const std::size_t count = plaintext.size() / frame_size;
  if (count == 0 || count > kFinalMarker || plaintext.size() != count * frame_size ||
      out.size() != count * sealed_size) {
    return Error{Code::kInvalid, "regular frames are sealed whole"};
  }
  {
    const std::lock_guard lock(mu_);
    COFFER_TRY(ledger_.Burn({first, static_cast<std::uint32_t>(count)}));
  }
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(content_key_.view()));
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = static_cast<FrameNumber>(first + i);
    const FrameHead head{FrameKind::kRegular, number, FrameNonce(number), frame_size};
    COFFER_TRY(SealFrame(cipher, message_id_, head, plaintext.subspan(i * frame_size, frame_size),
                         out.subspan(i * sealed_size, sealed_size)));
  }
  return Ok();
}

Status Sealer::SealFinal(FrameNumber number, ByteView plaintext, MutableByteView out) {
  if (plaintext.size() > layout_.frame_size() || out.size() != plaintext.size() + kFinalOverhead ||
      (plaintext.empty() && number != 1)) {
    return Error{Code::kInvalid,
                 "the final frame takes 1 byte to a full frame, or no byte of an empty file"};
  }
  {
    const std::lock_guard lock(mu_);
    COFFER_TRY(ledger_.BurnFinal(number));
  }
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForSealing(content_key_.view()));
  const FrameHead head{FrameKind::kFinal, number, FrameNonce(number), plaintext.size()};
  return SealFrame(cipher, message_id_, head, plaintext, out);
}

bool Sealer::complete() const {
  const std::lock_guard lock(mu_);
  return ledger_.complete();
}

}  // namespace coffer
