#include "fs/key_pins.h"

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/json.h"
#include "fs/private_file.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kPinLimit = 256u << 10;

std::string PinFile(const std::string& state_directory, const std::string& address) {
  const Sha256Digest digest = Sha256(AsBytes(address));
  return state_directory + "/volumes/" + HexEncode(ByteView(digest.data(), 16));
}

Error UnreadablePins(const std::string& path) {
  return {Code::kCorrupt,
          path + ", which says under which keys this volume may be, cannot be read"};
}

}  // namespace

Result<std::optional<KeyPin>> LoadPin(const std::string& state_directory,
                                      const std::string& address) {
  const std::string path = PinFile(state_directory, address);
  COFFER_ASSIGN(const bool there, HasPrivateFile(path));
  if (!there) return std::optional<KeyPin>();
  COFFER_ASSIGN(const std::string text, ReadPrivateFile(path, kPinLimit));
  const Json json = Json::parse(text, nullptr, false);
  const auto known_address = json.is_object() ? json.find("address") : json.end();
  const auto descriptor = json.is_object() ? json.find("descriptor") : json.end();
  if (known_address == json.end() || *known_address != address || descriptor == json.end() ||
      !descriptor->is_string()) {
    return UnreadablePins(path);
  }
  auto parsed = ParseDescriptor(descriptor->get<std::string>());
  if (!parsed) return UnreadablePins(path);
  return std::optional<KeyPin>(KeyPin{address, parsed->id, std::move(parsed->keys)});
}

Status SavePin(const std::string& state_directory, const KeyPin& pin) {
  VolumeDescriptor seen;
  seen.id = pin.volume;
  seen.keys = pin.keys;
  const Json json = {{"address", pin.address}, {"descriptor", ToText(seen)}};
  COFFER_TRY(MakePrivateDirectory(state_directory + "/volumes"));
  return ReplacePrivateFile(PinFile(state_directory, pin.address), ToText(json));
}

}  // namespace coffer::fs
