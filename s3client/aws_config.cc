#include "s3client/aws_config.h"

#include <algorithm>
#include <initializer_list>

#include "crypto/ascii.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kProfilePrefix = "profile ";

const IniValues* Section(const IniFile& file, std::string_view name) {
  const auto found = file.find(name);
  return found == file.end() ? nullptr : &found->second;
}

std::string_view Value(const IniValues* values, std::string_view key) {
  if (values == nullptr) return {};
  const auto found = values->find(key);
  return found == values->end() ? std::string_view() : std::string_view(found->second);
}

std::string InHome(const Environment& env, std::string_view variable, std::string_view below) {
  const std::string home = env("HOME");
  std::string path = env(variable);
  if (path.empty()) return home.empty() ? std::string() : home + std::string(below);
  if (path.starts_with("~/") && !home.empty()) path.replace(0, 1, home);
  return path;
}

bool HoldsKeys(const IniFile& file) {
  return std::any_of(file.begin(), file.end(), [](const auto& section) {
    return section.second.contains("aws_secret_access_key");
  });
}

struct Loaded {
  IniFile values;
  bool exposed = false;
};

Result<Loaded> LoadFile(const std::string& path) {
  if (path.empty()) return Loaded{};
  COFFER_ASSIGN(const auto file, ReadLocalFile(path));
  if (!file) return Loaded{};
  auto values = ParseIni(file->text);
  if (!values) return std::move(values).error().While(path);
  Loaded loaded{std::move(*values), false};
  loaded.exposed = file->others_can_read && HoldsKeys(loaded.values);
  return loaded;
}

std::string Join(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + name;
  return out.empty() ? "none" : out;
}

// Reads settings from the environment first, from the profile next.
class Reader {
 public:
  Reader(const Profile* profile, const Environment& env) : profile_(profile), env_(env) {}

  std::string Text(std::initializer_list<std::string_view> variables,
                   std::initializer_list<std::string_view> keys) const {
    for (const auto variable : variables) {
      if (std::string value = env_(variable); !value.empty()) return value;
    }
    for (const auto key : keys) {
      if (profile_ != nullptr && profile_->Has(key)) return std::string(profile_->Get(key));
    }
    return {};
  }

  Status Switch(std::string_view variable, std::initializer_list<std::string_view> keys,
                bool& into) const {
    const std::string value = AsciiLower(Text({variable}, keys));
    if (value.empty()) return Ok();
    if (value != "true" && value != "false") {
      return Error{Code::kInvalid, (variable.empty() ? "" : std::string(variable) + " or ") +
                                       std::string(*keys.begin()) +
                                       " of the profile must be true or false"};
    }
    into = value == "true";
    return Ok();
  }

 private:
  const Profile* profile_;
  const Environment& env_;
};

