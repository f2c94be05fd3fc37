// Which keys a message's header names, beside those of a volume. A header is a claim until its tag
// was verified. Pure functions.

#pragma once

#include <string>
#include <vector>

#include "crypto/key_source.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {

// Was it wrapped by `key`, as it says? A KMS key is also its replica in another Region.
bool IsWrappedBy(const EncryptedDataKey& encrypted, const KeyName& key);

// Is a message sealed under exactly these keys, in whatever order, as it says?
bool IsSealedUnder(const std::vector<EncryptedDataKey>& encrypted,
                   const std::vector<KeyName>& keys);

// The key that it names, fit for Describe: an attacker's words.
KeyName ClaimedKey(const EncryptedDataKey& encrypted);

}  // namespace coffer::fs
