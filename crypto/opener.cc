#include "crypto/opener.h"

#include "crypto/frame.h"
#include "crypto/header_tag.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

// Whether this is the head that stands at the place of frame `number`.
Status CheckHead(const FrameHead& head, const Shape& shape, FrameNumber number, bool ours) {
  const bool last = number == shape.final_frame();
  const std::string wanted = "frame " + std::to_string(number);
  if (last && head.kind == FrameKind::kRegular) {
    return Corrupt("a regular frame where the final one, " + wanted +
                   ", should be: the object was cut off");
  }
  if (!last && head.kind == FrameKind::kFinal) {
    return Corrupt("the final frame where " + wanted +
                   " should be: something was appended to the object");
  }
  if (head.number != number) {
    return Corrupt("frame " + std::to_string(head.number) + " where " + wanted + " should be");
  }
  if (last && head.size != shape.final_size()) {
    return Corrupt("the final frame says that it holds " + std::to_string(head.size) +
                   " bytes, and the object's size leaves " + std::to_string(shape.final_size()));
  }
  if (ours && head.nonce != FrameNonce(number)) {
    return Corrupt(wanted + " has another nonce than its number");
  }
  return Ok();
}

}  // namespace

Result<Opener> Opener::Make(const Header& header, ByteView bytes, const DataKey& key,
                            SecretArena& arena) {
  if (header.suite.id != SealingSuite().id || header.content != ContentType::kFramed) {
    return Error{Code::kUnsupported,
                 "a message of another suite than 0x0478, or without frames, is only read whole"};
  }
  COFFER_ASSIGN(Secret content_key, VerifyHeader(header, bytes, key, {}, arena));
  if (header.size > 0xffffffff) return Error{Code::kTooLarge, "a header over 4 GiB"};
  COFFER_ASSIGN(const Layout layout,
                Layout::Make(static_cast<std::uint32_t>(header.size), header.frame_size));
  return Opener(layout, header, std::move(content_key));
}

Status Opener::Open(const Shape& shape, FrameRun run, ByteView sealed, MutableByteView out) const {
  COFFER_TRY(shape.Check(run));
  if (shape.layout() != layout_ || sealed.size() != shape.SealedOf(run).size ||
      out.size() != shape.PlainOf(run).size) {
    return Error{Code::kInvalid, "bytes of another size than these frames have"};
  }
  Status opened = OpenAll(shape, run, sealed, out);
  if (!opened) Wipe(out);
  return opened;
}

Status Opener::OpenAll(const Shape& shape, FrameRun run, ByteView sealed,
                       MutableByteView out) const {
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(content_key_.view()));
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const FrameRun frame{run.first + i, 1};
    const std::size_t size = shape.SealedOf(frame).size;
    ByteReader reader(sealed.first(size));
    COFFER_ASSIGN(const FrameHead head, ParseFrameHead(reader, layout_.frame_size()));
    COFFER_TRY(CheckHead(head, shape, frame.first, ours_));
    COFFER_TRY(OpenFrame(cipher, message_id_, head, sealed.first(size).subspan(reader.position()),
                         out.first(head.size)));
    sealed = sealed.subspan(size);
    out = out.subspan(head.size);
  }
  return Ok();
}

}  // namespace coffer
