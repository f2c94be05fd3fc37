#include "s3client/s3_store.h"

#include <array>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "s3client/api_error.h"
#include "s3client/date.h"
#include "s3client/local_file.h"
#include "s3client/object_info.h"
#include "s3client/s3_request.h"
#include "s3client/user_metadata.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kSse = "x-amz-server-side-encryption";
constexpr std::string_view kSseKey = "x-amz-server-side-encryption-aws-kms-key-id";
constexpr std::size_t kCustomerKeyBytes = 32;

void AddUnlessEmpty(Headers& headers, std::string_view name, const std::string& value) {
  if (!value.empty()) headers.Add(std::string(name), value);
}

void AddContentHeaders(Headers& headers, const ContentHeaders& content) {
  AddUnlessEmpty(headers, "Content-Type", content.content_type);
  AddUnlessEmpty(headers, "Content-Encoding", content.content_encoding);
  AddUnlessEmpty(headers, "Content-Language", content.content_language);
  AddUnlessEmpty(headers, "Content-Disposition", content.content_disposition);
  AddUnlessEmpty(headers, "Cache-Control", content.cache_control);
  AddUnlessEmpty(headers, "Expires", content.expires);
  AddUnlessEmpty(headers, "x-amz-website-redirect-location", content.website_redirect);
}

// Whether the key that the service names is the one that was asked for: it answers with an ARN
// whatever was given, and an alias cannot be compared.
bool AnswersKmsKey(std::string_view asked, std::string_view answered) {
  if (asked.empty() || asked.find("alias/") != std::string_view::npos) return true;
  return answered.size() >= asked.size() &&
         answered.substr(answered.size() - asked.size()) == asked;
}

void AddKeyHeaders(Headers& headers, const std::string& prefix, const CustomerKey& key) {
  headers.Add(prefix + "algorithm", "AES256");
  headers.Add(prefix + "key", key.key_base64);
  headers.Add(prefix + "key-MD5", key.md5_base64);
}

}  // namespace

Result<std::string> NewPutId() {
  std::array<std::byte, 12> bytes = {};
  COFFER_TRY(RandomBytes(bytes));
  return HexEncode(bytes);
}

std::string Quoted(std::string_view etag) { return "\"" + std::string(etag) + "\""; }

Result<CustomerKey> ReadCustomerKey(const std::string& path) {
  COFFER_ASSIGN(std::string text, ReadSecretFile(path));
  if (text.size() != kCustomerKeyBytes) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    auto decoded = Base64Decode(text);
    if (!decoded || decoded->size() != kCustomerKeyBytes) {
      return Error{Code::kInvalid, path + ": a customer key is 32 bytes, as they are or in base64"};
    }
    text = AsText(*decoded);
  }
  COFFER_ASSIGN(const auto md5, Md5(AsBytes(text)));
  CustomerKey key{Base64Encode(AsBytes(text)), Base64Encode(md5)};
  Wipe(std::as_writable_bytes(std::span(text)));
  return key;
}

Status CheckStoreOptions(const StoreOptions& options, const Target& target) {
  const Encryption& encryption = options.encryption;
  const bool kms = encryption.sse == "aws:kms" || encryption.sse == "aws:kms:dsse";
  if (!encryption.sse.empty() && !kms && encryption.sse != "AES256") {
    return Error{Code::kInvalid, "--sse is AES256, aws:kms or aws:kms:dsse"};
  }
  if (!kms && (!encryption.kms_key_id.empty() || encryption.bucket_key)) {
    return Error{Code::kInvalid, "a KMS key needs --sse aws:kms or aws:kms:dsse"};
  }
  if (options.customer_key && !encryption.sse.empty()) {
    return Error{Code::kInvalid, "--sse and --sse-customer-key-file exclude each other"};
  }
  if (options.customer_key && !target.https) {
    return Error{Code::kInvalid, "--sse-customer-key-file needs https: the key is sent along"};
  }
  if (options.unsigned_payload && !target.https) {
    return Error{Code::kInvalid, "--unsigned-payload needs https"};
  }
  return Ok();
}

