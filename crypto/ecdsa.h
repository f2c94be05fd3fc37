// ECDSA on the curve P-256 with SHA-256, from a private scalar that was derived elsewhere: what
// SigV4A signs with.
//
// A key is immutable after it was made and may be shared between threads.

#pragma once

#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"

namespace coffer {

class P256Key {
 public:
  // `scalar`: 32 bytes, big-endian, in [1, n-1]; else kInvalid.
  static Result<P256Key> FromScalar(ByteView scalar);

  // The signature of SHA-256(message), DER. Two calls give different, equally valid signatures.
  Result<Bytes> Sign(ByteView message) const;
  // kCorrupt unless `signature` (DER) is this key's signature of `message`.
  Status Verify(ByteView message, ByteView signature) const;
  // The public point, uncompressed: 65 bytes.
  ByteView public_point() const { return public_point_; }

 private:
  P256Key(Pkey key, Bytes public_point)
      : key_(std::move(key)), public_point_(std::move(public_point)) {}

  Pkey key_;
  Bytes public_point_;
};

}  // namespace coffer
