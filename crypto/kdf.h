// HKDF (RFC 5869), and the keys that one message derives from its data key and its message id.
//
// Functions, safe from any thread. Keys land in the caller's arena: kNoMemory when that is full.

#pragma once

#include <array>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"
#include "crypto/suite.h"

namespace coffer {

// Extract and expand at once. An empty salt is one of zeros, as the RFC has it. `size` is at most
// kMaxSecret.
Result<Secret> Hkdf(SecretArena& arena, Hash hash, ByteView salt, ByteView key, ByteView info,
                    std::size_t size);

using Commitment = std::array<std::byte, 32>;

struct MessageKeys {
  Secret content;           // seals the header and the frames
  Commitment commitment{};  // no secret: it stands in the header. Zero where the suite has none
};

// kInvalid when the data key or the message id is not as long as the suite says.
Result<MessageKeys> DeriveMessageKeys(const Suite& suite, ByteView data_key, ByteView message_id,
                                      SecretArena& arena);

// Two more keys of a message of the suite that is written (its message id has 32 bytes),
// independent of the others: for the tag that binds it to its name, and for its extended
// attributes.
Result<Secret> DeriveBindKey(ByteView data_key, ByteView message_id, SecretArena& arena);
Result<Secret> DeriveXattrKey(ByteView data_key, ByteView message_id, SecretArena& arena);

// The keys of one object of the S3 Encryption Client's version 3 (its suite 0x0073). kInvalid
// unless the data key has 32 bytes and the message id 28.
using S3ecCommitment = std::array<std::byte, 28>;
struct S3ecMessageKeys {
  Secret content;
  S3ecCommitment commitment{};  // no secret: it stands in the metadata
};
Result<S3ecMessageKeys> DeriveS3ecKeys(ByteView data_key, ByteView message_id, SecretArena& arena);

}  // namespace coffer
