#include "s3client/api_error.h"

#include <algorithm>
#include <array>

#include "s3client/json.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

// A row applies to its status; 4 stands for any of 4xx, 0 for any status, which a reply of status
// 200 with an error in it is as well.
struct Row {
  std::string_view service_code;
  int status;
  Code code;
  Retry retry;
};

constexpr std::array kRows = {
    Row{"NoSuchKey", 404, Code::kNotFound, Retry::kNever},
    Row{"NoSuchVersion", 404, Code::kNotFound, Retry::kNever},
    Row{"NoSuchUpload", 404, Code::kNotFound, Retry::kNever},
    Row{"NoSuchBucket", 4, Code::kUnavailable, Retry::kNever},
    Row{"NoSuchTagSet", 404, Code::kNoAttribute, Retry::kNever},
    Row{"NoSuchObjectLockConfiguration", 4, Code::kNoAttribute, Retry::kNever},
    Row{"ObjectLockConfigurationNotFoundError", 404, Code::kNoAttribute, Retry::kNever},
    Row{"ExpiredToken", 4, Code::kDenied, Retry::kCredentials},
    Row{"ExpiredTokenException", 4, Code::kDenied, Retry::kCredentials},
    Row{"TokenRefreshRequired", 4, Code::kDenied, Retry::kCredentials},
    Row{"InvalidToken", 4, Code::kDenied, Retry::kCredentials},
    Row{"RequestExpired", 4, Code::kDenied, Retry::kCredentials},
    Row{"RequestTimeTooSkewed", 403, Code::kDenied, Retry::kClockSkew},
    Row{"AccessDenied", 0, Code::kDenied, Retry::kNever},
    Row{"InvalidAccessKeyId", 4, Code::kDenied, Retry::kNever},
    Row{"SignatureDoesNotMatch", 4, Code::kDenied, Retry::kNever},
    // KMS answers 400 to whatever is not its own failure.
    Row{"AccessDeniedException", 4, Code::kDenied, Retry::kNever},
    Row{"UnrecognizedClientException", 4, Code::kDenied, Retry::kCredentials},
    Row{"InvalidClientTokenId", 4, Code::kDenied, Retry::kCredentials},
    Row{"MissingAuthenticationToken", 4, Code::kDenied, Retry::kNever},
    Row{"MissingAuthenticationTokenException", 4, Code::kDenied, Retry::kNever},
    // Also what KMS says to a date that is too far from its own.
    Row{"InvalidSignatureException", 4, Code::kDenied, Retry::kClockSkew},
    Row{"NotFoundException", 4, Code::kKeyMissing, Retry::kNever},
    Row{"KMSInvalidStateException", 4, Code::kKeyMissing, Retry::kNever},
    Row{"DisabledException", 4, Code::kKeyDisabled, Retry::kNever},
    Row{"InvalidCiphertextException", 4, Code::kCorrupt, Retry::kNever},
    Row{"IncorrectKeyException", 4, Code::kCorrupt, Retry::kNever},
    Row{"InvalidKeyUsageException", 4, Code::kCorrupt, Retry::kNever},
    Row{"KMSInternalException", 0, Code::kUnavailable, Retry::kTransient},
    Row{"DependencyTimeoutException", 0, Code::kUnavailable, Retry::kTransient},
    Row{"KeyUnavailableException", 0, Code::kUnavailable, Retry::kTransient},
    Row{"ValidationException", 4, Code::kInvalid, Retry::kNever},
    Row{"SerializationException", 4, Code::kInvalid, Retry::kNever},
    Row{"UnknownOperationException", 4, Code::kUnsupported, Retry::kNever},
    Row{"PreconditionFailed", 412, Code::kChanged, Retry::kNever},
    Row{"ConditionalRequestConflict", 409, Code::kChanged, Retry::kTransient},
    Row{"OperationAborted", 409, Code::kUnavailable, Retry::kTransient},
    Row{"BadDigest", 400, Code::kUnavailable, Retry::kOnce},
    Row{"XAmzContentSHA256Mismatch", 400, Code::kUnavailable, Retry::kOnce},
    Row{"XAmzContentChecksumMismatch", 400, Code::kUnavailable, Retry::kOnce},
    Row{"InternalError", 0, Code::kUnavailable, Retry::kTransient},
    Row{"RequestTimeout", 0, Code::kUnavailable, Retry::kTransient},
    Row{"RequestTimeoutException", 0, Code::kUnavailable, Retry::kTransient},
    Row{"IDPCommunicationError", 0, Code::kUnavailable, Retry::kTransient},
    Row{"ServiceUnavailable", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"SlowDown", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"Busy", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"ServerBusy", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"SlowDownRead", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"SlowDownWrite", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"Throttling", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"ThrottlingException", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"ThrottledException", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"RequestThrottled", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"RequestThrottledException", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"RequestLimitExceeded", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"TooManyRequestsException", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"BandwidthLimitExceeded", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"EC2ThrottledException", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"PriorRequestNotComplete", 0, Code::kUnavailable, Retry::kThrottled},
    Row{"EntityTooLarge", 4, Code::kTooLarge, Retry::kNever},
    Row{"KeyTooLongError", 4, Code::kNameTooLong, Retry::kNever},
    Row{"KeyTooLong", 4, Code::kNameTooLong, Retry::kNever},
    Row{"InvalidObjectName", 4, Code::kNameTooLong, Retry::kNever},
    Row{"MetadataTooLarge", 4, Code::kNoSpace, Retry::kNever},
    Row{"QuotaExceeded", 0, Code::kNoSpace, Retry::kNever},
    Row{"XMinioStorageFull", 0, Code::kNoSpace, Retry::kNever},
    Row{"InvalidObjectState", 403, Code::kArchived, Retry::kNever},
    Row{"RestoreAlreadyInProgress", 409, Code::kBusy, Retry::kNever},
    // A matter of hours: not of waiting for the next try.
    Row{"GlacierExpeditedRetrievalNotAvailable", 503, Code::kUnavailable, Retry::kNever},
    Row{"MethodNotAllowed", 0, Code::kUnsupported, Retry::kNever},
    Row{"NotImplemented", 0, Code::kUnsupported, Retry::kNever},
    // versitygw's, of every copy onto a new name that ends in '/'.
    Row{"DirectoryObjectContainsData", 400, Code::kUnsupported, Retry::kNever},
    Row{"InvalidRange", 416, Code::kInvalid, Retry::kNever},
    Row{"InvalidArgument", 400, Code::kInvalid, Retry::kNever},
    Row{"InvalidRequest", 400, Code::kInvalid, Retry::kNever},
    Row{"MalformedXML", 400, Code::kInvalid, Retry::kNever},
    Row{"InvalidURI", 400, Code::kInvalid, Retry::kNever},
};

