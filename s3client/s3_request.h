// Small pieces that several files of S3Store share.

#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::s3 {

// How long the service may be silent while it copies or assembles an object.
inline constexpr std::chrono::milliseconds kSlowOperation{300'000};

// `etag` between double quotes.
std::string Quoted(std::string_view etag);

// A fresh random name for one write, to know it again by (kPutIdName).
Result<std::string> NewPutId();

}  // namespace coffer::s3
