// Addresses that are names: buckets, aliases of access points, directory buckets.

#include <utility>

#include "crypto/encoding.h"
#include "s3client/host_name.h"
#include "s3client/partitions.h"
#include "s3client/target_forms.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kDirectoryBucketSuffix = "--x-s3";
constexpr std::string_view kDirectoryAccessPointSuffix = "--xa-s3";
constexpr std::string_view kOutpostsSuffix = "--op-s3";
constexpr std::string_view kObjectLambdaSuffix = "--ol-s3";
constexpr std::string_view kAliasSuffix = "-s3alias";
constexpr std::string_view kFsxAliasSuffix = "-ext-s3alias";

// The SDKs' name for "wherever": requests go to the oldest host and are signed for us-east-1.
constexpr std::string_view kGlobalRegion = "aws-global";
constexpr std::string_view kDefaultRegion = "us-east-1";

std::string Dot(std::string_view a, std::string_view b) {
  return std::string(a) + '.' + std::string(b);
}

// The host that serves plain buckets, without the bucket.
std::string BucketDomain(const AddressOptions& options) {
  const std::string_view suffix = PartitionOf(options.region).dns_suffix;
  if (options.transfer_acceleration) {
    return Dot(options.dual_stack ? "s3-accelerate.dualstack" : "s3-accelerate", suffix);
  }
  const bool global = options.region == kGlobalRegion;
  if (global && !options.fips && !options.dual_stack) return Dot("s3", suffix);
  const std::string_view region =
      global || options.region.empty() ? kDefaultRegion : std::string_view(options.region);
  return Dot(Dot(ServiceHost("s3", options), region), suffix);
}

void PlaceInPath(Target& target, std::string_view aws_domain, const AddressContext& context) {
  const std::string bucket = '/' + UriEscape(target.name, Slash::kEscape);
  target.host = aws_domain;
  target.base_path = bucket;
  if (!context.endpoint) return;
  target.https = context.endpoint->https;
  target.host = context.endpoint->host;
  target.port = context.endpoint->port;
  target.base_path = context.endpoint->base_path + bucket;
}

bool GoesIntoHost(std::string_view name, const AddressContext& context) {
  if (context.options.force_path_style) return false;
  if (context.endpoint && context.endpoint->is_ip) return false;
  // No wildcard certificate covers two labels; without TLS there is none to cover them.
  const bool plain_http = context.endpoint && !context.endpoint->https;
  return IsDnsBucketName(name) || (plain_http && IsDottedBucketName(name));
}

Target NamedTarget(TargetKind kind, std::string_view name, const AddressOptions& options) {
  Target target;
  target.kind = kind;
  target.name = name;
  target.region = options.region == kGlobalRegion ? std::string(kDefaultRegion) : options.region;
  target.partition = PartitionOf(options.region).name;
  return target;
}

Result<Target> BucketTarget(std::string_view name, const AddressContext& context) {
  const AddressOptions& options = context.options;
  Target target = NamedTarget(TargetKind::kBucket, name, options);
  target.alias = name.ends_with(kAliasSuffix) || name.ends_with(kObjectLambdaSuffix);
  if (target.alias) {
    target.capabilities = name.ends_with(kObjectLambdaSuffix) ? ObjectLambdaCapabilities()
                                                              : AccessPointCapabilities();
    COFFER_TRY(RefuseOptions(name, "an access point", {.acceleration = true}, context));
  }
  if (name.ends_with(kFsxAliasSuffix)) {
    target.capabilities.object_lock = false;
    target.capabilities.list_versions = false;
  }
  const bool in_host = GoesIntoHost(name, context);
  if (options.transfer_acceleration && !PartitionOf(options.region).accelerate) {
    return Refuse("--transfer-acceleration", "not offered in the Region " + options.region);
  }
  if (options.transfer_acceleration && !in_host) {
    return Refuse(name, options.force_path_style
                            ? "--transfer-acceleration needs the bucket in the host name; leave "
                              "out --force-path-style"
                            : "--transfer-acceleration needs a bucket name that can stand in a "
                              "host name (lower case, no dots); leave it out");
  }
  if (in_host) {
    PlaceInHost(target, name, BucketDomain(options), context);
  } else {
    PlaceInPath(target, BucketDomain(options), context);
  }
  return target;
}

