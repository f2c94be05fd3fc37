// What --endpoint-url says: the server to use instead of AWS's own host for a Region.
//
// Pure values and functions, safe from any thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::s3 {

struct Endpoint {
  bool https = true;
  std::string host;        // no port; an IPv6 literal stands in brackets
  std::uint16_t port = 0;  // 0: the scheme's default
  std::string base_path;   // "" or "/base", without a slash at the end
  bool is_ip = false;

  std::string ToString() const;  // "http://localhost:9000/base"
};

// kInvalid with what is wrong and what to type instead: no scheme, a query, a user name, a port
// that is none.
Result<Endpoint> ParseEndpoint(std::string_view url);

}  // namespace coffer::s3
