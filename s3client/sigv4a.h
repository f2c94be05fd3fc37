// The key that SigV4A signs with: a P-256 scalar derived from a pair of access keys.
//
// Deriving costs two HMACs or a few more and one point multiplication, so whoever signs often keeps
// the key beside the credentials it belongs to (SigningTransport does).

#pragma once

#include "crypto/ecdsa.h"
#include "crypto/result.h"
#include "s3client/credentials.h"

namespace coffer::s3 {

// kInvalid when no scalar can be made of these credentials (chance: about 2^-8000).
Result<P256Key> DeriveSigV4aKey(const Credentials& credentials);

}  // namespace coffer::s3
