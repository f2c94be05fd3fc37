// --encryption-context NAME=VALUE, as it may stand several times. Pure.

#pragma once

#include <string>
#include <vector>

#include "crypto/encryption_context.h"
#include "crypto/result.h"

namespace coffer::fs {

// kInvalid for a word without '=', a name that stands twice, is empty, or belongs to the format.
Result<EncryptionContext> ParseUserContext(const std::vector<std::string>& words);

}  // namespace coffer::fs
