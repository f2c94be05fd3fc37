#include "fs/control_door.h"

#include <utility>
#include <vector>

#include "fs/caller.h"
#include "s3client/arn.h"
#include "s3client/partitions.h"

namespace coffer::fs {

Result<bool> SpeaksToAws(const VolumeOptions& options) {
  const std::string& url = options.address.endpoint_url;
  if (url.empty()) return true;
  COFFER_ASSIGN(const s3::Endpoint endpoint, s3::ParseEndpoint(url));
  return s3::IsAwsHost(endpoint.host);
}

Result<AccessPointName> ParseAccessPointName(const std::string& text) {
  if (!s3::LooksLikeArn(text)) {
    const bool fits =
        text.size() >= 3 && text.size() <= 50 &&
        text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos &&
        text.front() != '-' && text.back() != '-';
    if (fits && !text.ends_with("-s3alias")) return AccessPointName{text, "", ""};
    return Error{Code::kInvalid,
                 "'" + text +
                     "' is no name of an access point: 3 to 50 lower-case letters, digits and "
                     "inner hyphens, or its ARN"};
  }
  COFFER_ASSIGN(const s3::Arn arn, s3::ParseArn(text));
  const s3::Resource resource = s3::SplitResource(arn.resource, 2);
  const bool fits = arn.service == "s3" && !arn.region.empty() && !arn.account.empty() &&
                    resource.components.size() == 2 && resource.rest.empty() &&
                    resource.components[0] == "accesspoint";
  if (fits) return AccessPointName{resource.components[1], arn.account, arn.region};
  return Error{Code::kInvalid, "'" + text +
                                   "' is not the ARN of an access point: "
                                   "arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"};
}

Result<std::unique_ptr<ControlDoor>> ControlDoor::Open(Network& network,
                                                       const VolumeOptions& options,
                                                       const Environment& environment,
                                                       const std::string& region,
                                                       std::string account) {
  COFFER_ASSIGN(const bool aws, SpeaksToAws(options));
  if (!aws && options.control_endpoint_url.empty()) {
    return Error{Code::kInvalid,
                 "--endpoint-url is a server of its own: --control-endpoint-url says where its S3 "
                 "Control is, if it has one"};
  }
  if (network.credentials() == nullptr) network.FindCredentials(region);
  if (account.empty()) {
    auto caller = AskCaller(network, options, environment, region, aws);
    if (!caller) {
      return std::move(caller).error().While(
          "find out whose access points are meant (or give --account)");
    }
    account = caller->account;
  }
  COFFER_ASSIGN(s3::ControlAddress address,
                s3::MakeControlAddress({std::move(account), region, options.control_endpoint_url,
                                        options.address.fips, options.address.dual_stack}));
  std::unique_ptr<ControlDoor> door(new ControlDoor());
  door->signed_ = network.Signed({s3::Scheme::kSigV4, "s3", region});
  door->retried_ = network.Retried(*door->signed_, Patience::kQuick);
  door->control_ = std::make_unique<s3::S3Control>(*door->retried_, std::move(address));
  return door;
}

Result<s3::AccessPoint> ControlDoor::Get(const std::string& name) {
  COFFER_ASSIGN(auto found, control_->Find(name));
  if (found) return std::move(*found);
  return Error{Code::kUnavailable, "account " + account() + " has no access point " + name +
                                       " in " + control_->address().region};
}

Result<s3::AccessPoint> ControlDoor::GetByAlias(const std::string& alias) {
  COFFER_ASSIGN(const std::vector<s3::AccessPoint> all, control_->List(""));
  for (const s3::AccessPoint& point : all) {
    if (point.alias == alias) return point;
  }
  return Error{Code::kUnavailable, "no access point of account " + account() + " in " +
                                       control_->address().region + " has the alias " + alias};
}

}  // namespace coffer::fs
