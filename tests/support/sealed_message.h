// A whole message at once, for tests.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "crypto/frame.h"
#include "crypto/sealer.h"

namespace coffer::test {

inline Bytes BytesOf(std::string_view text) {
  const ByteView view = AsBytes(text);
  return {view.begin(), view.end()};
}

// `size` bytes that tell where they stand.
inline std::string Content(std::size_t size) {
  std::string out(size, 0);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 7 + i / 256);
  return out;
}

// The message that `sealer` makes of `plaintext`.
inline Bytes SealWhole(Sealer& sealer, std::string_view plaintext) {
  const std::size_t frame_size = sealer.layout().frame_size();
  Bytes out(sealer.header().begin(), sealer.header().end());
  FrameNumber number = 1;
  const auto room = [&out](std::size_t size) {
    out.resize(out.size() + size);
    return MutableByteView(out).last(size);
  };
  while (plaintext.size() > frame_size) {
    sealer
        .Seal(number++, AsBytes(plaintext.substr(0, frame_size)), room(frame_size + kFrameOverhead))
        .value();
    plaintext.remove_prefix(frame_size);
  }
  sealer.SealFinal(number, AsBytes(plaintext), room(plaintext.size() + kFinalOverhead)).value();
  return out;
}

// All frames of a message, with nothing to keep a number from being used twice: for messages whose
// id the test chose.
inline Bytes SealFrames(AesGcm& cipher, ByteView message_id, std::string_view content,
                        std::uint32_t frame_size) {
  Bytes out;
  for (FrameNumber number = 1;; ++number) {
    const bool last = content.size() <= frame_size;
    const std::string_view plain = content.substr(0, frame_size);
    const std::size_t size = plain.size() + (last ? kFinalOverhead : kFrameOverhead);
    out.resize(out.size() + size);
    const FrameHead head{last ? FrameKind::kFinal : FrameKind::kRegular, number, FrameNonce(number),
                         plain.size()};
    SealFrame(cipher, message_id, head, AsBytes(plain), MutableByteView(out).last(size)).value();
    if (last) return out;
    content.remove_prefix(frame_size);
  }
}

}  // namespace coffer::test
