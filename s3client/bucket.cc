#include "s3client/bucket.h"

#include <utility>

#include "crypto/encoding.h"
#include "s3client/api_error.h"
#include "s3client/date.h"
#include "s3client/lock_reply.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kRegionHeader = "x-amz-bucket-region";

Error NotSaid(std::string_view question) {
  return {Code::kUnsupported, "the server does not answer ?" + std::string(question)};
}

bool IsAnotherRegion(int status) { return status == 301 || status == 400; }

Error WrongRegion(const Target& target, std::string_view region) {
  return {Code::kInvalid, "bucket " + target.name + " is in Region " + std::string(region) +
                              ", not " + (target.region.empty() ? "known here" : target.region) +
                              ": give --region " + std::string(region)};
}

// A whole number as XML carries it, small; 0 when there is none.
int SmallNumber(XmlNode parent, std::string_view name) {
  const auto number = parent.NumberOf(name);
  return number && *number <= 1'000'000 ? static_cast<int>(*number) : 0;
}

}  // namespace

void AddHeaders(const BucketOptions& options, Headers& headers) {
  if (options.requester_pays) headers.Add("x-amz-request-payer", "requester");
  if (!options.expected_bucket_owner.empty()) {
    headers.Add("x-amz-expected-bucket-owner", options.expected_bucket_owner);
  }
}

Bucket::Bucket(Transport& transport, Target target, BucketOptions options)
    : transport_(transport), target_(std::move(target)), options_(std::move(options)) {}

Request Bucket::NewRequest(Operation operation, std::string method, std::string_view key) const {
  Request request;
  request.operation = operation;
  request.method = std::move(method);
  request.url = target_.UrlFor(key);
  request.max_reply_bytes = 1u << 20;
  AddHeaders(options_, request.headers);
  return request;
}

Result<std::string> Bucket::Check() {
  std::string region;
  if (target_.capabilities.head_bucket) {
    Request head = NewRequest(Operation::kHeadBucket, "HEAD", "");
    head.plain_iam_auth = true;
    COFFER_ASSIGN(const Response response, transport_.Send(head));
    region = Printable(response.headers.Get(kRegionHeader));
    if (IsSuccess(response)) return region;
    const bool elsewhere = !region.empty() && region != target_.region && target_.arn.empty();
    if (elsewhere && IsAnotherRegion(response.status)) return WrongRegion(target_, region);
  }
  // The refusal of a HEAD has no body to say why, and may concern the HEAD alone.
  Request list = NewRequest(Operation::kListObjects, "GET", "");
  list.url.query = {{"list-type", "2"}, {"max-keys", "1"}};
  if (!target_.key_prefix.empty()) list.url.query.emplace_back("prefix", target_.key_prefix);
  list.xml_reply = true;
  COFFER_ASSIGN(const Response response, transport_.Send(list));
  if (response.status / 100 == 2) return region;
  const ServiceError said = ReadServiceError(response);
  if (!said.region.empty() && said.region != target_.region && target_.arn.empty() &&
      IsAnotherRegion(said.status)) {
    return WrongRegion(target_, said.region);
  }
  return ToError(said, Operation::kListObjects).While("look at " + target_.name);
}

Result<Response> Bucket::Ask(std::string_view subresource, std::string_view key) {
  const Operation of_object =
      subresource == "legal-hold" ? Operation::kGetLegalHold : Operation::kGetRetention;
  Request request = NewRequest(key.empty() ? Operation::kGetBucketQuery : of_object, "GET", key);
  request.url.query.emplace_back(std::string(subresource), "");
  return transport_.Send(request);
}

Result<std::string> Bucket::Versioning() {
  if (!target_.capabilities.bucket_queries) return NotSaid("versioning");
  COFFER_ASSIGN(const Response response, Ask("versioning", ""));
  if (response.status / 100 != 2) return ToError(response, Operation::kGetBucketQuery);
  const auto document = XmlDocument::Parse(AsText(response.body));
  if (!document || document->root().name() != "VersioningConfiguration") {
    return NotSaid("versioning");
  }
  const XmlNode status = document->root().Child("Status");
  return status ? status.Text() : Result<std::string>(std::string());
}

Result<BucketLock> Bucket::ObjectLock() {
  if (!target_.capabilities.object_lock) return BucketLock();
  // Not in the list of what access points answer, but documented with their addresses: try.
  COFFER_ASSIGN(const Response response, Ask("object-lock", ""));
  const ServiceError said = ReadServiceError(response);
  if (said.status == 404 && said.code == "ObjectLockConfigurationNotFoundError") {
    return BucketLock();
  }
  if (response.status == 405 || response.status == 501 ||
      (response.status == 400 && !target_.capabilities.bucket_queries)) {
    return NotSaid("object-lock");
  }
  if (response.status / 100 != 2) return ToError(said, Operation::kGetBucketQuery);
  const auto document = XmlDocument::Parse(AsText(response.body));
  if (!document || document->root().name() != "ObjectLockConfiguration") {
    return NotSaid("object-lock");
  }
  BucketLock lock;
  lock.enabled = document->root().TextOr("ObjectLockEnabled") == "Enabled";
  const XmlNode retention = document->root().Child("Rule").Child("DefaultRetention");
  lock.default_mode = retention.TextOr("Mode");
  lock.default_days = SmallNumber(retention, "Days");
  lock.default_years = SmallNumber(retention, "Years");
  return lock;
}

