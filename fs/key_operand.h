// KEY as `coffer key add` and `coffer key remove` take it: the keys that change stand apart from
// the key options, which name the keys that are at hand. Pure functions.

#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/key_options.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {

struct KeysToAdd {
  KeyOptions keys;
  std::string new_recovery_key;  // a file to make
};

// Each is the option that would name such a key, without its dashes: kms-key=ARN, key-file=FILE,
// aes-key=NS/N=FILE, rsa-key=NS/N:P=FILE, recovery-key=FILE, new-recovery-key=FILE; a key's ARN
// alone is a KMS key. kInvalid, with these forms, for anything else and for a second key-file or
// recovery key.
Result<KeysToAdd> ParseKeysToAdd(std::span<const std::string> operands);

// Which of `keys` an operand means, as `coffer key list` shows it: an ARN, the id at its end, or
// NAMESPACE/NAME. kInvalid when it is none of them, or several.
Result<std::size_t> FindKey(const std::vector<KeyName>& keys, const std::string& operand);

}  // namespace coffer::fs
