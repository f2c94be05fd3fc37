// A local AES key as it lies in a file: 16, 24 or 32 bytes, raw, or in hex or base64 with white
// space around.
//
// Pure but for the arena; safe from any thread. The caller wipes what it read.

#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

// kInvalid for anything else, without quoting it. Text that reads as hex or base64 of a key is
// that: 32 hex digits are a key of 128 bits.
Result<Secret> ParseAesKeyFile(std::string_view content, SecretArena& arena);

// What such a key is called where nobody gave it a name: the first 16 hex digits of its SHA-256.
std::string AesKeyId(const Secret& key);

}  // namespace coffer
