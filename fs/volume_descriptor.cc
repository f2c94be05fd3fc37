#include "fs/volume_descriptor.h"

#include <array>
#include <optional>
#include <utility>

#include "fs/json.h"
#include "fs/lock_rules.h"

namespace coffer::fs {
namespace {

constexpr int kFormat = 1;
constexpr std::uint32_t kLargestVolumeHeader = 8192;

struct KindName {
  KeyName::Kind kind;
  const char* name;
};
constexpr KindName kKinds[] = {{KeyName::Kind::kKms, "aws-kms"},
                               {KeyName::Kind::kAes, "raw-aes"},
                               {KeyName::Kind::kRsa, "raw-rsa"}};

struct BindingName {
  BindingPolicy binding;
  const char* name;
};
constexpr BindingName kBindings[] = {{BindingPolicy::kStrict, "strict"},
                                     {BindingPolicy::kWarn, "warn"},
                                     {BindingPolicy::kOff, "off"}};

Error UnusableDescriptor(const std::string& why) {
  return {Code::kCorrupt, "the volume descriptor cannot be used: " + why};
}

Result<std::string> TextOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string())
    return UnusableDescriptor(std::string(name) + " is missing");
  return found->get<std::string>();
}

Result<std::uint32_t> NumberOf(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_number_unsigned() ||
      found->get<std::uint64_t>() > 0xffffffff) {
    return UnusableDescriptor(std::string(name) + " is missing");
  }
  return found->get<std::uint32_t>();
}

Json ToJson(const KeyName& key) {
  Json json;
  for (const auto& kind : kKinds)
    if (kind.kind == key.kind) json["type"] = kind.name;
  if (key.kind == KeyName::Kind::kKms) {
    json["arn"] = key.name;
    return json;
  }
  json["namespace"] = key.provider;
  json["name"] = key.name;
  if (key.kind == KeyName::Kind::kRsa) {
    json["padding"] = key.padding;
    json["public_key"] = key.public_key;
  }
  return json;
}

Result<KeyName> ParseKey(const Json& json) {
  if (!json.is_object()) return UnusableDescriptor("a key is no object");
  COFFER_ASSIGN(const std::string type, TextOf(json, "type"));
  KeyName key;
  if (type == "aws-kms") {
    key.provider = type;
    COFFER_ASSIGN(key.name, TextOf(json, "arn"));
    return key;
  }
  if (type != "raw-aes" && type != "raw-rsa") return UnusableDescriptor("a key is of type " + type);
  key.kind = type == "raw-aes" ? KeyName::Kind::kAes : KeyName::Kind::kRsa;
  COFFER_ASSIGN(key.provider, TextOf(json, "namespace"));
  COFFER_ASSIGN(key.name, TextOf(json, "name"));
  if (key.kind == KeyName::Kind::kAes) return key;
  COFFER_ASSIGN(key.padding, TextOf(json, "padding"));
  COFFER_ASSIGN(key.public_key, TextOf(json, "public_key"));
  return key;
}

Result<std::vector<KeyName>> ParseKeys(const Json& json) {
  const auto keys = json.find("keys");
  if (keys == json.end() || !keys->is_array() || keys->empty())
    return UnusableDescriptor("keys is missing");
  std::vector<KeyName> parsed;
  for (const Json& key : *keys) {
    COFFER_ASSIGN(KeyName name, ParseKey(key));
    if (name.name.empty()) return UnusableDescriptor("a key has no name");
    parsed.push_back(std::move(name));
  }
  return parsed;
}

Result<EncryptionContext> ContextFrom(const Json& json) {
  EncryptionContext context;
  const auto pairs = json.find("encryption_context");
  if (pairs == json.end()) return context;
  if (!pairs->is_object()) return UnusableDescriptor("encryption_context is no object");
  for (const auto& [name, value] : pairs->items()) {
    if (!value.is_string())
      return UnusableDescriptor("encryption_context has a value that is no text");
    context.emplace(name, value.get<std::string>());
  }
  return context;
}