// What a status means when the body says nothing that we know.
Row ByStatus(int status) {
  switch (status) {
    case 401:
    case 403:
      return {"", status, Code::kDenied, Retry::kNever};
    case 405:
    case 501:
      return {"", status, Code::kUnsupported, Retry::kNever};
    case 408:
      return {"", status, Code::kUnavailable, Retry::kTransient};
    case 429:
    case 503:
      return {"", status, Code::kUnavailable, Retry::kThrottled};
    case 304:
    case 412:
      return {"", status, Code::kChanged, Retry::kNever};
    case 413:
      return {"", status, Code::kTooLarge, Retry::kNever};
    case 414:
      return {"", status, Code::kNameTooLong, Retry::kNever};
    case 505:
      return {"", status, Code::kUnavailable, Retry::kNever};
    case 507:
      return {"", status, Code::kNoSpace, Retry::kNever};
    default:
      // Success with an error inside was meant to be a 500; the rest of 5xx may pass.
      return {"", status, Code::kUnavailable,
              status >= 500 || status / 100 == 2 ? Retry::kTransient : Retry::kNever};
  }
}

bool Applies(const Row& row, int status) {
  return row.status == 0 || row.status == status || (row.status == 4 && status / 100 == 4);
}

Row Find(const ServiceError& error) {
  for (const Row& row : kRows) {
    if (row.service_code == error.code && Applies(row, error.status)) return row;
  }
  return ByStatus(error.status);
}

// Many a reply names the bucket's Region; this one because the request went to another. The reply
// to a HEAD has no code to say so.
bool SpeaksOfRegion(const ServiceError& error) {
  return error.code == "AuthorizationHeaderMalformed" || error.code == "PermanentRedirect" ||
         error.code == "IllegalLocationConstraintException" || error.status == 301 ||
         error.status == 307 || (error.status == 400 && error.code.empty());
}

