// The serialized form of an encryption context: in the header of a message, and as what wrapping a
// data key with a raw AES key authenticates (coffer-format(5)).
//
// Pure functions, safe from any thread.

#pragma once

#include <string_view>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"

namespace coffer {

// Names that begin so belong to the format itself.
inline constexpr std::string_view kReservedPrefix = "aws-crypto-";
// Where messages with a signature carry the point that verifies it.
inline constexpr std::string_view kPublicKeyName = "aws-crypto-public-key";

// A count and then the pairs, sorted by the bytes of their names; no bytes at all for no pairs.
// kTooLarge over 65,535 bytes.
Result<Bytes> SerializeContext(const EncryptionContext& context);

// The pairs of such bytes, in whatever order they stand. kCorrupt when they are not exactly that,
// or when a name stands twice.
Result<EncryptionContext> ParseContext(ByteView serialized);

// What a user may seal under: kInvalid for an empty or reserved name, or too many bytes in all.
Status CheckUserContext(const EncryptionContext& context);

}  // namespace coffer
