// The extended attributes of a sealed object, encrypted, as they travel with it (coffer-format(5)):
//
//   nonce 12 | ciphertext | tag 16        AES-256-GCM under the message's xattr key
//
// The nonce is random, since attributes change while the message and its key stay. Nothing beside
// them is authenticated here: the bind tag covers the stored bytes.
//
// Pure functions, safe from any thread.

#pragma once

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

// `xattr_key`: DeriveXattrKey of the message.
Result<Bytes> SealXattrs(const Secret& xattr_key, ByteView plaintext);

// kCorrupt when they do not authenticate.
Result<Bytes> OpenXattrs(const Secret& xattr_key, ByteView sealed);

}  // namespace coffer
