// Credentials from AWS_ACCESS_KEY_ID and its companions.

#pragma once

#include <optional>

#include "crypto/result.h"
#include "s3client/credentials.h"
#include "s3client/environment.h"

namespace coffer::s3 {

// Nothing when neither key is set; kDenied when only one is, or the expiration cannot be read.
// Pure.
Result<std::optional<Credentials>> EnvironmentCredentials(const Environment& env);

}  // namespace coffer::s3