// Of volumes without rules the descriptor is as it was before there were any.
Result<std::vector<std::string>> ParseRules(const Json& json) {
  std::vector<std::string> rules;
  const auto found = json.find("lock_rules");
  if (found == json.end()) return rules;
  if (!found->is_array()) return UnusableDescriptor("lock_rules is no list");
  for (const Json& rule : *found) {
    if (!rule.is_string()) return UnusableDescriptor("lock_rules has an entry that is no text");
    rules.push_back(rule.get<std::string>());
    if (const auto parsed = ParseLockRule(rules.back()); !parsed) {
      return UnusableDescriptor(parsed.error().what);
    }
  }
  return rules;
}

}  // namespace

std::string Describe(const KeyName& key) {
  if (key.kind == KeyName::Kind::kKms) return key.name;
  const char* kind = key.kind == KeyName::Kind::kAes ? "AES key " : "RSA key ";
  return kind + key.provider + "/" + key.name;
}

std::optional<BindingPolicy> BindingOf(std::string_view word) {
  for (const auto& known : kBindings)
    if (word == known.name) return known.binding;
  return std::nullopt;
}

std::string ToText(const VolumeDescriptor& descriptor) {
  Json json;
  json["format"] = kFormat;
  json["volume"] = descriptor.id;
  json["header_size"] = descriptor.header_size;
  json["frame_size"] = descriptor.frame_size;
  json["keys"] = Json::array();
  for (const KeyName& key : descriptor.keys) json["keys"].push_back(ToJson(key));
  json["encryption_context"] = Json::object();
  for (const auto& [name, value] : descriptor.context) json["encryption_context"][name] = value;
  for (const auto& binding : kBindings)
    if (binding.binding == descriptor.binding) json["name_binding"] = binding.name;
  if (!descriptor.lock_rules.empty()) json["lock_rules"] = descriptor.lock_rules;
  return ToText(json) + "\n";
}

Result<VolumeDescriptor> ParseDescriptor(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return UnusableDescriptor("it is no JSON object");
  COFFER_ASSIGN(const std::uint32_t format, NumberOf(json, "format"));
  if (format != kFormat) {
    return Error{Code::kUnsupported, "the volume has format " + std::to_string(format) +
                                         ": this version of coffer reads format 1"};
  }
  VolumeDescriptor descriptor;
  COFFER_ASSIGN(descriptor.id, TextOf(json, "volume"));
  COFFER_ASSIGN(descriptor.header_size, NumberOf(json, "header_size"));
  COFFER_ASSIGN(descriptor.frame_size, NumberOf(json, "frame_size"));
  COFFER_ASSIGN(descriptor.keys, ParseKeys(json));
  COFFER_ASSIGN(descriptor.context, ContextFrom(json));
  COFFER_ASSIGN(const std::string binding, TextOf(json, "name_binding"));
  const std::optional<BindingPolicy> known = BindingOf(binding);
  if (!known) return UnusableDescriptor("name_binding is " + binding);
  descriptor.binding = *known;
  COFFER_ASSIGN(descriptor.lock_rules, ParseRules(json));
  if (descriptor.header_size == 0 || descriptor.header_size > kLargestVolumeHeader ||
      descriptor.frame_size == 0) {
    return UnusableDescriptor("its sizes are impossible");
  }
  return descriptor;
}

EncryptionContext ContextOf(const VolumeDescriptor& descriptor) {
  EncryptionContext context = descriptor.context;
  context["coffer"] = "1";
  context["vol"] = descriptor.id;
  return context;
}

EncryptionContext DescriptorContext(const VolumeDescriptor& descriptor) {
  EncryptionContext context = ContextOf(descriptor);
  context["kind"] = "volume";
  return context;
}

}  // namespace coffer::fs
