#include "s3client/credentials_chain.h"

#include <utility>

#include "s3client/credentials_environment.h"
#include "s3client/credentials_profile.h"
#include "s3client/credentials_web_identity.h"

namespace coffer::s3 {

CredentialsChain::CredentialsChain(ChainOptions options, Environment env, Transport& sts_transport,
                                   ServerTime& time, Observer& observer)
    : options_(std::move(options)),
      env_(std::move(env)),
      sts_transport_(sts_transport),
      time_(time),
      observer_(observer) {}

Result<Credentials> CredentialsChain::Fetch() {
  {
    const std::lock_guard lock(mu_);
    seen_.reset();
  }
  // A profile that was named on the command line is not to be overruled by a forgotten variable.
  if (options_.profile.empty()) {
    COFFER_ASSIGN(auto keys, EnvironmentCredentials(env_));
    if (keys) return std::move(*keys);
  }
  {
    // Before the files are read: a change in between is seen by the next look.
    const std::lock_guard lock(mu_);
    seen_ = SharedConfig::Locate(env_).Stamps();
  }
  auto config = SharedConfig::Load(env_);
  if (!config) return Error{Code::kDenied, config.error().what};
  WarnOnce(*config);
  if (options_.profile.empty()) {
    COFFER_ASSIGN(auto identity, WebIdentityFromEnvironment(env_));
    if (identity) {
      COFFER_ASSIGN(StsClient sts, Sts(*config));
      return AssumeWebIdentity(std::move(*identity), SessionName(), sts);
    }
  }
  return FromProfile(*config);
}

bool CredentialsChain::Changed() {
  const auto now = SharedConfig::Locate(env_).Stamps();
  const std::lock_guard lock(mu_);
  return seen_ && *seen_ != now;
}

Result<Credentials> CredentialsChain::FromProfile(const SharedConfig& config) {
  COFFER_TRY(RequireProfile(config, options_.profile, env_));
  const std::string name = ProfileName(options_.profile, env_);
  // Only "default" can be missing here, and a section that merely sets a region is no mistake.
  const auto profile = config.Find(name);
  const bool named = name != "default" || !options_.profile.empty();
  if (!profile || (!named && !MentionsCredentials(*profile))) return Nothing(config);
  COFFER_ASSIGN(StsClient sts, Sts(config));
  return ProfileResolver({config, env_, sts, SessionName(), options_.process_timeout})
      .Resolve(name);
}

Result<StsClient> CredentialsChain::Sts(const SharedConfig& config) {
  auto settings = ReadAwsSettings(config, options_.profile, env_);
  if (!settings) return Error{Code::kDenied, settings.error().what};
  const std::string& region = options_.region.empty() ? settings->region : options_.region;
  auto address =
      MakeStsAddress(region, settings->sts_endpoint_url, options_.fips || settings->fips);
  if (!address) return Error{Code::kDenied, address.error().what};
  return StsClient(sts_transport_, time_, std::move(*address));
}

Error CredentialsChain::Nothing(const SharedConfig& config) const {
  const auto& paths = config.paths();
  std::string what =
      "no credentials: AWS_ACCESS_KEY_ID and AWS_WEB_IDENTITY_TOKEN_FILE are not "
      "set, and ";
  what += paths.config.empty() && paths.credentials.empty()
              ? "without HOME there are no files to look into"
              : "profile default has none in " + paths.credentials + " or " + paths.config;
  what += "; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
  std::string names;
  for (const auto& name : config.ProfileNames()) names += (names.empty() ? "" : ", ") + name;
  what += names.empty() ? ", write a profile (aws configure)"
                        : ", name a profile with --profile (there are: " + names + ")";
  what += ", or mount a public bucket with --no-sign-request";
  const bool container = !env_("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").empty() ||
                         !env_("AWS_CONTAINER_CREDENTIALS_FULL_URI").empty();
  what += container
              ? "; the container's role (AWS_CONTAINER_CREDENTIALS_...) is not supported yet: "
                "use credential_process"
              : "; roles of EC2 instances are not supported yet: use credential_process";
  return {Code::kDenied, std::move(what)};
}

// Tells this mount's sessions from others in CloudTrail.
std::string CredentialsChain::SessionName() const {
  const auto now = std::chrono::floor<std::chrono::seconds>(time_.Now());
  return "coffer-" + std::to_string(now.time_since_epoch().count());
}

void CredentialsChain::WarnOnce(const SharedConfig& config) {
  const std::string& path = config.exposed_file();
  if (path.empty() || std::exchange(warned_, true)) return;
  observer_.OnNotice(path +
                     " holds secret keys and other users of this machine can read it: "
                     "chmod 600 " +
                     path);
}

}  // namespace coffer::s3
