// The content of one object of the S3 Encryption Client, under its data key.
//
// Pure but for the arena. No key leaves it: what is derived is wiped when the stream is made.

#pragma once

#include <cstdint>

#include "crypto/decrypt_stream.h"
#include "crypto/result.h"
#include "crypto/s3ec_object.h"
#include "crypto/secret.h"

namespace coffer {

// Deciphers the `stored_size` bytes of the object; see DecryptStream for what that promises before
// its end. kCorrupt when the commitment of version 3 is not that of the key, before anything is
// deciphered, and for a size that cannot be.
Result<DecryptStream> OpenS3ecContent(const S3ecObject& object, const Secret& data_key,
                                      std::uint64_t stored_size, SecretArena& arena);

}  // namespace coffer
