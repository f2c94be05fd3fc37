// One long ciphertext under one key, deciphered as it arrives: AES-GCM with its tag at the end, or
// AES-CBC with PKCS#7 padding.
//
// What Update gives out is NOT authenticated before Finish has succeeded (of CBC: never). Nobody
// else may see it before; whoever keeps it meanwhile throws it away when anything fails. An object
// belongs to one thread at a time. Every failure is the same kCorrupt: why a CBC ciphertext is
// refused would help whoever tries ciphertexts out.

#pragma once

#include <cstdint>

#include "crypto/aead.h"
#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"

namespace coffer {

class DecryptStream {
 public:
  // What a call may give out beyond the size of what it was given.
  static constexpr std::size_t kSpare = 16;
  // The longest plaintext of one key and nonce.
  static constexpr std::uint64_t kMaxGcm = (std::uint64_t{1} << 36) - 32;

  // `sealed_size` is that of the whole ciphertext, tag or padding included. `key` has 32 bytes.
  static Result<DecryptStream> Gcm(ByteView key, const Nonce& nonce, ByteView authenticated,
                                   std::uint64_t sealed_size);
  static Result<DecryptStream> Cbc(ByteView key, ByteView iv, std::uint64_t sealed_size);

  // Deciphers the next piece to `out`, which has room for in.size() + kSpare bytes and lies
  // elsewhere; returns how many bytes that were.
  Result<std::size_t> Update(ByteView in, MutableByteView out);
  // After the last piece: writes what is left to `out`, of kSpare bytes, and verifies the tag.
  Result<std::size_t> Finish(MutableByteView out);

 private:
  DecryptStream(CipherContext context, std::uint64_t sealed_size, std::size_t tag_size)
      : context_(std::move(context)), left_(sealed_size), tag_size_(tag_size) {}
  static Result<CipherContext> Begin(const char* algorithm, ByteView key, ByteView iv);
  Result<std::size_t> Decipher(ByteView in, std::byte* out);

  CipherContext context_;
  std::uint64_t left_;    // of the ciphertext
  std::size_t tag_size_;  // 0 without one
  std::array<std::byte, kTagSize> tag_{};
};

}  // namespace coffer