// The address configured for one service.
Result<std::string> EndpointOf(const SharedConfig& config, const Profile* profile,
                               const Environment& env, std::string_view variable,
                               std::string_view service_key) {
  const Reader reader(profile, env);
  bool ignore = false;
  COFFER_TRY(reader.Switch("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                           {"ignore_configured_endpoint_urls"}, ignore));
  if (ignore) return std::string();
  if (std::string url = reader.Text({variable, "AWS_ENDPOINT_URL"}, {}); !url.empty()) return url;
  if (profile == nullptr) return std::string();
  const IniValues* services = config.Services(profile->Get("services"));
  if (const auto url = Value(services, service_key); !url.empty()) return std::string(url);
  return std::string(profile->Get("endpoint_url"));
}

}  // namespace

std::string_view Profile::Get(std::string_view key) const {
  const auto first = Value(credentials_, key);
  return first.empty() ? Value(config_, key) : first;
}

bool Profile::InCredentialsFile(std::string_view key) const {
  return !Value(credentials_, key).empty();
}

SharedConfig::Paths SharedConfig::Locate(const Environment& env) {
  return {InHome(env, "AWS_CONFIG_FILE", "/.aws/config"),
          InHome(env, "AWS_SHARED_CREDENTIALS_FILE", "/.aws/credentials")};
}

Result<SharedConfig> SharedConfig::Load(const Environment& env) {
  SharedConfig config;
  config.paths_ = Locate(env);
  COFFER_ASSIGN(Loaded settings, LoadFile(config.paths_.config));
  COFFER_ASSIGN(Loaded keys, LoadFile(config.paths_.credentials));
  config.config_ = std::move(settings.values);
  config.credentials_ = std::move(keys.values);
  if (settings.exposed) config.exposed_file_ = config.paths_.config;
  if (keys.exposed) config.exposed_file_ = config.paths_.credentials;
  return config;
}

std::optional<Profile> SharedConfig::Find(std::string_view name) const {
  const IniValues* settings = Section(config_, std::string(kProfilePrefix) + std::string(name));
  if (settings == nullptr && name == "default") settings = Section(config_, name);
  const IniValues* keys = Section(credentials_, name);
  if (settings == nullptr && keys == nullptr) return std::nullopt;
  return Profile(std::string(name), settings, keys);
}

std::vector<std::string> SharedConfig::ProfileNames() const {
  std::vector<std::string> names;
  for (const auto& [section, values] : config_) {
    if (section.starts_with(kProfilePrefix)) names.push_back(section.substr(kProfilePrefix.size()));
    if (section == "default") names.push_back(section);
  }
  for (const auto& [section, values] : credentials_) names.push_back(section);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

const IniValues* SharedConfig::Services(std::string_view name) const {
  return name.empty() ? nullptr : Section(config_, "services " + std::string(name));
}

std::string ProfileName(std::string_view flag, const Environment& env) {
  if (!flag.empty()) return std::string(flag);
  for (const auto variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    if (std::string name = env(variable); !name.empty()) return name;
  }
  return "default";
}

Status RequireProfile(const SharedConfig& config, std::string_view flag, const Environment& env) {
  const std::string name = ProfileName(flag, env);
  const bool named =
      !flag.empty() || !env("AWS_PROFILE").empty() || !env("AWS_DEFAULT_PROFILE").empty();
  if (!named || config.Find(name)) return Ok();
  return Error{Code::kDenied, "there is no profile " + name +
                                  (flag.empty() ? " (named by AWS_PROFILE)" : "") + " in " +
                                  config.paths().config + " or " + config.paths().credentials +
                                  "; the profiles there are: " + Join(config.ProfileNames())};
}

Result<AwsSettings> ReadAwsSettings(const SharedConfig& config, std::string_view profile_flag,
                                    const Environment& env) {
  COFFER_TRY(RequireProfile(config, profile_flag, env));
  const auto found = config.Find(ProfileName(profile_flag, env));
  const Profile* profile = found ? &*found : nullptr;
  const Reader reader(profile, env);
  AwsSettings settings;
  settings.region = reader.Text({"AWS_REGION", "AWS_DEFAULT_REGION"}, {"region"});
  settings.ca_bundle = reader.Text({"AWS_CA_BUNDLE"}, {"ca_bundle"});
  COFFER_ASSIGN(settings.endpoint_url,
                EndpointOf(config, profile, env, "AWS_ENDPOINT_URL_S3", "s3.endpoint_url"));
  COFFER_ASSIGN(settings.sts_endpoint_url,
                EndpointOf(config, profile, env, "AWS_ENDPOINT_URL_STS", "sts.endpoint_url"));
  COFFER_ASSIGN(
      settings.control_endpoint_url,
      EndpointOf(config, profile, env, "AWS_ENDPOINT_URL_S3_CONTROL", "s3_control.endpoint_url"));
  COFFER_TRY(reader.Switch("AWS_S3_USE_ARN_REGION", {"s3.use_arn_region", "s3_use_arn_region"},
                           settings.use_arn_region));
  COFFER_TRY(reader.Switch(
      "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS",
      {"s3.disable_multiregion_access_points", "s3_disable_multiregion_access_points"},
      settings.disable_multi_region_access_points));
  COFFER_TRY(reader.Switch("AWS_USE_FIPS_ENDPOINT", {"use_fips_endpoint"}, settings.fips));
  COFFER_TRY(reader.Switch("AWS_USE_DUALSTACK_ENDPOINT",
                           {"s3.use_dualstack_endpoint", "use_dualstack_endpoint"},
                           settings.dual_stack));
  COFFER_TRY(reader.Switch("", {"s3.use_accelerate_endpoint"}, settings.transfer_acceleration));
  settings.force_path_style = reader.Text({}, {"s3.addressing_style"}) == "path";
  return settings;
}

}  // namespace coffer::s3
