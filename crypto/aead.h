// AES-GCM with 96-bit nonces and 128-bit tags, under one key.
//
// An object is keyed once and then seals, or opens, any number of pieces. It belongs to one thread
// at a time; another thread makes one of its own, which costs a fraction of a microsecond. The
// expanded key lies on the ordinary heap and is wiped with the object: keep none longer than
// needed.

#pragma once

#include <array>

#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"

namespace coffer {

inline constexpr std::size_t kTagSize = 16;
using Nonce = std::array<std::byte, 12>;

class AesGcm {
 public:
  // `key`: 16, 24 or 32 bytes; else kInvalid.
  static Result<AesGcm> ForSealing(ByteView key);
  static Result<AesGcm> ForOpening(ByteView key);

  // Writes ciphertext and tag to `out`, which has plaintext.size() + kTagSize bytes and may begin
  // where `plaintext` does. Never use a nonce twice under one key for different bytes. For an
  // object made by ForSealing.
  Status Seal(const Nonce& nonce, ByteView authenticated, ByteView plaintext, MutableByteView out);

  // Writes the plaintext of `sealed` (ciphertext and tag) to `out`, of sealed.size() - kTagSize
  // bytes. kCorrupt when the tag does not fit; then `out` has been wiped. Nobody else may look at
  // `out` before this returns. For an object made by ForOpening.
  Status Open(const Nonce& nonce, ByteView authenticated, ByteView sealed, MutableByteView out);

 private:
  explicit AesGcm(CipherContext context) : context_(std::move(context)) {}
  static Result<AesGcm> Make(ByteView key, int sealing);
  Status Begin(const Nonce& nonce, ByteView authenticated);
  // Ciphers `in` to `out`, of equal size; kNone is authenticated only.
  Status Update(ByteView in, std::byte* out);

  CipherContext context_;
};

}  // namespace coffer
