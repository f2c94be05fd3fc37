// Keys wrapped by an AES key in the ways that the S3 Encryption Client has had, for reading only.
//
// `key` is the wrapping key of 16, 24 or 32 bytes. All are pure but for the arena, safe from any
// thread, and fail with kCorrupt, whatever was wrong; kNoMemory when the arena is full.

#pragma once

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

// Nonce (12) || ciphertext || tag (16).
Result<Secret> UnwrapAesGcm(ByteView key, ByteView authenticated, ByteView wrapped,
                            SecretArena& arena);
// RFC 3394.
Result<Secret> UnwrapAesKeyWrap(ByteView key, ByteView wrapped, SecretArena& arena);
// ECB with PKCS#7 padding: unauthenticated.
Result<Secret> UnwrapAesEcb(ByteView key, ByteView wrapped, SecretArena& arena);

}  // namespace coffer
