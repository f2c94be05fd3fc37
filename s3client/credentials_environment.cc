#include "s3client/credentials_environment.h"

#include "s3client/date.h"

namespace coffer::s3 {

Result<std::optional<Credentials>> EnvironmentCredentials(const Environment& env) {
  Credentials credentials;
  credentials.source = "environment";
  credentials.access_key_id = env("AWS_ACCESS_KEY_ID");
  credentials.secret_access_key = env("AWS_SECRET_ACCESS_KEY");
  const bool id = !credentials.access_key_id.empty();
  const bool secret = !credentials.secret_access_key.empty();
  if (!id && !secret) return std::optional<Credentials>();
  if (!id || !secret) {
    const std::string set = id ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY";
    const std::string unset = id ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID";
    return Error{Code::kDenied,
                 set + " is set but " + unset + " is not: set both, or neither to use a profile"};
  }
  credentials.session_token = env("AWS_SESSION_TOKEN");
  if (credentials.session_token.empty()) credentials.session_token = env("AWS_SECURITY_TOKEN");
  credentials.account_id = env("AWS_ACCOUNT_ID");
  if (const std::string end = env("AWS_CREDENTIAL_EXPIRATION"); !end.empty()) {
    credentials.expires_at = ParseIsoMoment(end);
    if (!credentials.expires_at) {
      return Error{Code::kDenied,
                   "AWS_CREDENTIAL_EXPIRATION is not a time as in "
                   "2026-01-31T12:00:00Z"};
    }
  }
  return std::optional<Credentials>(std::move(credentials));
}

}  // namespace coffer::s3
