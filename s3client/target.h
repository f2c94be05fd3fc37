// What an address means, parsed once: host, path, who signs how, and what this kind of door can do.
//
// Pure values and pure functions: no network, no environment, no state. Sources: the endpoint rules
// that AWS publishes with its SDKs, and the S3 user guide.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/http.h"

namespace coffer::s3 {

enum class TargetKind {
  kBucket,  // also access-point aliases, which are used like a bucket (Target::alias)
  kAccessPoint,
  kObjectLambda,
  kOutposts,
  kMultiRegion,
  kDirectoryBucket,
  kDirectoryAccessPoint,
};
std::string_view Name(TargetKind kind);  // "access-point"

enum class Scheme { kSigV4, kSigV4A, kSigV4S3Express };
std::string_view Name(Scheme scheme);  // "sigv4", "sigv4a", "sigv4-s3express"

// What the kind of address allows, whatever the permissions: checked at mount and said in words,
// never discovered as an EIO later.
struct Capabilities {
  bool write = true;
  bool list_versions = true;
  bool bucket_queries = true;  // ?versioning, ?object-lock, ?location
  bool head_bucket = true;
  bool delete_objects = true;
  bool copy_source = true;  // may stand in x-amz-copy-source
  bool object_lock = true;
  bool conditional_put = true;
  bool rename_object = false;
  bool sorted_list = true;  // listings come in key order and take start-after
  bool ranged_get = true;
};

struct Target {
  TargetKind kind = TargetKind::kBucket;
  std::string name;       // bucket, alias or access-point name, as the user gave it
  std::string arn;        // "" unless an ARN was given
  std::string account;    // of the ARN, else ""
  std::string partition;  // "aws"
  // Where requests are signed for. "" where none is needed (multi-Region access points) and when it
  // must still be discovered (a bucket or an alias without --region: the host is then us-east-1's,
  // which answers HeadBucket with the right one).
  std::string region;
  bool alias = false;      // `name` is the alias of an access point, not a bucket
  std::string region_set;  // for sigv4a: "*"
  Scheme scheme = Scheme::kSigV4;
  std::string signing_name = "s3";
  bool https = true;
  std::string host;        // without port
  std::uint16_t port = 0;  // 0: the scheme's default
  std::string base_path;   // "" or "/bucket" or "/base/bucket", escaped: put before "/key"
  std::string key_prefix;  // "" or ends in '/': what the user mounts below the bucket
  bool aws_host = true;    // a host of AWS itself: conditional writes are assumed to work
  bool custom_endpoint = false;
  Capabilities capabilities;

  // The address of `key` (any bytes; "" is the bucket itself). Keys are percent-encoded whole.
  Url UrlFor(std::string_view key) const;
  // The value of x-amz-copy-source for `key`, percent-encoded: "bucket/key", or
  // "arn%3Aaws%3As3%3A...%3Aaccesspoint/NAME/object/key".
  std::string CopySource(std::string_view key) const;
};

// The user's options that bear on addresses; names are the flags' names.
struct AddressOptions {
  std::string region;        // --region, else AWS_REGION, the profile; "" unknown
  std::string endpoint_url;  // --endpoint-url
  std::string prefix;        // --prefix
  bool force_path_style = false;
  bool fips = false;
  bool dual_stack = false;
  bool transfer_acceleration = false;
  bool use_arn_region = true;  // --no-use-arn-region
  bool disable_multi_region_access_points = false;
};

// Parses whatever a user may paste: bucket, s3://bucket/prefix, ARN, s3://ARN/prefix, alias.
// kInvalid with a reason and what to do instead.
Result<Target> ParseTarget(std::string_view source, const AddressOptions& options);

}  // namespace coffer::s3