// "usw2-az1" of "base--usw2-az1"; "" when there is none.
std::string_view ZoneOf(std::string_view base_and_zone) {
  const auto dashes = base_and_zone.rfind("--");
  if (dashes == std::string_view::npos || dashes == 0) return {};
  const std::string_view zone = base_and_zone.substr(dashes + 2);
  const bool is_zone = IsHostLabel(zone) && zone.find('-') != std::string_view::npos;
  return is_zone ? zone : std::string_view();
}

Result<Target> DirectoryTarget(TargetKind kind, std::string_view name, std::string_view suffix,
                               const AddressContext& context) {
  const AddressOptions& options = context.options;
  COFFER_TRY(RefuseOptions(name, "a directory bucket", {.acceleration = true}, context));
  const std::string_view zone = ZoneOf(name.substr(0, name.size() - suffix.size()));
  // The zone is part of the host at AWS only.
  if ((zone.empty() && !context.endpoint) || !IsDnsBucketName(name)) {
    return Refuse(name,
                  "not the name of a directory bucket or of its access point; it looks like "
                  "NAME--usw2-az1" +
                      std::string(suffix) + ", without dots or upper case");
  }
  if (options.region.empty()) {
    return Refuse(name, "the Region is not part of the name; add --region (or set AWS_REGION)");
  }
  Target target = NamedTarget(kind, name, options);
  target.scheme = Scheme::kSigV4S3Express;
  target.signing_name = "s3express";
  target.capabilities.list_versions = false;
  target.capabilities.bucket_queries = false;
  target.capabilities.object_lock = false;
  target.capabilities.rename_object = true;
  target.capabilities.sorted_list = false;
  std::string domain = options.fips ? "s3express-fips-" : "s3express-";
  domain += zone;
  if (options.dual_stack) domain += ".dualstack";
  domain = Dot(Dot(domain, target.region), PartitionOf(target.region).dns_suffix);
  if (context.endpoint && context.endpoint->is_ip) {
    PlaceInPath(target, domain, context);
  } else {
    PlaceInHost(target, name, domain, context);
  }
  return target;
}

// The alias of an access point on Outposts ends in a tail of fixed length:
// TYPE OUTPOST-ID ........ REGION-CODE . "--op-s3", counted from the end.
Result<Target> OutpostsAliasTarget(std::string_view name, const AddressContext& context) {
  const AddressOptions& options = context.options;
  COFFER_TRY(RefuseOptions(name, "S3 on Outposts",
                           {.fips = true, .dual_stack = true, .acceleration = true}, context));
  const auto from_end = [name](std::size_t last, std::size_t size) {
    return name.size() < last ? std::string_view() : name.substr(name.size() - last, size);
  };
  const std::string_view type = from_end(50, 1);
  const std::string_view outpost = from_end(49, 17);
  if (!IsDnsBucketName(name) || !IsHostLabel(outpost) || (type != "o" && type != "e")) {
    return Refuse(name,
                  "not the alias of an access point on Outposts; copy it whole from the "
                  "console, or type the ARN");
  }
  if (from_end(12, 4) == "beta" && !context.endpoint) {
    return Refuse(name, "an alias of a test installation; add its --endpoint-url");
  }
  if (context.endpoint && context.endpoint->is_ip) {
    return Refuse(name,
                  "an access point on Outposts is found by its host name, and --endpoint-url is an "
                  "IP address; leave it out (tests: --connect-to)");
  }
  if (options.region.empty()) {
    return Refuse(name, "an alias does not say its Region; add --region (or set AWS_REGION)");
  }
  Target target = NamedTarget(TargetKind::kOutposts, name, options);
  target.alias = true;
  target.scheme = Scheme::kSigV4A;
  target.region_set = "*";
  target.signing_name = "s3-outposts";
  target.capabilities = OutpostsCapabilities();
  const std::string place = type == "e" ? "ec2" : "op-" + std::string(outpost);
  PlaceInHost(target, Dot(name, place),
              Dot(Dot("s3-outposts", target.region), PartitionOf(target.region).dns_suffix),
              context);
  return target;
}

}  // namespace

Result<Target> TargetFromName(std::string_view name, const AddressContext& context) {
  if (name.ends_with(kDirectoryBucketSuffix)) {
    return DirectoryTarget(TargetKind::kDirectoryBucket, name, kDirectoryBucketSuffix, context);
  }
  if (name.ends_with(kDirectoryAccessPointSuffix)) {
    return DirectoryTarget(TargetKind::kDirectoryAccessPoint, name, kDirectoryAccessPointSuffix,
                           context);
  }
  if (name.ends_with(kOutpostsSuffix)) return OutpostsAliasTarget(name, context);
  return BucketTarget(name, context);
}

}  // namespace coffer::s3