std::string_view KmsAdvice(const ServiceError& error, Code code, Operation operation) {
  if (error.code == "KMSInvalidStateException") {
    return "the key cannot be used in its state: if its deletion is pending, cancel that (aws kms "
           "cancel-key-deletion) and enable it";
  }
  if (error.code == "InvalidKeyUsageException") {
    return "not a symmetric key for encryption: give another one";
  }
  if (code == Code::kKeyMissing) return "there is no such key: check its ARN, account and Region";
  if (code == Code::kKeyDisabled) return "the key is disabled: aws kms enable-key";
  if (code == Code::kCorrupt) return "the key did not wrap this, or not under this context";
  if (code != Code::kDenied) return "";
  switch (operation) {
    case Operation::kKmsGenerateDataKey:
      return "it takes kms:GenerateDataKey on this key, in its policy or by it in IAM";
    case Operation::kKmsEncrypt:
      return "it takes kms:Encrypt on this key, in its policy or by it in IAM";
    case Operation::kKmsDescribeKey:
      return "it takes kms:DescribeKey on this key, in its policy or by it in IAM";
    case Operation::kKmsGetKeyPolicy:
      return "it takes kms:GetKeyPolicy on this key, in its policy or by it in IAM";
    default:
      return "it takes kms:Decrypt on this key, in its policy or by it in IAM";
  }
}

std::string_view RightAdvice(Operation operation) {
  switch (operation) {
    case Operation::kGetRetention:
      return "these credentials may not do this: it takes s3:GetObjectRetention";
    case Operation::kPutRetention:
      return "these credentials may not do this: it takes s3:PutObjectRetention, and "
             "s3:BypassGovernanceRetention to weaken a lock";
    case Operation::kGetLegalHold:
      return "these credentials may not do this: it takes s3:GetObjectLegalHold";
    case Operation::kPutLegalHold:
      return "these credentials may not do this: it takes s3:PutObjectLegalHold";
    case Operation::kRestoreObject:
      return "these credentials may not do this: it takes s3:RestoreObject";
    default:
      return "";
  }
}

std::string_view Advice(const ServiceError& error, Code code, Operation operation) {
  if (error.code == "NoSuchBucket") return "there is no such bucket: check its name and region";
  if (error.code == "RequestTimeTooSkewed") return "set this machine's clock";
  if (error.code == "ExpiredToken" || error.code == "ExpiredTokenException") {
    return "the session has ended: get new credentials";
  }
  if (error.code == "InvalidToken") {
    return "temporary keys need the session token that came with them: check AWS_SESSION_TOKEN";
  }
  if (error.code == "InvalidAccessPoint" || error.code == "NoSuchAccessPoint") {
    return "there is no such access point: check its name, account and Region";
  }
  if (error.code == "InvalidURI") return "keys are UTF-8, and this name is not";
  if (error.code == "InvalidAccessKeyId") return "the service does not know this access key";
  if (error.code == "SignatureDoesNotMatch") return "check the secret access key";
  if (error.code == "InvalidSignatureException") {
    return "check the secret access key, and this machine's clock";
  }
  if (error.code == "UnrecognizedClientException" || error.code == "InvalidClientTokenId") {
    return "the service does not know this access key, or its session token";
  }
  if (IsKms(operation)) return KmsAdvice(error, code, operation);
  if (error.code == "AuthorizationHeaderMalformed" || error.code == "PermanentRedirect" ||
      error.status == 301 || error.status == 307) {
    return "the bucket is in another region: give --region";
  }
  if (error.status == 404 && error.code.empty()) {
    return "a 404 that is not the service's own: check the endpoint and what stands before it";
  }
  if (code == Code::kDenied && operation == Operation::kHeadObject) {
    return "these credentials may not do this: it takes s3:GetObject, and s3:ListBucket of what is "
           "not there; see coffer doctor";
  }
  if (code == Code::kDenied && !RightAdvice(operation).empty()) return RightAdvice(operation);
  if (code == Code::kDenied) return "these credentials may not do this: see coffer doctor";
  if (code == Code::kArchived && operation == Operation::kRestoreObject) {
    return "there is nothing to restore";
  }
  if (code == Code::kArchived) return kArchivedAdvice;
  if (error.code == "GlacierExpeditedRetrievalNotAvailable") {
    return "there is no room for this tier now: try --tier Standard, or later";
  }
  return "";
}

