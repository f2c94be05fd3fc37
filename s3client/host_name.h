// What may stand in a host name, and which bucket names may. Pure functions, safe from any thread.

#pragma once

#include <string_view>

namespace coffer::s3 {

// One label of RFC 1123: letters, digits and inner hyphens, 1 to 63 of them.
bool IsHostLabel(std::string_view text);

// Labels joined by dots.
bool IsHostName(std::string_view text);

// "192.0.2.1", or "[2001:db8::1]" in the brackets that a URL puts around it.
bool IsIpLiteral(std::string_view host);

// May the bucket be the first label of a host name, so that a wildcard certificate covers it?
// Lower case, 3 to 63 characters, no dot, not like an IP address.
bool IsDnsBucketName(std::string_view name);

// The same, but for dots, which split the name into labels that no wildcard certificate covers:
// good for plain http only.
bool IsDottedBucketName(std::string_view name);

}  // namespace coffer::s3
