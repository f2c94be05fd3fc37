#include "fs/volume_json.h"

namespace coffer::fs {
namespace {

struct TextField {
  const char* name;
  std::string& (*field)(VolumeOptions&);
};
constexpr TextField kTexts[] = {
    {"source", [](VolumeOptions& v) -> std::string& { return v.source; }},
    {"region", [](VolumeOptions& v) -> std::string& { return v.address.region; }},
    {"endpoint_url", [](VolumeOptions& v) -> std::string& { return v.address.endpoint_url; }},
    {"prefix", [](VolumeOptions& v) -> std::string& { return v.address.prefix; }},
    {"ca_bundle", [](VolumeOptions& v) -> std::string& { return v.ca_bundle; }},
    {"profile", [](VolumeOptions& v) -> std::string& { return v.profile; }},
    {"expected_bucket_owner",
     [](VolumeOptions& v) -> std::string& { return v.expected_bucket_owner; }},
};

struct SwitchField {
  const char* name;
  bool& (*field)(VolumeOptions&);
};
constexpr SwitchField kSwitches[] = {
    {"force_path_style", [](VolumeOptions& v) -> bool& { return v.address.force_path_style; }},
    {"fips", [](VolumeOptions& v) -> bool& { return v.address.fips; }},
    {"dual_stack", [](VolumeOptions& v) -> bool& { return v.address.dual_stack; }},
    {"transfer_acceleration",
     [](VolumeOptions& v) -> bool& { return v.address.transfer_acceleration; }},
    {"use_arn_region", [](VolumeOptions& v) -> bool& { return v.address.use_arn_region; }},
    {"profile_named", [](VolumeOptions& v) -> bool& { return v.profile_named; }},
    {"no_sign_request", [](VolumeOptions& v) -> bool& { return v.no_sign_request; }},
    {"requester_pays", [](VolumeOptions& v) -> bool& { return v.requester_pays; }},
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
    const auto found = description.find(text.name);
    if (found != description.end() && found->is_string())
      text.field(options) = found->get<std::string>();
  }
  for (const SwitchField& item : kSwitches) {
    const auto found = description.find(item.name);
    if (found != description.end() && found->is_boolean()) item.field(options) = found->get<bool>();
  }
  const auto hosts = description.find("connect_to");
  if (hosts == description.end() || !hosts->is_array()) return;
  options.connect_to.clear();
  for (const auto& host : *hosts)
    if (host.is_string()) options.connect_to.push_back(host.get<std::string>());
}

}  // namespace coffer::fs
