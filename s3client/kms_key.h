// The name of a KMS key as it is configured and as messages carry it, and where its service is.
//
// Pure values and functions, safe from any thread.

#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/endpoint.h"

namespace coffer::s3 {

// A symmetric key, by its own ARN or by an alias. Whoever may change an alias may change the key,
// so what is kept is the ARN that KMS answers with.
struct KmsKeyId {
  std::string text;  // as KMS takes it: an ARN, or "alias/NAME"
  std::string partition;
  std::string region;
  std::string account;   // "" for a bare alias: that of the credentials
  std::string resource;  // "key/UUID", "key/mrk-ID", "alias/NAME"

  bool is_alias() const { return resource.starts_with("alias/"); }
  // A key that has replicas of the same name in other Regions.
  bool is_multi_region() const { return resource.starts_with("key/mrk-"); }
};

// arn:PARTITION:kms:REGION:ACCOUNT:key/ID, arn:...:alias/NAME, or alias/NAME, which is in
// `default_region`. kInvalid with what to give instead.
Result<KmsKeyId> ParseKmsKeyId(std::string_view text, std::string_view default_region);

// Whether `arn`, as a message or a reply names a key, is `key`, which is no alias: the same, or its
// replica in another Region.
bool SameKmsKey(const KmsKeyId& key, std::string_view arn);

struct KmsAddress {
  Endpoint endpoint;
  std::string region;  // signed for, with the service "kms"
};
// `endpoint_url`: --kms-endpoint-url, or "" for AWS's own in `region`. kInvalid for an address that
// is none; kUnsupported for FIPS where there is none.
Result<KmsAddress> MakeKmsAddress(std::string_view region, std::string_view endpoint_url,
                                  bool fips);

}  // namespace coffer::s3
