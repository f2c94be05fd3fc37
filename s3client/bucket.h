// Read-only questions about the bucket behind a Target, and what the answers mean.
//
// Servers answer what they do not know with something else and status 200, so every answer is
// checked to be one. Through an access point some questions cannot be asked: kUnsupported then, and
// the answer comes from objects.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/target.h"
#include "s3client/transport.h"

namespace coffer::s3 {

enum class Tri { kUnknown, kNo, kYes };

struct BucketLock {
  bool enabled = false;
  std::string default_mode;  // "" for no default retention
  int default_days = 0;      // one of the two is set where there is a default
  int default_years = 0;
};

// What a mount wants to know, as far as it can be known.
struct BucketFacts {
  std::string region;             // as the service says; "" when it does not
  Tri versioned = Tri::kUnknown;  // kNo also when suspended
  bool versioning_suspended = false;
  std::string versioned_unknown_why;
  Tri object_lock = Tri::kUnknown;
  BucketLock lock;
  std::string object_lock_unknown_why;
};

// Multipart uploads that were begun, and neither completed nor aborted.
struct UnfinishedUploads {
  std::size_t count = 0;
  bool more = false;  // than one page shows: 1,000
  std::string oldest_key;
  std::int64_t oldest_s = 0;  // when it began; 0 when that cannot be read
};

struct BucketOptions {
  bool requester_pays = false;
  std::string expected_bucket_owner;
};
void AddHeaders(const BucketOptions& options, Headers& headers);

// Borrows the transport, which signs and retries; safe to share between threads; blocks on the
// network.
class Bucket {
 public:
  Bucket(Transport& transport, Target target, BucketOptions options);

  // Whether the bucket is there and can be used: HEAD, and where that fails a listing of one key,
  // whose reply says why. kDenied, kInvalid (another Region: the message names it), kUnavailable
  // (no such bucket). The Region of the bucket, "" when the service does not say.
  Result<std::string> Check();
  Result<std::string> Versioning();  // "Enabled", "Suspended", "" for never
  Result<BucketLock> ObjectLock();   // not enabled where the bucket has none
  // Whether the bucket has Object Lock at all, as one of its objects tells.
  Result<bool> RetentionVisible(std::string_view key);
  Result<bool> LegalHoldVisible(std::string_view key);
  // Below `prefix`. Of uploads nothing tells who began them: other machines' are among them. MinIO
  // shows none but those of the very key that is the prefix.
  Result<UnfinishedUploads> Uploads(std::string_view prefix);
  // All of it; what could not be found out is said, and only Check() can make it fail.
  Result<BucketFacts> Facts();

 private:
  Request NewRequest(Operation operation, std::string method, std::string_view key) const;
  Result<Response> Ask(std::string_view subresource, std::string_view key);
  Result<bool> LockVisible(std::string_view key, std::string_view subresource,
                           std::string_view root);
  void FindVersioning(BucketFacts& facts);
  void FindLock(BucketFacts& facts);

  Transport& transport_;
  const Target target_;
  const BucketOptions options_;
};

// The Region of a bucket or alias, asked without credentials (the service names it even with a
// refusal). kUnsupported when the reply does not; never ask it of an ARN, which says its own.
Result<std::string> DiscoverRegion(Transport& transport, const Target& target);

}  // namespace coffer::s3
