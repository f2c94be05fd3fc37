// What a bucket is set to, as documents that are read, written whole and deleted: CORS rules,
// default encryption, access log, versioning, Object Lock's default, lifecycle.
//
// A document that holds something this does not know is refused, never written back without it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "s3client/bucket.h"
#include "s3client/target.h"
#include "s3client/transport.h"
#include "s3client/xml.h"

namespace coffer::s3 {

struct CorsRule {
  std::string id;                    // "" for none
  std::vector<std::string> origins;  // "https://www.example.com", with one '*' at most
  std::vector<std::string> methods;  // "GET"
  std::vector<std::string> headers;  // that a page may send, with one '*' at most
  std::vector<std::string> expose;   // that a page may read
  std::optional<std::uint64_t> max_age_s;
};

struct DefaultEncryption {
  std::string sse;  // "AES256", "aws:kms", "aws:kms:dsse"; "" for none
  std::string kms_key_id;
  bool bucket_key = false;
  std::vector<std::string> blocked;  // kinds of encryption that requests may not use: "SSE-C"
};

struct AccessLog {
  std::string bucket;  // "" for no log
  std::string prefix;
  std::string partition_by;  // "EventTime", "DeliveryTime"; "" for simple names
  // Elements of the document that this does not write: grants to others, and what is not known.
  std::vector<std::string> others;
};

struct Versioning {
  std::string status;  // "Enabled", "Suspended", "" for never
  bool mfa_delete = false;
};

struct LifecycleRule {
  std::string id;
  bool enabled = false;
  std::string prefix;                 // "" for all
  bool filtered = false;              // by more than a prefix: tags, sizes
  std::uint64_t noncurrent_days = 0;  // 0: does not expire old versions
  std::uint64_t abort_days = 0;       // 0: does not abort unfinished uploads
};

// Borrows the transport, which signs and retries; safe to share between threads; every method
// blocks on the network. kDenied names the permission that is missing; kUnsupported where the
// address or the server does not answer; kUnavailable for a reply that is not what it should be.
class BucketSettings {
 public:
  BucketSettings(Transport& transport, Target target, BucketOptions options);

  Result<std::vector<CorsRule>> Cors();
  Status SetCors(const std::vector<CorsRule>& rules);  // no rule: none is kept
  Result<DefaultEncryption> Encryption();
  Status SetEncryption(const DefaultEncryption& encryption);
  Result<AccessLog> Logging();
  Status SetLogging(const AccessLog& log);  // no bucket: off
  Result<s3::Versioning> Versioning();
  Status EnableVersioning();
  // The default of `lock`, if any; turns Object Lock on where it is off.
  Status SetObjectLock(const BucketLock& lock);
  Result<std::vector<LifecycleRule>> Lifecycle();
  Result<bool> RequesterPays();
  // The bucket policy as JSON text, "" for none; unread, whatever its size up to 1 MiB.
  Result<std::string> Policy();
  Status SetPolicy(const std::string& text);  // "": none is kept

 private:
  struct Question;
  Request NewRequest(Operation operation, std::string method, std::string_view subresource) const;
  Result<std::optional<XmlDocument>> Read(const Question& question);
  Status Write(const Question& question, Result<std::string> document);
  Status Send(const Question& question, const std::string& document, const char* type);

  Transport& transport_;
  const Target target_;
  const BucketOptions options_;
};

}  // namespace coffer::s3
