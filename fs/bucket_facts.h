// A bucket's settings as JSON (equal when they mean the same) and in words; what `coffer
// lock-default set` takes. Pure functions.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/json.h"
#include "s3client/bucket.h"
#include "s3client/bucket_settings.h"

namespace coffer::fs {

Json Describe(const s3::DefaultEncryption& encryption);
Json Describe(const s3::AccessLog& log);
Json Describe(const s3::Versioning& versioning);
Json Describe(const s3::BucketLock& lock);

std::string InWords(const s3::DefaultEncryption& encryption);
std::string InWords(const s3::AccessLog& log);
std::string InWords(const s3::Versioning& versioning);
std::string InWords(const s3::BucketLock& lock);

// "governance:30d", "compliance:1y", "none". kInvalid with what is taken; a lock of none is enabled
// and has no default.
Result<s3::BucketLock> ParseLockDefault(const std::string& text);

// The lifecycle rule that bounds what a mount leaves behind below `prefix`: old versions,
// unfinished uploads, and markers of what is gone. As the AWS CLI takes it.
Json LifecycleSuggestion(const std::string& prefix);

}  // namespace coffer::fs
