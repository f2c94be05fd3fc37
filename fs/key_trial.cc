#include "fs/key_trial.h"

#include <algorithm>
#include <utility>

#include "crypto/header.h"
#include "fs/json.h"
#include "fs/policy_hint.h"

namespace coffer::fs {

Result<KeyTrial> TryKeys(std::vector<KeyName>& names, const std::vector<KeyMaterial>& given,
                         const KeyWorkshop& workshop, const MultiKeySource::Now& now,
                         const EncryptionContext& context) {
  COFFER_ASSIGN(auto rings, MakeKeyrings(names, given, workshop));
  COFFER_ASSIGN(const auto singles, MakeKeyrings(names, given, workshop));
  KeyTrial trial;
  trial.source = std::make_unique<MultiKeySource>(std::move(rings), now);
  COFFER_ASSIGN(const DataKeyPtr made, trial.source->ForSealing(context));
  for (std::size_t i = 0; i < singles.size(); ++i) {
    KeyName& name = names[i];
    const auto opened = singles[i]->Unwrap(made->encrypted[i], context, made->key.size());
    const bool only_seals = !opened && opened.error().code == Code::kUnsupported;
    if (!opened && !only_seals) return Error(opened.error()).While("try " + Describe(name));
    if (name.kind == KeyName::Kind::kKms) name.name = made->encrypted[i].info;  // an alias's key
  }
  trial.encrypted = made->encrypted;
  return trial;
}

void ShowMissingStatement(const Error& error, const std::vector<KeyName>& names, Console& console) {
  if (error.code != Code::kDenied) return;
  const KeyName* denied = nullptr;
  for (const KeyName& key : names) {
    if (key.kind != KeyName::Kind::kKms) continue;
    if (denied == nullptr || error.what.find(key.name) != error.what.npos) denied = &key;
  }
  if (denied == nullptr) return;
  console.err << "coffer: the key's policy, or one of the caller, lacks this:\n";
  console.out << ToText(KmsStatement(denied->name,
                                     {"kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"}))
              << "\n";
}

Status CheckKeySet(const std::vector<KeyName>& keys, bool no_recovery_key) {
  if (keys.empty()) return Error{Code::kInvalid, "a sealed volume needs a key"};
  if (keys.size() > kMostKeys) {
    return Error{Code::kInvalid, "a volume has at most " + std::to_string(kMostKeys) + " keys"};
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (!SameKey(keys[i], keys[j])) continue;
      return Error{Code::kInvalid, "the volume has this key already: " + Describe(keys[i])};
    }
  }
  const bool only_rsa = std::all_of(
      keys.begin(), keys.end(), [](const KeyName& key) { return key.kind == KeyName::Kind::kRsa; });
  if (only_rsa) {
    return Error{
        Code::kInvalid,
        "RSA keys alone make a volume that can only be read: it needs a KMS key or a local "
        "AES key (--kms-key, --key-file)"};
  }
  const bool only_one = keys.size() == 1 && keys.front().kind == KeyName::Kind::kKms;
  if (!only_one || no_recovery_key) return Ok();
  return Error{
      Code::kInvalid,
      "with one KMS key and nothing else, all files are lost with the key. Have a recovery "
      "key (--new-recovery-key FILE, and keep FILE elsewhere, or --recovery-key PUB.pem) "
      "or a second KMS key, or say --no-recovery-key"};
}

Result<std::size_t> HeaderNeeded(const VolumeDescriptor& descriptor,
                                 const std::vector<EncryptedDataKey>& encrypted) {
  Header header;
  header.message_id.resize(header.suite.message_id_size());
  header.context = DescriptorContext(descriptor);  // one pair more than files have
  header.encrypted = encrypted;
  header.frame_size = descriptor.frame_size;
  return HeaderSize(header);
}

}  // namespace coffer::fs
