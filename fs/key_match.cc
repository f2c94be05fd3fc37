#include "fs/key_match.h"

#include <algorithm>

#include "s3client/kms_key.h"

namespace coffer::fs {
namespace {

constexpr const char* kKmsProvider = "aws-kms";
// What follows the name of a raw AES key: the sizes of tag and nonce, four bytes each, and a nonce.
constexpr std::size_t kAesSuffix = 4 + 4 + 12;
constexpr std::string_view kTagBits("\0\0\0\x80", 4);

bool IsAes(const EncryptedDataKey& encrypted) {
  const std::string_view info = encrypted.info;
  return info.size() > kAesSuffix &&
         info.substr(info.size() - kAesSuffix, kTagBits.size()) == kTagBits;
}

}  // namespace

bool IsWrappedBy(const EncryptedDataKey& encrypted, const KeyName& key) {
  if (key.kind == KeyName::Kind::kKms) {
    const auto id = s3::ParseKmsKeyId(key.name, "");
    return encrypted.provider == kKmsProvider && id && !id->is_alias() &&
           s3::SameKmsKey(*id, encrypted.info);
  }
  if (encrypted.provider != key.provider) return false;
  if (key.kind == KeyName::Kind::kRsa) return encrypted.info == key.name;
  return encrypted.info.size() == key.name.size() + kAesSuffix &&
         encrypted.info.starts_with(key.name);
}

bool IsSealedUnder(const std::vector<EncryptedDataKey>& encrypted,
                   const std::vector<KeyName>& keys) {
  if (encrypted.size() != keys.size()) return false;
  // Of replicas in two Regions each is a key of its own here: one must not stand for both.
  const auto names = [](const EncryptedDataKey& one, const KeyName& key) {
    return IsWrappedBy(one, key) && (key.kind != KeyName::Kind::kKms || one.info == key.name);
  };
  return std::all_of(keys.begin(), keys.end(), [&](const KeyName& key) {
    return std::any_of(encrypted.begin(), encrypted.end(),
                       [&](const EncryptedDataKey& one) { return names(one, key); });
  });
}

KeyName ClaimedKey(const EncryptedDataKey& encrypted) {
  if (encrypted.provider == kKmsProvider) {
    return {KeyName::Kind::kKms, encrypted.provider, encrypted.info, "", ""};
  }
  if (!IsAes(encrypted)) {
    return {KeyName::Kind::kRsa, encrypted.provider, encrypted.info, "", ""};
  }
  return {KeyName::Kind::kAes, encrypted.provider,
          encrypted.info.substr(0, encrypted.info.size() - kAesSuffix), "", ""};
}

}  // namespace coffer::fs
