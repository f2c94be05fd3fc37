// One frame of a message's body: its bytes, and what its tag authenticates beside the content
// (coffer-format(5)). An unframed body is one frame of a kind of its own.
//
//   regular:  number 4 | nonce 12 | ciphertext F | tag 16
//   final:    FF FF FF FF | number 4 | nonce 12 | length 4 | ciphertext | tag 16
//   whole:    nonce 12 | length 8 | ciphertext | tag 16
//
// Pure functions, safe from any thread.

#pragma once

#include <cstdint>

#include "crypto/aead.h"
#include "crypto/bytes.h"
#include "crypto/cursor.h"
#include "crypto/layout.h"
#include "crypto/result.h"

namespace coffer {

enum class FrameKind { kRegular, kFinal, kWhole };

// What stands before the ciphertext, and says what is to be authenticated with it.
struct FrameHead {
  FrameKind kind = FrameKind::kRegular;
  FrameNumber number = 1;  // always 1 in an unframed body
  Nonce nonce{};
  std::uint64_t size = 0;  // of the plaintext, and so of the ciphertext
};

// The nonce that we and all current writers give to a frame: its number.
Nonce FrameNonce(FrameNumber number);

// The head at the reader, of a message with frames of `frame_size`; a final frame is not longer
// (kCorrupt). kRange when the bytes end inside it.
Result<FrameHead> ParseFrameHead(ByteReader& reader, std::uint32_t frame_size);
// The head of an unframed body.
Result<FrameHead> ParseWholeHead(ByteReader& reader);

// Writes the whole frame, head included, to `out`, which has just its size. For the nonce that
// FrameNonce gives, and for regular and final frames only.
Status SealFrame(AesGcm& cipher, ByteView message_id, const FrameHead& head, ByteView plaintext,
                 MutableByteView out);

// Opens what follows the head, ciphertext and tag, into `out`, which has head.size bytes. kCorrupt,
// and `out` wiped, when it does not authenticate.
Status OpenFrame(AesGcm& cipher, ByteView message_id, const FrameHead& head, ByteView sealed,
                 MutableByteView out);

}  // namespace coffer
