// Credentials that stand in a profile.

#pragma once

#include "crypto/result.h"
#include "s3client/aws_config.h"
#include "s3client/credentials.h"

namespace coffer::s3 {

bool HasStaticCredentials(const Profile& profile);
// kDenied when only one of the two keys is there. Pure.
Result<Credentials> StaticCredentials(const Profile& profile, const SharedConfig::Paths& paths);

}  // namespace coffer::s3
