// The authentication of a header: what makes its fields true (coffer-format(5)).
//
// Pure functions, safe from any thread; they do not block.

#pragma once

#include "crypto/bytes.h"
#include "crypto/header.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

struct SealedHeader {
  Bytes bytes;
  Secret content_key;  // for the frames of this message
};
// Derives the keys of the message, fills in the commitment, and encodes and seals the header. Once
// for a message id, ever: a second header under it would give the key away.
Result<SealedHeader> SealHeader(Header& header, const DataKey& key, SecretArena& arena);

// The content key of the message whose header is `header`, as parsed from the beginning of `bytes`.
// kCorrupt when the header does not commit to this data key or its tag does not fit. `unstored` are
// pairs that were authenticated with the header but do not stand in it.
Result<Secret> VerifyHeader(const Header& header, ByteView bytes, const DataKey& key,
                            const EncryptionContext& unstored, SecretArena& arena);

}  // namespace coffer
