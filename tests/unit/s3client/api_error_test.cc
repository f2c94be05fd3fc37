#include "s3client/api_error.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_transport.h"

namespace coffer::s3::api_error_test {

struct Expected {
  int status;
  const char* code;
  Code meaning;
  Retry retry;
};

const Expected kTable[] = {
    {404, "NoSuchKey", Code::kNotFound, Retry::kNever},
    {404, "NoSuchVersion", Code::kNotFound, Retry::kNever},
    {404, "NoSuchUpload", Code::kNotFound, Retry::kNever},
    {404, "NoSuchBucket", Code::kUnavailable, Retry::kNever},
    {404, "", Code::kUnavailable, Retry::kNever},
    {404, "PageNotFound", Code::kUnavailable, Retry::kNever},
    {404, "NoSuchObjectLockConfiguration", Code::kNoAttribute, Retry::kNever},
    {403, "AccessDenied", Code::kDenied, Retry::kNever},
    {403, "", Code::kDenied, Retry::kNever},
    {401, "", Code::kDenied, Retry::kNever},
    {403, "SignatureDoesNotMatch", Code::kDenied, Retry::kNever},
    {403, "RequestTimeTooSkewed", Code::kDenied, Retry::kClockSkew},
    {400, "ExpiredToken", Code::kDenied, Retry::kCredentials},
    {403, "InvalidObjectState", Code::kArchived, Retry::kNever},
    {409, "RestoreAlreadyInProgress", Code::kBusy, Retry::kNever},
    {503, "GlacierExpeditedRetrievalNotAvailable", Code::kUnavailable, Retry::kNever},
    {412, "PreconditionFailed", Code::kChanged, Retry::kNever},
    {412, "", Code::kChanged, Retry::kNever},
    {409, "ConditionalRequestConflict", Code::kChanged, Retry::kTransient},
    {409, "OperationAborted", Code::kUnavailable, Retry::kTransient},
    {409, "BucketNotEmpty", Code::kUnavailable, Retry::kNever},
    {400, "RequestTimeout", Code::kUnavailable, Retry::kTransient},
    {400, "BadDigest", Code::kUnavailable, Retry::kOnce},
    {400, "XAmzContentSHA256Mismatch", Code::kUnavailable, Retry::kOnce},
    {400, "KeyTooLongError", Code::kNameTooLong, Retry::kNever},
    {400, "EntityTooLarge", Code::kTooLarge, Retry::kNever},
    {400, "MetadataTooLarge", Code::kNoSpace, Retry::kNever},
    {400, "InvalidArgument", Code::kInvalid, Retry::kNever},
    {400, "ThrottlingException", Code::kUnavailable, Retry::kThrottled},
    {400, "", Code::kUnavailable, Retry::kNever},
    {405, "MethodNotAllowed", Code::kUnsupported, Retry::kNever},
    {408, "", Code::kUnavailable, Retry::kTransient},
    {413, "", Code::kTooLarge, Retry::kNever},
    {414, "", Code::kNameTooLong, Retry::kNever},
    {429, "", Code::kUnavailable, Retry::kThrottled},
    {301, "PermanentRedirect", Code::kUnavailable, Retry::kNever},
    {307, "TemporaryRedirect", Code::kUnavailable, Retry::kNever},
    {500, "InternalError", Code::kUnavailable, Retry::kTransient},
    {500, "", Code::kUnavailable, Retry::kTransient},
    {501, "NotImplemented", Code::kUnsupported, Retry::kNever},
    {400, "DirectoryObjectContainsData", Code::kUnsupported, Retry::kNever},
    {502, "", Code::kUnavailable, Retry::kTransient},
    {503, "SlowDown", Code::kUnavailable, Retry::kThrottled},
    {503, "", Code::kUnavailable, Retry::kThrottled},
    {504, "", Code::kUnavailable, Retry::kTransient},
    {507, "XMinioStorageFull", Code::kNoSpace, Retry::kNever},
    {599, "", Code::kUnavailable, Retry::kTransient},
    // An error inside of a success counts as a 500, whatever its code would mean with its status.
    {200, "InternalError", Code::kUnavailable, Retry::kTransient},
    {200, "SlowDown", Code::kUnavailable, Retry::kThrottled},
    {200, "NoSuchKey", Code::kUnavailable, Retry::kTransient},
    // Codes that do not fit their status prove nothing.
    {500, "NoSuchKey", Code::kUnavailable, Retry::kTransient},
    {503, "NoSuchKey", Code::kUnavailable, Retry::kThrottled},
    {403, "NoSuchKey", Code::kDenied, Retry::kNever},
};

TEST_CASE("api_error: status and code to meaning and retry") {
  for (const Expected& row : kTable) {
    CAPTURE(row.status, row.code);
    const std::string body = *row.code ? ErrorXml(row.code) : "";
    const ServiceError said = ReadServiceError(Reply(row.status, {}, body));
    CHECK(said.code == row.code);
    CHECK(ToError(said, Operation::kGetObject).code == row.meaning);
    CHECK(ToError(said, Operation::kGetObject).service_code == row.code);
    CHECK(RetryFor(said, Operation::kGetObject) == row.retry);
  }
}

TEST_CASE("api_error: no status whatsoever means absence without the service's word") {
  for (int status = 100; status <= 599; ++status) {
    for (const std::string& body :
         {std::string(), std::string("<html>404 NoSuchKey</html>"),
          std::string("<Error><Code>NoSuch"), ErrorXml("NoSuchBucket"), ErrorXml("")}) {
      CAPTURE(status, body);
      CHECK(ToError(Reply(status, {}, body), Operation::kGetObject).code != Code::kNotFound);
    }
    if (status != 404) {
      CHECK(ToError(Reply(status, {}, ErrorXml("NoSuchKey")), Operation::kGetObject).code !=
            Code::kNotFound);
    }
  }
}

TEST_CASE("api_error: a conflict on Complete is for the upload's owner to mend") {
  const ServiceError said =
      ReadServiceError(Reply(409, {}, ErrorXml("ConditionalRequestConflict")));
  CHECK(RetryFor(said, Operation::kCompleteUpload) == Retry::kNever);
  CHECK(RetryFor(said, Operation::kPutObject) == Retry::kTransient);
}

TEST_CASE("api_error: MinIO's word for a lock") {
  const auto error = ToError(Reply(400, {},
                                   ErrorXml("InvalidRequest",
                                            "Object is WORM protected and cannot be "
                                            "overwritten")),
                             Operation::kDeleteObject);
  CHECK(error.code == Code::kLocked);
}

TEST_CASE("api_error: the message has what was tried, code, request id and what to do") {
  const auto error = ToError(Reply(403, {{"x-amz-request-id", "ABC"}},
                                   ErrorXml("RequestTimeTooSkewed", "too\nskewed\x1b[31m")),
                             Operation::kPutObject);
  CHECK(error.what ==
        "PutObject: RequestTimeTooSkewed (403): too skewed [31m; request id ABC; set this "
        "machine's clock");
  const auto region =
      ToError(Reply(400, {},
                    "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>"
                    "</Error>"),
              Operation::kListObjects);
  CHECK(region.what.find("eu-west-1") != std::string::npos);
  const auto sts = ReadServiceError(
      Reply(403, {},
            "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>AccessDenied</Code>"
            "<Message>no</Message></Error><RequestId>Q</RequestId></ErrorResponse>"));
  CHECK(sts.code == "AccessDenied");
  CHECK(sts.request_id == "Q");
  CHECK(Printable(std::string(5000, 'x')).size() == 300);
}

TEST_CASE("api_error: what KMS says, all of it with status 400 or 500") {
  const Expected rows[] = {
      {400, "ThrottlingException", Code::kUnavailable, Retry::kThrottled},
      {500, "KMSInternalException", Code::kUnavailable, Retry::kTransient},
      {500, "DependencyTimeoutException", Code::kUnavailable, Retry::kTransient},
      {500, "KeyUnavailableException", Code::kUnavailable, Retry::kTransient},
      {400, "AccessDeniedException", Code::kDenied, Retry::kNever},
      {400, "DisabledException", Code::kKeyDisabled, Retry::kNever},
      {400, "KMSInvalidStateException", Code::kKeyMissing, Retry::kNever},
      {400, "NotFoundException", Code::kKeyMissing, Retry::kNever},
      {400, "InvalidCiphertextException", Code::kCorrupt, Retry::kNever},
      {400, "IncorrectKeyException", Code::kCorrupt, Retry::kNever},
      {400, "InvalidKeyUsageException", Code::kCorrupt, Retry::kNever},
      {400, "ExpiredTokenException", Code::kDenied, Retry::kCredentials},
      {400, "UnrecognizedClientException", Code::kDenied, Retry::kCredentials},
      {400, "InvalidSignatureException", Code::kDenied, Retry::kClockSkew},
      {400, "ValidationException", Code::kInvalid, Retry::kNever},
      {400, "Unheard", Code::kUnavailable, Retry::kNever},
      {500, "", Code::kUnavailable, Retry::kTransient},
  };
  for (const Expected& row : rows) {
    CAPTURE(row.code);
    const std::string name = row.code;
    for (const Response& reply :
         {Reply(row.status, {}, "{\"__type\":\"" + name + "\",\"message\":\"said so\"}"),
          Reply(row.status, {}, "{\"__type\":\"com.amazonaws.kms#" + name + "\"}"),
          Reply(row.status, {{"x-amzn-ErrorType", name + ":http://internal/"}}, "{}")}) {
      const ServiceError said = ReadServiceError(reply);
      CHECK(said.code == name);
      CHECK(ToError(said, Operation::kKmsDecrypt).code == row.meaning);
      CHECK(RetryFor(said, Operation::kKmsDecrypt) == row.retry);
      CHECK(IsThrottle(reply, Operation::kKmsDecrypt) == (row.retry == Retry::kThrottled));
    }
  }
}

TEST_CASE("api_error: what KMS refused says which permission it takes, and never a key") {
  const Response denied = Reply(400, {{"x-amzn-RequestId", "R-1"}},
                                R"({"__type":"AccessDeniedException","Message":"no\nway"})");
  CHECK(ToError(denied, Operation::kKmsGenerateDataKey).what ==
        "GenerateDataKey: AccessDeniedException (400): no way; request id R-1; it takes "
        "kms:GenerateDataKey on this key, in its policy or by it in IAM");
  CHECK(ToError(denied, Operation::kKmsDecrypt).what.find("takes kms:Decrypt") !=
        std::string::npos);
  CHECK(ToError(denied, Operation::kKmsEncrypt).what ==
        "Encrypt: AccessDeniedException (400); request id R-1; it takes kms:Encrypt on this key, "
        "in its policy or by it in IAM");
  CHECK_FALSE(IsThrottle(denied, Operation::kKmsEncrypt));
  const auto advice = [](const char* code) {
    return ToError(Reply(400, {}, std::string("{\"__type\":\"") + code + "\"}"),
                   Operation::kKmsGenerateDataKey)
        .what;
  };
  CHECK(advice("DisabledException").find("enable-key") != std::string::npos);
  CHECK(advice("KMSInvalidStateException").find("cancel-key-deletion") != std::string::npos);
  CHECK(advice("NotFoundException").find("check its ARN") != std::string::npos);
  CHECK(advice("InvalidKeyUsageException").find("symmetric") != std::string::npos);
  CHECK(ReadServiceError(Reply(400, {}, "{\"__type\":")).code == "");
}

}  // namespace coffer::s3::api_error_test
