#include "s3client/host_name.h"

#include <arpa/inet.h>

#include <algorithm>
#include <string>

namespace coffer::s3 {
namespace {

// Without the locale: what the C library calls a letter depends on the user's environment.
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsAddress(int family, std::string_view text) {
  unsigned char address[sizeof(in6_addr)];
  return inet_pton(family, std::string(text).c_str(), address) == 1;
}

// Looser than an address that exists: "300.1.1.1" is no bucket's host name either.
bool LooksLikeIpv4(std::string_view text) {
  return std::count(text.begin(), text.end(), '.') == 3 &&
         std::all_of(text.begin(), text.end(), [](char c) { return IsDigit(c) || c == '.'; });
}

bool IsBucketHost(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::none_of(name.begin(), name.end(), IsUpper) &&
         !LooksLikeIpv4(name);
}

}  // namespace

bool IsHostLabel(std::string_view text) {
  if (text.empty() || text.size() > 63 || text.front() == '-' || text.back() == '-') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return IsLower(c) || IsUpper(c) || IsDigit(c) || c == '-'; });
}

bool IsHostName(std::string_view text) {
  for (;;) {
    const auto dot = text.find('.');
    if (!IsHostLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsIpLiteral(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return IsAddress(AF_INET6, host.substr(1, host.size() - 2));
  }
  return IsAddress(AF_INET, host);
}

bool IsDnsBucketName(std::string_view name) { return IsBucketHost(name) && IsHostLabel(name); }

bool IsDottedBucketName(std::string_view name) { return IsBucketHost(name) && IsHostName(name); }

}  // namespace coffer::s3
