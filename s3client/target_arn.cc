// Addresses that are ARNs: access points of every kind.

#include <algorithm>
#include <utility>

#include "s3client/host_name.h"
#include "s3client/partitions.h"
#include "s3client/target_forms.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kMrapSuffix = ".mrap";

bool IsAccountId(std::string_view account) {
  return account.size() == 12 &&
         std::all_of(account.begin(), account.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status CheckAccount(std::string_view text, const Arn& arn, const AddressContext& context) {
  if (arn.account.empty()) return Refuse(text, "the account id is missing before the resource");
  // Other servers may name accounts as they like; AWS counts twelve digits.
  if (context.endpoint ? IsHostLabel(arn.account) : IsAccountId(arn.account)) return Ok();
  return Refuse(text, "the account id " + arn.account + " is not 12 digits");
}

// The Region that signs, in the same partition as the user's own.
Status CheckRegion(std::string_view text, const Arn& arn, const AddressContext& context) {
  const AddressOptions& options = context.options;
  if (arn.region.empty()) return Refuse(text, "the Region is missing in the ARN");
  if (!IsHostLabel(arn.region)) {
    return Refuse(text, "the Region " + arn.region + " is not the name of one");
  }
  if (!options.use_arn_region && options.region != arn.region) {
    return Refuse(text, "the ARN's Region " + arn.region + " is not " +
                            (options.region.empty() ? "given by --region" : options.region) +
                            ", and --no-use-arn-region forbids another; use --region " +
                            arn.region + " or leave out --no-use-arn-region");
  }
  const Partition& partition = PartitionOf(arn.region);
  if (!options.region.empty() && PartitionOf(options.region).name != partition.name) {
    return Refuse(text, "the Region " + arn.region + " is in the partition " +
                            std::string(partition.name) + ", but the Region " + options.region +
                            " of --region, AWS_REGION or the profile is in " +
                            std::string(PartitionOf(options.region).name) +
                            "; credentials of one do not work in the other");
  }
  if (!context.endpoint && arn.partition != partition.name) {
    return Refuse(text, "the Region " + arn.region + " is in the partition " +
                            std::string(partition.name) +
                            "; type arn:" + std::string(partition.name) + ":...");
  }
  if (options.fips && !partition.fips) {
    return Refuse("--fips", "the Region " + arn.region + " has no FIPS endpoints");
  }
  return Ok();
}

Status CheckName(std::string_view text, std::string_view name, std::string_view account) {
  if (name.empty()) return Refuse(text, "the access point's name is missing");
  if (!IsHostLabel(name)) {
    return Refuse(text, "the access point's name may hold letters, digits and '-' only, found " +
                            std::string(name));
  }
  if (name.size() + 1 + account.size() > 63) {
    return Refuse(text,
                  "the access point's name is too long: with the account id it must fit "
                  "into 63 characters");
  }
  return Ok();
}

// An IP address has no names below it, and a made-up Host header would not match what TLS checks.
Status CheckEndpoint(std::string_view text, std::string_view label, std::string_view domain,
                     const AddressContext& context) {
  if (!context.endpoint || !context.endpoint->is_ip) return Ok();
  const Endpoint& endpoint = *context.endpoint;
  const std::string port = endpoint.https ? "443" : "80";
  const std::string to_port = endpoint.port == 0 ? port : std::to_string(endpoint.port);
  const std::string instead =
      endpoint.https ? "leave it out and add" : "use --endpoint-url http://" + std::string(domain);
  return Refuse(text, "an access point is found by its host name, and --endpoint-url " +
                          endpoint.ToString() + " is an IP address; " + instead + " --connect-to " +
                          std::string(label) + '.' + std::string(domain) + ':' + port + ':' +
                          endpoint.host + ':' + to_port);
}

Target RegionalTarget(TargetKind kind, const Arn& arn, std::string_view name) {
  Target target;
  target.kind = kind;
  target.name = name;
  target.arn = arn.Head() + "accesspoint/" + target.name;
  target.account = arn.account;
  target.partition = PartitionOf(arn.region).name;
  target.region = arn.region;
  return target;
}

std::string Domain(std::string_view service, std::string_view region) {
  return std::string(service) + '.' + std::string(region) + '.' +
         std::string(PartitionOf(region).dns_suffix);
}

Result<Target> AccessPointTarget(std::string_view text, const Arn& arn, std::string_view name,
                                 const AddressContext& context) {
  COFFER_TRY(RefuseOptions(text, "an access point", {.acceleration = true}, context));
  COFFER_TRY(CheckRegion(text, arn, context));
  COFFER_TRY(CheckAccount(text, arn, context));
  COFFER_TRY(CheckName(text, name, arn.account));
  Target target = RegionalTarget(TargetKind::kAccessPoint, arn, name);
  target.capabilities = AccessPointCapabilities();
  const std::string label = target.name + '-' + target.account;
  const std::string domain = Domain(ServiceHost("s3-accesspoint", context.options), target.region);
  COFFER_TRY(CheckEndpoint(text, label, domain, context));
  PlaceInHost(target, label, domain, context);
  return target;
}

Result<Target> ObjectLambdaTarget(std::string_view text, const Arn& arn, std::string_view name,
                                  const AddressContext& context) {
  COFFER_TRY(RefuseOptions(text, "an Object Lambda access point",
                           {.dual_stack = true, .acceleration = true}, context));
  COFFER_TRY(CheckRegion(text, arn, context));
  COFFER_TRY(CheckAccount(text, arn, context));
  COFFER_TRY(CheckName(text, name, arn.account));
  Target target = RegionalTarget(TargetKind::kObjectLambda, arn, name);
  target.signing_name = "s3-object-lambda";
  target.capabilities = ObjectLambdaCapabilities();
  const std::string label = target.name + '-' + target.account;
  const std::string domain =
      Domain(ServiceHost("s3-object-lambda", context.options), target.region);
  COFFER_TRY(CheckEndpoint(text, label, domain, context));
  PlaceInHost(target, label, domain, context);
  return target;
}

Result<Target> MultiRegionTarget(std::string_view text, const Arn& arn, std::string_view name,
                                 const AddressContext& context) {
  const AddressOptions& options = context.options;
  if (!name.ends_with(kMrapSuffix) || !IsHostName(name)) {
    return Refuse(text,
                  "an access point's ARN needs its Region "
                  "(arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME); without one it means a "
                  "multi-Region access point, whose name ends in .mrap");
  }
  COFFER_TRY(RefuseOptions(text, "a multi-Region access point",
                           {.fips = true, .dual_stack = true, .acceleration = true}, context));
  COFFER_TRY(CheckAccount(text, arn, {options, std::nullopt}));
  if (options.disable_multi_region_access_points) {
    return Refuse(text,
                  "a multi-Region access point, and --disable-multi-region-access-points "
                  "forbids those");
  }
  if (context.endpoint) {
    return Refuse(text,
                  "a multi-Region access point has one host in the world; leave out "
                  "--endpoint-url (tests: --connect-to)");
  }
  const Partition* partition = PartitionNamed(arn.partition);
  if (partition == nullptr) return Refuse(text, "unknown partition " + arn.partition);
  if (!options.region.empty() && PartitionOf(options.region).name != arn.partition) {
    return Refuse(text, "the Region " + options.region +
                            " of --region, AWS_REGION or the profile is in the partition " +
                            std::string(PartitionOf(options.region).name) +
                            "; credentials of one do not work in the other");
  }
  Target target;
  target.kind = TargetKind::kMultiRegion;
  target.name = name;
  target.arn = arn.Head() + "accesspoint/" + target.name;
  target.account = arn.account;
  target.partition = arn.partition;
  target.scheme = Scheme::kSigV4A;
  target.region_set = "*";
  target.capabilities.list_versions = false;
  target.capabilities.bucket_queries = false;
  target.capabilities.head_bucket = false;
  target.capabilities.delete_objects = false;
  target.capabilities.copy_source = false;
  PlaceInHost(target, name, "accesspoint.s3-global." + std::string(partition->dns_suffix), context);
  return target;
}

Result<ArnTarget> OutpostsTarget(std::string_view text, const Arn& arn,
                                 const AddressContext& context) {
  COFFER_TRY(RefuseOptions(text, "S3 on Outposts",
                           {.fips = true, .dual_stack = true, .acceleration = true}, context));
  const Resource resource = SplitResource(arn.resource, 4);
  const auto& parts = resource.components;
  if (parts.size() < 4 || parts[0] != "outpost" || parts[2] != "accesspoint") {
    return Refuse(
        text, "an access point on Outposts is " + arn.Head() + "outpost/op-ID/accesspoint/NAME");
  }
  const std::string& outpost = parts[1];
  const std::string& name = parts[3];
  if (!IsHostLabel(outpost)) {
    return Refuse(text, "the Outpost id may hold letters, digits and '-' only, found " + outpost);
  }
  COFFER_TRY(CheckRegion(text, arn, context));
  COFFER_TRY(CheckAccount(text, arn, context));
  COFFER_TRY(CheckName(text, name, arn.account));
  Target target = RegionalTarget(TargetKind::kOutposts, arn, name);
  target.arn = arn.Head() + "outpost/" + outpost + "/accesspoint/" + name;
  target.scheme = Scheme::kSigV4A;
  target.region_set = "*";
  target.signing_name = "s3-outposts";
  target.capabilities = OutpostsCapabilities();
  const std::string label = name + '-' + arn.account + '.' + outpost;
  const std::string domain = Domain("s3-outposts", target.region);
  COFFER_TRY(CheckEndpoint(text, label, domain, context));
  PlaceInHost(target, label, domain, context);
  return ArnTarget{std::move(target), resource.rest};
}

// What people paste although it is no door of its own, with what to type for it.
Error RefuseResource(std::string_view text, const Arn& arn) {
  if (arn.service == "s3" && arn.resource.find_first_of(":*") == std::string::npos &&
      arn.region.empty()) {
    return Refuse(text, "the ARN of a bucket; type s3://" + arn.resource);
  }
  if (arn.service == "s3express") {
    const auto name = arn.resource.substr(arn.resource.find_first_of(":/") + 1);
    return Refuse(text, "directory buckets and their access points are addressed by name; type " +
                            name + " --region " + arn.region);
  }
  if (!arn.service.starts_with("s3")) {
    return Refuse(text, "not an ARN of S3 but of " + arn.service);
  }
  return Refuse(text, "not an access point; expected " + arn.Head() + "accesspoint/NAME");
}

}  // namespace

Result<ArnTarget> TargetFromArn(std::string_view text, const AddressContext& context) {
  COFFER_ASSIGN(const Arn arn, ParseArn(text));
  if (arn.service == "s3-outposts") return OutpostsTarget(text, arn, context);
  Resource resource = SplitResource(arn.resource, 2);
  const auto& parts = resource.components;
  if ((arn.service != "s3" && arn.service != "s3-object-lambda") || parts[0] != "accesspoint") {
    return RefuseResource(text, arn);
  }
  const std::string name = parts.size() < 2 ? "" : parts[1];
  const auto make = arn.service == "s3-object-lambda" ? ObjectLambdaTarget
                    : arn.region.empty()              ? MultiRegionTarget
                                                      : AccessPointTarget;
  COFFER_ASSIGN(Target target, make(text, arn, name, context));
  return ArnTarget{std::move(target), std::move(resource.rest)};
}

}  // namespace coffer::s3