S3Store::S3Store(Transport& transport, Target target, StoreOptions options)
    : transport_(transport), target_(std::move(target)), options_(std::move(options)) {}

S3Store::Style S3Store::DefaultStyle() const {
  return {options_.storage_class, options_.encryption, ""};
}

// AES256 may have been no more than the bucket's default, which may be another one by now; where
// nobody asked for it, services need not say it again.
void S3Store::KeepEncryption(Style& style, const Encryption& old) {
  if (old.sse.empty() || !style.encryption.sse.empty()) return;
  style.encryption = old;
  style.encryption.confirmed = old.sse != "AES256";
}

Result<S3Store::Style> S3Store::StyleOf(std::string_view key, const NewObject& object) {
  Style style = DefaultStyle();
  if (object.replaces == nullptr) return style;
  const ObjectInfo& old = *object.replaces;
  if (style.storage_class.empty()) style.storage_class = old.storage_class;
  KeepEncryption(style, {old.sse, old.sse_kms_key_id, old.bucket_key});
  if (old.tag_count > 0) {
    COFFER_ASSIGN(style.tagging, Tagging(key, old.version_id));
  }
  return style;
}

Request S3Store::NewRequest(Operation operation, std::string method, std::string_view key) const {
  Request request;
  request.operation = operation;
  request.method = std::move(method);
  request.url = target_.UrlFor(key);
  if (options_.requester_pays) request.headers.Add("x-amz-request-payer", "requester");
  if (!options_.expected_bucket_owner.empty()) {
    request.headers.Add("x-amz-expected-bucket-owner", options_.expected_bucket_owner);
  }
  return request;
}

void S3Store::AddCustomerKey(Headers& headers) const {
  if (!options_.customer_key) return;
  AddKeyHeaders(headers, "x-amz-server-side-encryption-customer-", *options_.customer_key);
}

void S3Store::AddSourceCustomerKey(Headers& headers) const {
  if (!options_.customer_key) return;
  AddKeyHeaders(headers, "x-amz-copy-source-server-side-encryption-customer-",
                *options_.customer_key);
}

void S3Store::AddCondition(Headers& headers, const Condition& condition) {
  switch (condition.kind) {
    case Condition::Kind::kNone:
      break;
    case Condition::Kind::kAbsent:
      headers.Add("If-None-Match", "*");
      break;
    case Condition::Kind::kMatches:
      headers.Add("If-Match", condition.bare_etag ? condition.etag : Quoted(condition.etag));
      break;
  }
}

Status S3Store::AddNewObject(Headers& headers, const NewObject& object, const Style& style,
                             std::string_view put_id) const {
  AddContentHeaders(headers, object.headers);
  Metadata metadata = object.metadata;
  if (!put_id.empty()) metadata[std::string(kPutIdName)] = put_id;
  COFFER_TRY(AddUserMetadata(headers, metadata));
  AddUnlessEmpty(headers, "x-amz-storage-class", style.storage_class);
  AddUnlessEmpty(headers, "x-amz-tagging", style.tagging);
  AddUnlessEmpty(headers, kSse, style.encryption.sse);
  AddUnlessEmpty(headers, kSseKey, style.encryption.kms_key_id);
  if (style.encryption.bucket_key) {
    headers.Add("x-amz-server-side-encryption-bucket-key-enabled", "true");
  }
  AddCustomerKey(headers);
  return AddLock(headers, object.lock);
}

S3Store::Checksum S3Store::AddBody(Request& request, ByteView body) const {
  request.body = body;
  Checksum checksum;
  if (options_.unsigned_payload && request.url.https) {
    request.payload_hash = "UNSIGNED-PAYLOAD";
    checksum = {"x-amz-checksum-crc32", Crc32Text(Crc32(body))};
  } else {
    const Sha256Digest digest = Sha256(body);
    request.payload_hash = HexEncode(digest);
    checksum = {"x-amz-checksum-sha256", Base64Encode(digest)};
  }
  request.headers.Add(checksum.header, checksum.value);
  return checksum;
}

