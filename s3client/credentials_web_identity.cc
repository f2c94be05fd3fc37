#include "s3client/credentials_web_identity.h"

#include "crypto/ascii.h"
#include "s3client/local_file.h"

namespace coffer::s3 {
Result<std::optional<WebIdentity>> WebIdentityFromEnvironment(const Environment& env) {
  WebIdentity identity;
  identity.token_file = env("AWS_WEB_IDENTITY_TOKEN_FILE");
  if (identity.token_file.empty()) return std::optional<WebIdentity>();
  identity.role.role_arn = env("AWS_ROLE_ARN");
  if (identity.role.role_arn.empty()) {
    return Error{Code::kDenied, "AWS_WEB_IDENTITY_TOKEN_FILE is set but AWS_ROLE_ARN is not"};
  }
  identity.role.session_name = env("AWS_ROLE_SESSION_NAME");
  identity.source = "environment";
  return std::optional<WebIdentity>(std::move(identity));
}

Result<std::optional<WebIdentity>> WebIdentityFromProfile(const Profile& profile) {
  WebIdentity identity;
  identity.token_file = profile.Get("web_identity_token_file");
  if (identity.token_file.empty()) return std::optional<WebIdentity>();
  identity.source = "profile " + profile.name();
  identity.role.role_arn = profile.Get("role_arn");
  if (identity.role.role_arn.empty()) {
    return Error{Code::kDenied, identity.source + " has web_identity_token_file but no role_arn"};
  }
  identity.role.session_name = profile.Get("role_session_name");
  identity.role.duration_seconds = profile.Get("duration_seconds");
  return std::optional<WebIdentity>(std::move(identity));
}

Result<Credentials> AssumeWebIdentity(WebIdentity identity, const std::string& default_session_name,
                                      StsClient& sts) {
  const std::string doing =
      "assume role " + identity.role.role_arn + " with the token file of the " + identity.source;
  auto file = ReadLocalFile(identity.token_file);
  if (!file) return std::move(file).error().While(doing);
  const std::string token = *file ? std::string(Trimmed((*file)->text)) : std::string();
  if (token.empty()) {
    const char* state = *file ? " is empty" : " does not exist";
    return Error{Code::kDenied, identity.token_file + state}.While(doing);
  }
  if (identity.role.session_name.empty()) identity.role.session_name = default_session_name;
  auto credentials = sts.AssumeRoleWithWebIdentity(identity.role, token);
  if (!credentials) return std::move(credentials).error().While(doing);
  return credentials;
}

}  // namespace coffer::s3
