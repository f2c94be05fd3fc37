// AWS's shared config and credentials files: the profiles in them, and the settings that mounting
// needs, with the environment variables that override these.
//
// A SharedConfig is a value: the files as they were when it was loaded. Pure but for Load, which
// reads two local files; safe from any thread.

#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "s3client/environment.h"
#include "s3client/ini.h"
#include "s3client/local_file.h"

namespace coffer::s3 {

// One profile: its section of the credentials file over its section of the config file.
class Profile {
 public:
  Profile(std::string name, const IniValues* config, const IniValues* credentials)
      : name_(std::move(name)), config_(config), credentials_(credentials) {}

  const std::string& name() const { return name_; }
  // "" when it is not set; sub-keys as "s3.use_arn_region". Lives as long as the SharedConfig.
  std::string_view Get(std::string_view key) const;
  bool Has(std::string_view key) const { return !Get(key).empty(); }
  // Is the value the credentials file's?
  bool InCredentialsFile(std::string_view key) const;

 private:
  std::string name_;
  const IniValues* config_;       // may be null
  const IniValues* credentials_;  // may be null
};

class SharedConfig {
 public:
  struct Paths {
    std::string config;       // "" when there is no home directory to look in
    std::string credentials;  // likewise
    // What changes when one of them is edited or replaced.
    std::array<FileStamp, 2> Stamps() const { return {StampOf(config), StampOf(credentials)}; }
  };
  // AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE, else ~/.aws/config and ~/.aws/credentials.
  static Paths Locate(const Environment& env);

  // Files that do not exist are empty. kDenied for one that cannot be read, kInvalid with file and
  // line for one that cannot be understood.
  static Result<SharedConfig> Load(const Environment& env);

  std::optional<Profile> Find(std::string_view name) const;
  std::vector<std::string> ProfileNames() const;
  // The section [services NAME], nothing when there is none.
  const IniValues* Services(std::string_view name) const;
  const Paths& paths() const { return paths_; }
  // A file with long-term keys in it that other users of this machine can read; "" when there is
  // none.
  const std::string& exposed_file() const { return exposed_file_; }

 private:
  Paths paths_;
  IniFile config_;
  IniFile credentials_;
  std::string exposed_file_;
};

// The profile that counts: `flag` (--profile), else AWS_PROFILE, AWS_DEFAULT_PROFILE, "default".
std::string ProfileName(std::string_view flag, const Environment& env);
// kDenied when `flag` or AWS_PROFILE names a profile that does not exist, with those that do.
Status RequireProfile(const SharedConfig& config, std::string_view flag, const Environment& env);

// What the environment, and below it the profile, say about addresses; flags go before both.
struct AwsSettings {
  std::string region;            // AWS_REGION, AWS_DEFAULT_REGION, region
  std::string endpoint_url;      // AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, services/s3, endpoint_url
  std::string sts_endpoint_url;  // the same for STS
  std::string control_endpoint_url;  // the same for S3 Control
  std::string ca_bundle;             // AWS_CA_BUNDLE, ca_bundle
  bool use_arn_region = true;        // AWS_S3_USE_ARN_REGION, s3.use_arn_region
  bool disable_multi_region_access_points = false;
  bool fips = false;
  bool dual_stack = false;
  bool force_path_style = false;  // s3.addressing_style = path
  bool transfer_acceleration = false;
};
// kDenied as RequireProfile; kInvalid for a switch that is neither true nor false.
Result<AwsSettings> ReadAwsSettings(const SharedConfig& config, std::string_view profile_flag,
                                    const Environment& env);

}  // namespace coffer::s3
