// Amazon Resource Names, taken apart.
//
// Pure values and functions, safe from any thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::s3 {

// arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
struct Arn {
  std::string partition;
  std::string service;
  std::string region;   // may be empty
  std::string account;  // may be empty
  std::string resource;

  // Up to the resource, with the colon: "arn:aws:s3:us-west-2:123456789012:".
  std::string Head() const;
};

// Does `text` claim to be one?
bool LooksLikeArn(std::string_view text);

// kInvalid when a part is missing.
Result<Arn> ParseArn(std::string_view text);

// The first components of a resource, which ':' and '/' separate alike, and what follows them.
struct Resource {
  std::vector<std::string> components;  // at most as many as were asked for
  std::string rest;                     // "" or starts with ':' or '/'
};
Resource SplitResource(std::string_view resource, std::size_t count);

}  // namespace coffer::s3
