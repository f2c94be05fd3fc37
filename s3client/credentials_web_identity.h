// A role assumed with a token file, as Kubernetes mounts one into pods (IRSA) and CI systems write.

#pragma once

#include <optional>
#include <string>

#include "crypto/result.h"
#include "s3client/aws_config.h"
#include "s3client/credentials.h"
#include "s3client/environment.h"
#include "s3client/sts.h"

namespace coffer::s3 {

struct WebIdentity {
  RoleRequest role;
  std::string token_file;
  std::string source;  // "environment", "profile backup"
};

// From AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN: nothing when the first is not set, kDenied
// when only the second is missing.
Result<std::optional<WebIdentity>> WebIdentityFromEnvironment(const Environment& env);
// From web_identity_token_file and role_arn: nothing when the first is not set.
Result<std::optional<WebIdentity>> WebIdentityFromProfile(const Profile& profile);

// Reads the token anew, as others rotate it, and blocks on STS. `default_session_name` stands in
// where nobody named the session.
Result<Credentials> AssumeWebIdentity(WebIdentity identity, const std::string& default_session_name,
                                      StsClient& sts);

}  // namespace coffer::s3
