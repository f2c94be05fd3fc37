// Verifies the ECDSA signature at the end of a message of a suite that signs, over bytes that
// arrive in pieces.
//
// Belongs to one thread at a time.

#pragma once

#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"
#include "crypto/suite.h"

namespace coffer {

class EcdsaVerifier {
 public:
  // `point`: the public key, as the message carries it (X9.62, compressed). kCorrupt when it is no
  // point of that curve. P-256 goes with SHA-256, P-384 with SHA-384.
  static Result<EcdsaVerifier> Make(Curve curve, ByteView point);

  Status Update(ByteView bytes);
  // kCorrupt unless `signature` (DER) is that of everything so far. Ends the work of this object.
  Status Finish(ByteView signature);

 private:
  EcdsaVerifier(Pkey key, MdContext context) : key_(std::move(key)), context_(std::move(context)) {}

  Pkey key_;
  MdContext context_;
};

}  // namespace coffer
