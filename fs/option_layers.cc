#include "fs/option_layers.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "crypto/ascii.h"
#include "fs/option_values.h"
#include "fs/option_words.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kVariablePrefix = "COFFER_";
// The project's own tests; never options, whatever they look like.
constexpr std::string_view kTestPrefix = "COFFER_TEST_";

std::string VariableFor(std::string_view name) {
  std::string variable(kVariablePrefix);
  for (const char c : name) variable += c == '-' ? '_' : static_cast<char>(c & ~0x20);
  return variable;
}

constexpr unsigned kWithProfile =
    kForMount | kForDoctor | kForResolve | kForRemove | kForInit | kForKey | kForReseal | kForSeal |
    kForOpen | kForVerify | kForInspect | kForRebind | kForLock | kForHold | kForUnlock |
    kForShare | kForCors | kForEncryption | kForLogging | kForVersioning | kForLockDefault |
    kForLifecycle | kForPolicy | kForAccessPoint | kForVersions;

// What the AWS SDKs read, in their order: the first variable that is set counts.
struct SdkVariable {
  std::string_view name;
  std::string_view option;
};
constexpr SdkVariable kSdkVariables[] = {
    {"AWS_REGION", "region"},
    {"AWS_DEFAULT_REGION", "region"},
    {"AWS_ENDPOINT_URL_S3", "endpoint-url"},
    {"AWS_ENDPOINT_URL", "endpoint-url"},
    {"AWS_ENDPOINT_URL_S3_CONTROL", "control-endpoint-url"},
    {"AWS_ENDPOINT_URL", "control-endpoint-url"},
    {"AWS_CA_BUNDLE", "ca-bundle"},
    {"AWS_PROFILE", "profile"},
    {"AWS_DEFAULT_PROFILE", "profile"},
    {"AWS_USE_FIPS_ENDPOINT", "fips"},
    {"AWS_USE_DUALSTACK_ENDPOINT", "dual-stack"},
    {"AWS_S3_USE_ARN_REGION", "no-use-arn-region"},
    {"AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS", "disable-multi-region-access-points"},
};

bool IgnoresConfiguredEndpoints(const Environment& environment) {
  const auto ignore =
      ParseSwitch(Get(environment, std::string("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")));
  return ignore && *ignore;
}

// NAME = VALUE, or NAME for a switch; '#' begins a comment; quotes keep blanks and '#'.
Status TakeConfigLine(std::string line, const std::string& origin, Layer& layer) {
  line = std::string(Trimmed(line));
  if (line.empty() || line[0] == '#') return Ok();
  const std::size_t equals = line.find('=');
  const std::string name = WithDashes(std::string(Trimmed(line.substr(0, equals))));
  std::string value(
      equals == std::string::npos ? "true" : Trimmed(std::string_view(line).substr(equals + 1)));
  if (value.size() >= 2 && value.front() == '"') {
    const std::size_t end = value.find('"', 1);
    if (end == std::string::npos) return Usage(origin + ": a quote does not end");
    value = value.substr(1, end - 1);
  } else {
    const std::size_t comment = value.find(" #");
    if (comment != std::string::npos) value = std::string(Trimmed(value.substr(0, comment)));
  }
  if (name == "config" || FindOption(name) == nullptr) {
    const std::string nearest = Nearest(name, Names(~0u));
    return Usage(origin + ": '" + name + "' is no option" +
                 (nearest.empty() ? "" : "; did you mean " + nearest + "?"));
  }
  layer[name].push_back({value, origin});
  return Ok();
}

}  // namespace

Error Usage(std::string what) { return {Code::kInvalid, std::move(what)}; }

std::vector<std::string_view> Names(unsigned commands) {
  std::vector<std::string_view> names;
  for (const OptionSpec& option : Options())
    if ((option.commands & commands) != 0) names.push_back(option.name);
  return names;
}

std::string WithDashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

bool AsksService(const CommandSpec& command) { return (command.bit & kWithProfile) != 0; }

std::string_view Get(const Environment& environment, const std::string& name) {
  const auto found = environment.find(name);
  return found == environment.end() ? std::string_view() : found->second;
}

Status CheckCofferVariables(const Environment& environment, const CommandSpec& command,
                            std::vector<std::string>& notes) {
  if (!AsksService(command)) return Ok();
  std::vector<std::string> all;
  for (const OptionSpec& option : Options()) all.push_back(VariableFor(option.name));
  std::vector<std::string> own;
  for (const std::string_view name : Names(command.bit))
    own.push_back(VariableFor(name).substr(kVariablePrefix.size()));
  const std::vector<std::string_view> candidates(own.begin(), own.end());
  for (const auto& [variable, value] : environment) {
    if (!variable.starts_with(kVariablePrefix) || variable.starts_with(kTestPrefix)) continue;
    if (std::find(all.begin(), all.end(), variable) != all.end()) continue;
    const std::string nearest = Nearest(variable.substr(kVariablePrefix.size()), candidates);
    std::string what = "the environment variable ";
    what.append(variable).append(" is no option");
    if (!nearest.empty()) {
      return Usage(
          what.append("; did you mean COFFER_").append(nearest).append("? (else unset it)"));
    }
    notes.push_back(what.append(", and counts for nothing"));
  }
  return Ok();
}

Layer FromCofferVariables(const Environment& environment) {
  Layer layer;
  for (const OptionSpec& option : Options()) {
    const std::string variable = VariableFor(option.name);
    const std::string_view value = Get(environment, variable);
    if (!value.empty()) layer[std::string(option.name)].push_back({std::string(value), variable});
  }
  return layer;
}

Layer FromSdkVariables(const Environment& environment) {
  Layer layer;
  for (const SdkVariable& variable : kSdkVariables) {
    std::string value(Get(environment, std::string(variable.name)));
    const std::string option(variable.option);
    if (value.empty() || layer.count(option) > 0) continue;
    if (option.ends_with("endpoint-url") && IgnoresConfiguredEndpoints(environment)) continue;
    if (option == "no-use-arn-region") {
      // The variable says the opposite of the option.
      const auto use = ParseSwitch(value);
      if (use) value = *use ? "false" : "true";
    }
    layer[option].push_back({value, std::string(variable.name)});
  }
  return layer;
}

Result<Layer> FromFile(const std::string& path, bool must_exist) {
  Layer layer;
  std::ifstream file(path);
  if (!file) {
    // What is there but cannot be read may say read-only: it is never passed over.
    std::error_code ignored;
    const bool absent =
        std::filesystem::status(path, ignored).type() == std::filesystem::file_type::not_found;
    if (absent && !must_exist) return layer;
    return Usage((must_exist ? "--config " : "") + path + ": cannot be read");
  }
  std::string line;
  for (int number = 1; std::getline(file, line); ++number)
    COFFER_TRY(TakeConfigLine(line, path + ":" + std::to_string(number), layer));
  return layer;
}

}  // namespace coffer::fs
