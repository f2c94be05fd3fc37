// The volume descriptor, and a mount's own description of a volume.

#include "fs/json.h"
#include "fs/volume_descriptor.h"
#include "fs/volume_json.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

bool Same(const fs::VolumeDescriptor& a, const fs::VolumeDescriptor& b) {
  return a.id == b.id && a.header_size == b.header_size && a.frame_size == b.frame_size &&
         a.keys == b.keys && a.context == b.context && a.binding == b.binding &&
         a.lock_rules == b.lock_rules;
}

}  // namespace

void FuzzDescriptor(ByteView input) {
  const std::string_view text = AsText(input);
  if (const auto descriptor = fs::ParseDescriptor(text)) {
    Must(!descriptor->keys.empty(), "a volume has keys");
    Must(descriptor->header_size > 0 && descriptor->frame_size > 0, "a volume has sizes");
    const auto again = fs::ParseDescriptor(fs::ToText(*descriptor));
    Must(again && Same(*descriptor, *again), "a descriptor there and back");
    const EncryptionContext context = fs::ContextOf(*descriptor);
    Must(context.at("vol") == descriptor->id, "the context names the volume");
    Must(fs::DescriptorContext(*descriptor) != context, "the descriptor has a context of its own");
    for (const fs::KeyName& key : descriptor->keys)
      Must(!fs::Describe(key).empty(), "a key has a name");
  } else {
    Must(descriptor.error().what.find('\n') == std::string::npos, "an error is one line");
  }
  const fs::Json json = fs::Json::parse(text, nullptr, false);
  if (!json.is_object()) return;
  fs::VolumeOptions options;
  fs::ApplyVolume(json, options);
  fs::VolumeOptions again;
  fs::ApplyVolume(fs::DescribeVolume(options), again);
  Must(fs::DescribeVolume(again) == fs::DescribeVolume(options), "a description there and back");
}

}  // namespace coffer::test
