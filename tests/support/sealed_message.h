// A whole message at once, for tests.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

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

}  // namespace coffer::test