// AWS's and MinIO's words for a version that its lock protects.
bool SpeaksOfLock(const ServiceError& error) {
  const auto says = [&](std::string_view words) {
    return error.message.find(words) != std::string::npos;
  };
  return (error.status == 400 && says("WORM protected")) ||
         (error.status == 403 && says("protected by object lock"));
}

// "com.amazonaws.kms#DisabledException", "DisabledException:http://..." and the bare name.
std::string BareType(std::string_view type) {
  type = type.substr(0, type.find(':'));
  return Printable(type.substr(type.rfind('#') + 1));
}

void ReadJsonError(const Response& response, ServiceError& error) {
  error.code = BareType(response.headers.Get("x-amzn-ErrorType"));
  const auto members = ParseJsonObject(AsText(response.body));
  if (!members) return;
  for (const auto& [name, value] : *members) {
    if (name == "__type" && error.code.empty()) error.code = BareType(value);
    if (name == "message" || name == "Message") error.message = Printable(value);
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  constexpr std::size_t kLimit = 300;
  std::string line(text.substr(0, kLimit));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  return line;
}

bool IsSuccess(const Response& response) {
  return response.status / 100 == 2 || response.status == 304;
}

ServiceError ReadServiceError(const Response& response) {
  ServiceError error;
  error.status = response.status;
  error.request_id = Printable(response.headers.Get("x-amz-request-id"));
  if (error.request_id.empty()) {
    error.request_id = Printable(response.headers.Get("x-amzn-RequestId"));
  }
  error.region = Printable(response.headers.Get("x-amz-bucket-region"));
  if (response.body.empty()) return error;
  if (AsText(response.body).starts_with('{')) {
    ReadJsonError(response, error);
    return error;
  }
  const auto document = XmlDocument::Parse(AsText(response.body));
  if (!document) return error;
  XmlNode node = document->root();
  if (node.name() == "ErrorResponse") {  // as STS and IAM wrap it
    if (error.request_id.empty()) error.request_id = Printable(node.TextOr("RequestId"));
    node = node.Child("Error");
  }
  if (node.name() != "Error") return error;
  error.code = Printable(node.TextOr("Code"));
  error.message = Printable(node.TextOr("Message"));
  error.condition = Printable(node.TextOr("Condition"));
  if (error.request_id.empty()) error.request_id = Printable(node.TextOr("RequestId"));
  if (error.region.empty()) error.region = Printable(node.TextOr("Region"));
  return error;
}

bool IsThrottle(const Response& response, Operation operation) {
  if (response.status == 429 || response.status == 503) return true;
  return IsKms(operation) && response.status == 400 &&
         RetryFor(ReadServiceError(response), operation) == Retry::kThrottled;
}

Retry RetryFor(const ServiceError& error, Operation operation) {
  const Row row = Find(error);
  // Nothing is left to complete after a conflict: the upload must be made anew, which only its
  // owner can do.
  if (operation == Operation::kCompleteUpload && row.service_code == "ConditionalRequestConflict") {
    return Retry::kNever;
  }
  return row.retry;
}

Error ToError(const ServiceError& error, Operation operation) {
  const Row row = Find(error);
  const Code code = SpeaksOfLock(error) ? Code::kLocked : row.code;
  std::string what(Name(operation));
  what += ": " + (error.code.empty() ? "status " + std::to_string(error.status)
                                     : error.code + " (" + std::to_string(error.status) + ")");
  const bool may_quote_key = operation == Operation::kKmsEncrypt;
  if (!error.message.empty() && !may_quote_key) what += ": " + error.message;
  if (!error.request_id.empty()) what += "; request id " + error.request_id;
  if (!error.region.empty() && SpeaksOfRegion(error)) {
    what += "; the bucket is in " + error.region;
  }
  const std::string_view advice = Advice(error, code, operation);
  if (!advice.empty()) what += "; " + std::string(advice);
  return {code, std::move(what), error.code};
}

}  // namespace coffer::s3
