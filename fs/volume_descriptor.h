// What `coffer init` writes into <prefix>.coffer/volume, and every mount of a sealed volume reads
// first: the volume's constants and the keys that seal new files (coffer-format(5)).
//
// Pure functions. The text is trusted only after the message that carries it was opened under a key
// that this machine expects.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/key_source.h"
#include "crypto/result.h"
#include "fs/sealed_volume.h"

namespace coffer::fs {

// Below the volume's prefix.
inline constexpr std::string_view kDescriptorName = ".coffer/volume";

// A key that wraps data keys, without the key itself.
struct KeyName {
  enum class Kind { kKms, kAes, kRsa };
  Kind kind = Kind::kKms;
  std::string provider;    // "aws-kms", or the namespace of a raw key
  std::string name;        // the ARN that KMS returned, or the name of a raw key
  std::string padding;     // RSA: "pkcs1", "oaep-sha1", "oaep-sha256", "oaep-sha384", "oaep-sha512"
  std::string public_key;  // RSA: the half that seals, as PEM
  bool operator==(const KeyName&) const = default;
};

// For people: "arn:aws:kms:...", "AES key coffer/0123...", "RSA key coffer-recovery/0123...".
std::string Describe(const KeyName& key);

struct VolumeDescriptor {
  std::string id;  // a UUID
  std::uint32_t header_size = 1024;
  std::uint32_t frame_size = 64u << 10;
  std::vector<KeyName> keys;  // the first makes data keys; all wrap them
  EncryptionContext context;  // what the user added
  BindingPolicy binding = BindingPolicy::kStrict;
  std::vector<std::string> lock_rules = {};  // of every mount (fs/lock_rules.h), in their order
};

// "strict", "warn", "off"; nothing for any other word.
std::optional<BindingPolicy> BindingOf(std::string_view word);

std::string ToText(const VolumeDescriptor& descriptor);
// kCorrupt for what no version of coffer wrote; kUnsupported for one of a later format.
Result<VolumeDescriptor> ParseDescriptor(std::string_view text);

// Of all messages of the volume, and of the descriptor itself.
EncryptionContext ContextOf(const VolumeDescriptor& descriptor);
EncryptionContext DescriptorContext(const VolumeDescriptor& descriptor);

}  // namespace coffer::fs
