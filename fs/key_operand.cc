#include "fs/key_operand.h"

#include <optional>
#include <string_view>

namespace coffer::fs {
namespace {

constexpr std::string_view kForms =
    "kms-key=ARN, key-file=FILE, aes-key=NAMESPACE/NAME=FILE, "
    "rsa-key=NAMESPACE/NAME:PADDING=FILE, recovery-key=PUB.pem or new-recovery-key=FILE";

Error NoKey(const std::string& operand) {
  return {Code::kInvalid, "a key to add is written " + std::string(kForms) + ", not " + operand};
}

Status Once(std::string& field, std::string value, std::string_view word) {
  if (!field.empty()) {
    return Error{Code::kInvalid, std::string(word) +
                                     " can stand once: use aes-key or rsa-key, or "
                                     "add one after the other"};
  }
  field = std::move(value);
  return Ok();
}

Status Take(const std::string& operand, KeysToAdd& all) {
  if (operand.starts_with("arn:") || operand.starts_with("alias/")) {
    all.keys.kms_keys.push_back(operand);
    return Ok();
  }
  const std::size_t equals = operand.find('=');
  if (equals == operand.npos || equals + 1 == operand.size()) return NoKey(operand);
  const std::string word = operand.substr(0, equals);
  std::string value = operand.substr(equals + 1);
  for (const auto& [list, name] :
       {std::pair{&all.keys.kms_keys, "kms-key"}, std::pair{&all.keys.aes_keys, "aes-key"},
        std::pair{&all.keys.rsa_keys, "rsa-key"}}) {
    if (word != name) continue;
    list->push_back(std::move(value));
    return Ok();
  }
  if (word == "key-file") return Once(all.keys.key_file, std::move(value), word);
  if (word == "recovery-key") return Once(all.keys.recovery_key, std::move(value), word);
  if (word == "new-recovery-key") return Once(all.new_recovery_key, std::move(value), word);
  return NoKey(operand);
}

bool Means(const std::string& operand, const KeyName& key) {
  if (key.kind != KeyName::Kind::kKms) return operand == key.provider + "/" + key.name;
  return operand == key.name || key.name.ends_with(":key/" + operand);
}

}  // namespace

Result<KeysToAdd> ParseKeysToAdd(std::span<const std::string> operands) {
  KeysToAdd all;
  for (const std::string& operand : operands) COFFER_TRY(Take(operand, all));
  if (!all.keys.recovery_key.empty() && !all.new_recovery_key.empty()) {
    return Error{Code::kInvalid, "recovery-key and new-recovery-key exclude each other"};
  }
  return all;
}

Result<std::size_t> FindKey(const std::vector<KeyName>& keys, const std::string& operand) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!Means(operand, keys[i])) continue;
    if (found) {
      return Error{Code::kInvalid, operand + " are several keys of the volume: name the whole ARN"};
    }
    found = i;
  }
  if (found) return *found;
  return Error{Code::kInvalid, operand +
                                   " is no key of the volume: coffer key list shows them (an " +
                                   "alias is not known here, its ARN is)"};
}

}  // namespace coffer::fs