void S3Store::AddBodyWithoutChecksum(Request& request, ByteView body) const {
  request.body = body;
  request.payload_hash =
      options_.unsigned_payload && request.url.https ? "UNSIGNED-PAYLOAD" : HexEncode(Sha256(body));
  // A machine in FIPS mode has no MD5.
  if (const auto md5 = Md5(body)) request.headers.Add("Content-MD5", Base64Encode(*md5));
}

// Servers differ in which digest they know. Directory buckets refuse Content-MD5, and a machine in
// FIPS mode has no MD5.
void S3Store::AddDocument(Request& request, std::string_view document) const {
  request.headers.Add("Content-Type", "application/xml");
  if (target_.scheme != Scheme::kSigV4S3Express) {
    if (const auto md5 = Md5(AsBytes(document))) {
      request.headers.Add("Content-MD5", Base64Encode(*md5));
    }
  }
  AddBody(request, AsBytes(document));
}

Status S3Store::CheckWritten(const Response& response, const Checksum& checksum) {
  if (Unquoted(response.headers.Get("ETag")).empty()) {
    return Error{Code::kUnavailable, "the reply has no ETag"};
  }
  const std::string_view stored = response.headers.Get(checksum.header);
  if (!stored.empty() && stored != checksum.value) {
    return Error{Code::kUnavailable, "the service stored other bytes than were sent"};
  }
  return Ok();
}

Status S3Store::CheckEncryption(const Response& response, const Encryption& asked) const {
  if (!asked.sse.empty()) {
    const std::string_view got = response.headers.Get(kSse);
    if (got != asked.sse && (asked.confirmed || !got.empty())) {
      return Error{Code::kUnsupported,
                   "the object was stored, but the service did not encrypt it as asked: --sse " +
                       asked.sse + ", answered " + (got.empty() ? "nothing" : Printable(got))};
    }
    if (!AnswersKmsKey(asked.kms_key_id, response.headers.Get(kSseKey))) {
      return Error{Code::kUnsupported,
                   "the object was stored, but under another KMS key than --sse-kms-key-id"};
    }
  }
  if (options_.customer_key &&
      response.headers.Get("x-amz-server-side-encryption-customer-algorithm") != "AES256") {
    return Error{Code::kUnsupported,
                 "the object was stored, but the service ignored --sse-customer-key-file"};
  }
  return Ok();
}

Written S3Store::ReadWritten(const Headers& headers, std::string etag) {
  return {std::move(etag), std::string(headers.Get("x-amz-version-id")),
          ParseHttpDate(headers.Get("Date")).value_or(0)};
}

Result<std::optional<Written>> S3Store::OwnWrite(std::string_view key, std::string_view put_id) {
  COFFER_ASSIGN(const Response response, SendHead(key, {}));
  if (response.status == 404) return std::optional<Written>();
  if (!IsSuccess(response)) return ToError(response, Operation::kHeadObject);
  const Metadata metadata = ReadUserMetadata(response.headers);
  const auto mark = metadata.find(std::string(kPutIdName));
  if (mark == metadata.end() || mark->second != put_id) return std::optional<Written>();
  return std::optional(ReadWritten(response.headers, Unquoted(response.headers.Get("ETag"))));
}

Result<Written> S3Store::Refused(const Response& response, Operation operation,
                                 const Attempt& attempt) {
  const ServiceError said = ReadServiceError(response);
  Error error = ToError(said, operation);
  const bool matches = attempt.condition.kind == Condition::Kind::kMatches;
  const bool conflict = said.status == 409 && said.code == "ConditionalRequestConflict";
  const bool gone = matches && said.status == 404 && said.code == "NoSuchKey";
  if (attempt.condition.kind == Condition::Kind::kNone ||
      !(said.status == 412 || conflict || gone)) {
    return error;
  }
  // The condition may have been lost to our own first try, whose reply never came.
  if (response.attempts > 1 && !attempt.put_id.empty()) {
    auto own = OwnWrite(attempt.key, attempt.put_id);
    if (!own) {
      return std::move(own).error().While("find out whether the write happened, after a retry");
    }
    if (*own) return std::move(**own);
  }
  error.code = matches ? Code::kChanged : Code::kExists;
  return error;
}

}  // namespace coffer::s3
