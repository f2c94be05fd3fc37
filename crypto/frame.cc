#include "crypto/frame.h"

#include <algorithm>
#include <cassert>
#include <string_view>

namespace coffer {
namespace {

std::string_view Label(FrameKind kind) {
  switch (kind) {
    case FrameKind::kRegular:
      return "AWSKMSEncryptionClient Frame";
    case FrameKind::kFinal:
      return "AWSKMSEncryptionClient Final Frame";
    case FrameKind::kWhole:
      return "AWSKMSEncryptionClient Single Block";
  }
  return {};
}

Bytes Authenticated(ByteView message_id, const FrameHead& head) {
  Bytes out;
  out.reserve(96);
  ByteWriter writer(out);
  writer.Append(message_id);
  writer.Append(AsBytes(Label(head.kind)));
  writer.Integer(head.number);
  writer.Integer(head.size);
  return out;
}

Result<Nonce> ParseNonce(ByteReader& reader) {
  Nonce nonce{};
  COFFER_ASSIGN(const ByteView bytes, reader.Take(nonce.size()));
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

std::string FrameName(const FrameHead& head) {
  return head.kind == FrameKind::kWhole ? "the body" : "frame " + std::to_string(head.number);
}

}  // namespace

Nonce FrameNonce(FrameNumber number) {
  Nonce nonce{};
  for (std::size_t i = 0; i < sizeof number; ++i) {
    nonce[nonce.size() - 1 - i] = static_cast<std::byte>(number >> 8 * i);
  }
  return nonce;
}

Result<FrameHead> ParseFrameHead(ByteReader& reader, std::uint32_t frame_size) {
  FrameHead head;
  COFFER_ASSIGN(head.number, reader.Integer<std::uint32_t>());
  if (head.number == kFinalMarker) {
    head.kind = FrameKind::kFinal;
    COFFER_ASSIGN(head.number, reader.Integer<std::uint32_t>());
  }
  COFFER_ASSIGN(head.nonce, ParseNonce(reader));
  head.size = frame_size;
  if (head.kind == FrameKind::kRegular) return head;
  COFFER_ASSIGN(const auto size, reader.Integer<std::uint32_t>());
  if (size > frame_size) {
    return Error{Code::kCorrupt, "a final frame that is longer than a full one"};
  }
  head.size = size;
  return head;
}

Result<FrameHead> ParseWholeHead(ByteReader& reader) {
  FrameHead head{.kind = FrameKind::kWhole};
  COFFER_ASSIGN(head.nonce, ParseNonce(reader));
  COFFER_ASSIGN(head.size, reader.Integer<std::uint64_t>());
  return head;
}

Status SealFrame(AesGcm& cipher, ByteView message_id, const FrameHead& head, ByteView plaintext,
                 MutableByteView out) {
  assert(head.kind != FrameKind::kWhole && head.nonce == FrameNonce(head.number));
  assert(head.size == plaintext.size());
  Bytes bytes;
  ByteWriter writer(bytes);
  if (head.kind == FrameKind::kFinal) writer.Integer(kFinalMarker);
  writer.Integer(head.number);
  writer.Append(head.nonce);
  if (head.kind == FrameKind::kFinal) writer.Integer(static_cast<std::uint32_t>(head.size));
  assert(out.size() == bytes.size() + plaintext.size() + kTagSize);
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return cipher.Seal(head.nonce, Authenticated(message_id, head), plaintext,
                     out.subspan(bytes.size()));
}

Status OpenFrame(AesGcm& cipher, ByteView message_id, const FrameHead& head, ByteView sealed,
                 MutableByteView out) {
  Status opened = cipher.Open(head.nonce, Authenticated(message_id, head), sealed, out);
  if (opened || opened.error().code != Code::kCorrupt) return opened;
  return Error{Code::kCorrupt, FrameName(head) + " does not authenticate: its bytes were changed"};
}

}  // namespace coffer
