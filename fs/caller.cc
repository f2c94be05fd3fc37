#include "fs/caller.h"

#include <utility>

#include "s3client/aws_config.h"
#include "s3client/sts.h"

namespace coffer::fs {

Result<StsCaller> AskCaller(Network& network, const VolumeOptions& options,
                            const Environment& environment, const std::string& region,
                            bool aws_host) {
  if (network.credentials() == nullptr) {
    return Error{Code::kUnsupported, "requests are not signed"};
  }
  COFFER_ASSIGN(const auto credentials, network.credentials()->Get());
  const s3::Environment env = [&](std::string_view name) {
    const auto found = environment.find(std::string(name));
    return found == environment.end() ? std::string() : found->second;
  };
  COFFER_ASSIGN(const s3::SharedConfig config, s3::SharedConfig::Load(env));
  COFFER_ASSIGN(
      const s3::AwsSettings settings,
      s3::ReadAwsSettings(config, options.profile_named ? options.profile : std::string(), env));
  if (settings.sts_endpoint_url.empty() && !aws_host)
    return Error{Code::kUnsupported, "only AWS's own STS knows whose keys these are"};
  COFFER_ASSIGN(s3::StsAddress address,
                s3::MakeStsAddress(region, settings.sts_endpoint_url, options.address.fips));
  s3::StsClient sts(network.plain(), network.server_time(), std::move(address));
  COFFER_ASSIGN(s3::CallerIdentity identity, sts.GetCallerIdentity(*credentials));
  return StsCaller{std::move(identity.account), std::move(identity.arn)};
}

}  // namespace coffer::fs
