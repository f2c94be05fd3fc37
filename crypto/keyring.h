// One key that wraps data keys: a KMS key, a local AES key, a local RSA pair. MultiKeySource makes
// a KeySource of several.

#pragma once

#include <string>

#include "crypto/key_source.h"

namespace coffer {

// A data key in the clear and what one keyring made of it.
struct WrappedKey {
  Secret key;
  EncryptedDataKey encrypted;
};

// Safe to share between threads. All but Name and Owns may block on the network; of KMS they fail
// with kDenied, kKeyMissing, kKeyDisabled, kUnavailable, kTimeout, kInterrupted. No error's text
// holds a key.
class Keyring {
 public:
  virtual ~Keyring() = default;

  // For people: "AES key coffer/0123456789abcdef".
  virtual std::string Name() const = 0;

  // A new data key of 32 bytes.
  virtual Result<WrappedKey> Generate(const EncryptionContext& context) = 0;
  virtual Result<EncryptedDataKey> Wrap(const Secret& key, const EncryptionContext& context) = 0;

  // Whether `encrypted` names this key. It is an attacker's claim until Unwrap has proven it.
  virtual bool Owns(const EncryptedDataKey& encrypted) const = 0;
  // For one that it owns. kCorrupt when it does not unwrap under this context, or not to `size`
  // bytes. kUnsupported for a key that can only wrap.
  virtual Result<Secret> Unwrap(const EncryptedDataKey& encrypted, const EncryptionContext& context,
                                std::size_t size) = 0;
};

}  // namespace coffer