Result<bool> Bucket::LockVisible(std::string_view key, std::string_view subresource,
                                 std::string_view root) {
  COFFER_ASSIGN(const Response response, Ask(subresource, key));
  const ServiceError said = ReadServiceError(response);
  // "Never set" is an answer that only a bucket with Object Lock gives.
  if (said.code == "NoSuchObjectLockConfiguration" ||
      said.code == "ObjectLockConfigurationNotFoundError") {
    return true;
  }
  if (said.status == 400 && said.code == "InvalidRequest") return false;
  if (response.status / 100 != 2) return ToError(said, Operation::kGetRetention);
  const auto document = XmlDocument::Parse(AsText(response.body));
  if (!document || !AnswersLock(document->root().name(), root)) return NotSaid(subresource);
  return true;
}

Result<bool> Bucket::RetentionVisible(std::string_view key) {
  return LockVisible(key, "retention", "Retention");
}

Result<bool> Bucket::LegalHoldVisible(std::string_view key) {
  return LockVisible(key, "legal-hold", "LegalHold");
}

Result<UnfinishedUploads> Bucket::Uploads(std::string_view prefix) {
  Request request = NewRequest(Operation::kListUploads, "GET", "");
  request.url.query = {{"uploads", ""}, {"encoding-type", "url"}};
  if (!prefix.empty()) request.url.query.emplace_back("prefix", std::string(prefix));
  request.max_reply_bytes = kMaxXmlBytes;
  COFFER_ASSIGN(const Response response, transport_.Send(request));
  if (response.status / 100 != 2) return ToError(response, Operation::kListUploads);
  const auto document = XmlDocument::Parse(AsText(response.body));
  if (!document || document->root().name() != "ListMultipartUploadsResult") {
    return NotSaid("uploads");
  }
  const bool encoded = document->root().TextOr("EncodingType") == "url";
  UnfinishedUploads uploads;
  uploads.more = document->root().TextOr("IsTruncated") == "true";
  for (const XmlNode upload : document->root().Children("Upload")) {
    ++uploads.count;
    const std::int64_t began = ParseIsoDate(upload.TextOr("Initiated")).value_or(0);
    if (uploads.count > 1 && began >= uploads.oldest_s) continue;
    uploads.oldest_s = began;
    uploads.oldest_key = upload.TextOr("Key");
    const auto plain = UriUnescape(uploads.oldest_key, Plus::kIsSpace);
    if (encoded && plain) uploads.oldest_key = *plain;
  }
  return uploads;
}

void Bucket::FindVersioning(BucketFacts& facts) {
  const auto versioning = Versioning();
  if (versioning) {
    facts.versioned = *versioning == "Enabled" ? Tri::kYes : Tri::kNo;
    facts.versioning_suspended = *versioning == "Suspended";
  } else {
    facts.versioned_unknown_why = versioning.error().what;
  }
}

void Bucket::FindLock(BucketFacts& facts) {
  const auto lock = ObjectLock();
  if (lock) {
    facts.object_lock = lock->enabled ? Tri::kYes : Tri::kNo;
    facts.lock = *lock;
    // Object Lock is for versioned buckets alone, and keeps them so.
    if (lock->enabled && facts.versioned == Tri::kUnknown) facts.versioned = Tri::kYes;
  } else {
    facts.object_lock_unknown_why = lock.error().what;
  }
}

Result<BucketFacts> Bucket::Facts() {
  BucketFacts facts;
  COFFER_ASSIGN(facts.region, Check());
  FindLock(facts);
  if (facts.versioned == Tri::kUnknown) FindVersioning(facts);
  return facts;
}

Result<std::string> DiscoverRegion(Transport& transport, const Target& target) {
  if (!target.arn.empty()) return target.region;
  Request head;
  head.operation = Operation::kHeadBucket;
  head.method = "HEAD";
  head.url = target.UrlFor("");
  head.unsigned_request = true;
  COFFER_ASSIGN(const Response response, transport.Send(head));
  std::string region = Printable(response.headers.Get(kRegionHeader));
  if (region.empty()) {
    return Error{Code::kUnsupported,
                 "the server does not say in which Region " + target.name + " is: give --region"};
  }
  return region;
}

}  // namespace coffer::s3
