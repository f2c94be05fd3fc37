#include "fs/volume_json.h"

namespace coffer::fs {
namespace {

enum class First { kMount, kCaller };

struct TextField {
  const char* name = nullptr;
  std::string& (*field)(VolumeOptions&) = nullptr;
  First first = First::kMount;  // whose word counts, where both have one
};
constexpr TextField kTexts[] = {
    {"source", [](VolumeOptions& v) -> std::string& { return v.source; }},
    {"region", [](VolumeOptions& v) -> std::string& { return v.address.region; }},
    {"endpoint_url", [](VolumeOptions& v) -> std::string& { return v.address.endpoint_url; }},
    {"prefix", [](VolumeOptions& v) -> std::string& { return v.address.prefix; }},
    {"ca_bundle", [](VolumeOptions& v) -> std::string& { return v.ca_bundle; }},
    {"expected_bucket_owner",
     [](VolumeOptions& v) -> std::string& { return v.expected_bucket_owner; }, First::kCaller},
};

struct SwitchField {
  const char* name = nullptr;
  bool& (*field)(VolumeOptions&) = nullptr;
  First first = First::kMount;
};
constexpr SwitchField kSwitches[] = {
    {"force_path_style", [](VolumeOptions& v) -> bool& { return v.address.force_path_style; }},
    {"fips", [](VolumeOptions& v) -> bool& { return v.address.fips; }},
    {"dual_stack", [](VolumeOptions& v) -> bool& { return v.address.dual_stack; }},
    {"transfer_acceleration",
     [](VolumeOptions& v) -> bool& { return v.address.transfer_acceleration; }},
    {"use_arn_region", [](VolumeOptions& v) -> bool& { return v.address.use_arn_region; }},
    {"requester_pays", [](VolumeOptions& v) -> bool& { return v.requester_pays; }, First::kCaller},
};

}  // namespace

Json DescribeVolume(const VolumeOptions& options) {
  VolumeOptions copy = options;
  Json description;
  for (const TextField& text : kTexts) description[text.name] = text.field(copy);
  for (const SwitchField& item : kSwitches) description[item.name] = item.field(copy);
  description["connect_to"] = options.connect_to;
  return description;
}

void ApplyVolume(const Json& description, VolumeOptions& options) {
  for (const TextField& text : kTexts) {
    if (text.first == First::kCaller && !text.field(options).empty()) continue;
    const auto found = description.find(text.name);
    if (found != description.end() && found->is_string())
      text.field(options) = found->get<std::string>();
  }
  for (const SwitchField& item : kSwitches) {
    if (item.first == First::kCaller && item.field(options)) continue;
    const auto found = description.find(item.name);
    if (found != description.end() && found->is_boolean()) item.field(options) = found->get<bool>();
  }
  if (!options.connect_to.empty()) return;  // the caller's
  const auto hosts = description.find("connect_to");
  if (hosts == description.end() || !hosts->is_array()) return;
  for (const auto& host : *hosts)
    if (host.is_string()) options.connect_to.push_back(host.get<std::string>());
}

}  // namespace coffer::fs
