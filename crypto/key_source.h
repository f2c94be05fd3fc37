// Where the keys of messages come from: KMS, local AES or RSA keys, or a cache in front of them.
//
// A data key is shared by many messages; each message derives its own keys from it and from its
// message id (coffer-format(5)), so a DataKey is never used directly.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

// Of the suite that is written.
inline constexpr std::size_t kDataKeySize = 32;

// Name to value, both UTF-8, authenticated with every message and every wrapped key. Sorted by the
// bytes of the names, as the serialized form wants it.
using EncryptionContext = std::map<std::string, std::string>;

// One encrypted data key of a message: the data key, wrapped by one of the keys that may open it.
struct EncryptedDataKey {
  std::string provider;  // "aws-kms", or the namespace of a raw key
  std::string info;      // KMS: the key's ARN; raw AES: name, tag bits, IV size, IV; raw RSA: name
  std::string ciphertext;  // the wrapped key
  bool operator==(const EncryptedDataKey&) const = default;
};

// A data key in the clear beside the wrapped forms that go into the header. Immutable once made, so
// that threads and messages share it by shared_ptr.
struct DataKey {
  Secret key;                               // 32 bytes; 16, 24 or 32 for suites that are only read
  std::vector<EncryptedDataKey> encrypted;  // all of them, in header order, without coffer-pad
};
using DataKeyPtr = std::shared_ptr<const DataKey>;

// Safe to share between threads. Both calls may block on the network.
class KeySource {
 public:
  virtual ~KeySource() = default;

  // A data key for sealing one more message, wrapped by every key of the volume. kUnsupported when
  // this source can only open. Of KMS: kDenied, kKeyMissing, kKeyDisabled, kUnavailable, kTimeout.
  virtual Result<DataKeyPtr> ForSealing(const EncryptionContext& context) = 0;

  // Opens one of `encrypted`, trying only those whose provider and name this source holds, in
  // order. `size` is the suite's key size in bytes: another one is kCorrupt. kKeyMissing when none
  // of them is ours; kCorrupt when one is ours and does not unwrap under this context.
  virtual Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                        const EncryptionContext& context, std::size_t size) = 0;

  // Bytes of ciphertext sealed under a key that ForSealing gave: a cache counts them against its
  // limit. Others have nothing to count.
  virtual void Used(const DataKeyPtr& /*key*/, std::uint64_t /*bytes*/) {}
};

}  // namespace coffer
