#include "crypto/opener.h"

#include <cstring>

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

Status Opener::OpenInPlace(const Shape& shape, FrameRun run, Bytes& bytes) const {
  COFFER_TRY(shape.Check(run));
  if (shape.layout() != layout_ || bytes.size() != shape.SealedOf(run).size) {
    return Error{Code::kInvalid, "bytes of another size than these frames have"};
  }
  Status opened = OpenAllInPlace(shape, run, bytes);
  if (!opened) {
    Wipe(bytes);
    bytes.clear();
    return opened;
  }
  bytes.resize(shape.PlainOf(run).size);
  return opened;
}

// What stands at the beginning of `frame`, as it must at the place of that number.
Result<Opener::Placed> Opener::HeadOf(const Shape& shape, FrameNumber number,
                                      ByteView frame) const {
  ByteReader reader(frame);
  COFFER_ASSIGN(const FrameHead head, ParseFrameHead(reader, layout_.frame_size()));
  COFFER_TRY(CheckHead(head, shape, number, ours_));
  return Placed{head, reader.position()};
}

Status Opener::OpenAll(const Shape& shape, FrameRun run, ByteView sealed,
                       MutableByteView out) const {
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(content_key_.view()));
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const FrameRun one{run.first + i, 1};
    const ByteView frame = sealed.first(shape.SealedOf(one).size);
    COFFER_ASSIGN(const Placed placed, HeadOf(shape, one.first, frame));
    COFFER_TRY(OpenFrame(cipher, message_id_, placed.head, frame.subspan(placed.begin),
                         out.first(placed.head.size)));
    sealed = sealed.subspan(frame.size());
    out = out.subspan(placed.head.size);
  }
  return Ok();
}

// Each frame is deciphered where it lies, for which OpenSSL takes the very place or one that does
// not overlap it, and then moved to the end of what was opened before.
Status Opener::OpenAllInPlace(const Shape& shape, FrameRun run, MutableByteView bytes) const {
  COFFER_ASSIGN(AesGcm cipher, AesGcm::ForOpening(content_key_.view()));
  MutableByteView rest = bytes;
  std::size_t opened = 0;
  for (std::uint32_t i = 0; i < run.count; ++i) {
    const FrameRun one{run.first + i, 1};
    const MutableByteView frame = rest.first(shape.SealedOf(one).size);
    COFFER_ASSIGN(const Placed placed, HeadOf(shape, one.first, frame));
    const MutableByteView plain = frame.subspan(placed.begin, placed.head.size);
    COFFER_TRY(OpenFrame(cipher, message_id_, placed.head, frame.subspan(placed.begin), plain));
    if (!plain.empty()) std::memmove(bytes.data() + opened, plain.data(), plain.size());
    opened += plain.size();
    rest = rest.subspan(frame.size());
  }
  return Ok();
}

}  // namespace coffer
