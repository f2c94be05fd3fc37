// What a failed reply means: the service's code, our Code, and whether trying again can help.
//
// Pure functions of untrusted replies. A 404 is kNotFound only with the service's own code for it
// in the body: a proxy's 404, or that of a missing bucket, is a failure and never an absence.

#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/http.h"

namespace coffer::s3 {

// The <Error> of a reply, as S3 and STS write it, or the JSON of KMS; every text on one line,
// printable, bounded.
struct ServiceError {
  int status = 0;
  std::string code;  // "" when the body holds none (HEAD, or not an answer of the service)
  std::string message;
  std::string request_id;
  std::string region;     // where the bucket is, when the reply says so
  std::string condition;  // the header whose condition failed, when the reply says so
};

ServiceError ReadServiceError(const Response& response);

// What to do about kArchived, wherever it is found out.
inline constexpr std::string_view kArchivedAdvice =
    "the object is archived: 'coffer restore' makes it readable again";

// Whether a reply is a success: 2xx, or 304.
bool IsSuccess(const Response& response);

enum class Retry {
  kNever,
  kTransient,
  kThrottled,    // the service asks for less
  kClockSkew,    // once, after taking over the Date of the reply
  kCredentials,  // once, with credentials asked for anew: SigningTransport does it
  kOnce,         // once: a bit that flipped on the wire
  kFewTimes,     // a reply that is not what it should be: broken by the network, or always
};

// Whether the reply asks for fewer requests. KMS says so with status 400.
bool IsThrottle(const Response& response, Operation operation);

// Whether and how to repeat a request that got this failure.
Retry RetryFor(const ServiceError& error, Operation operation);

// "GetObject: AccessDenied (403): Access Denied; request id X; <what to do>". The service's own
// words are left out where the request held a key, which they might quote.
Error ToError(const ServiceError& error, Operation operation);
inline Error ToError(const Response& response, Operation operation) {
  return ToError(ReadServiceError(response), operation);
}

// One line of at most 300 printable bytes: what a stranger wrote, fit for a log.
std::string Printable(std::string_view text);

}  // namespace coffer::s3
