#include "s3client/endpoint.h"

#include <algorithm>
#include <charconv>

#include "s3client/host_name.h"

namespace coffer::s3 {
namespace {

Error RefuseUrl(std::string_view url, std::string_view why) {
  return {Code::kInvalid, "--endpoint-url " + std::string(url) + ": " + std::string(why)};
}

bool TakeScheme(std::string_view& rest, std::string_view scheme) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; };
  if (rest.size() < scheme.size() ||
      !std::equal(scheme.begin(), scheme.end(), rest.begin(),
                  [&](char want, char have) { return same(have, want); })) {
    return false;
  }
  rest.remove_prefix(scheme.size());
  return true;
}

bool IsPathByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~/%").find(c) != std::string_view::npos;
}

// "host", "host:port", "[v6]:port" into its two halves; false when a bracket is left open or
// something else than a port follows.
bool SplitAuthority(std::string_view authority, std::string_view& host, std::string_view& port) {
  const auto bracket = authority.starts_with('[') ? authority.find(']') : 0;
  if (bracket == std::string_view::npos) return false;
  const auto colon = authority.find(':', bracket);
  host = authority.substr(0, colon);
  port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon + 1);
  return colon == std::string_view::npos || !port.empty();
}

}  // namespace

std::string Endpoint::ToString() const {
  const std::string colon_port = port == 0 ? "" : ":" + std::to_string(port);
  return (https ? "https://" : "http://") + host + colon_port + base_path;
}

Result<Endpoint> ParseEndpoint(std::string_view url) {
  Endpoint endpoint;
  std::string_view rest = url;
  endpoint.https = TakeScheme(rest, "https://");
  if (!endpoint.https && !TakeScheme(rest, "http://")) {
    const auto scheme = url.find("://");
    const auto bare = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
    return RefuseUrl(url, "write it as https://" + std::string(bare) +
                              " (or with http:// for a server without TLS)");
  }
  if (rest.find_first_of("?#") != std::string_view::npos) {
    return RefuseUrl(url, "leave out the query or fragment (from '?' or '#' on)");
  }
  const auto slash = std::min(rest.find('/'), rest.size());
  const std::string_view authority = rest.substr(0, slash);
  if (authority.find('@') != std::string_view::npos) {
    // Not repeated in the message: what stands before the '@' may be a password.
    return Error{Code::kInvalid,
                 "--endpoint-url: leave out the user name and '@'; credentials come from the "
                 "environment or a profile"};
  }
  std::string_view host;
  std::string_view port;
  if (!SplitAuthority(authority, host, port) || (!IsHostName(host) && !IsIpLiteral(host))) {
    return RefuseUrl(url,
                     "the host is not a valid name or address (an IPv6 address stands in "
                     "brackets: http://[::1]:9000)");
  }
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (!port.empty() &&
      (error != std::errc() || end != port.data() + port.size() || endpoint.port == 0)) {
    return RefuseUrl(url, "the port must be a number from 1 to 65535");
  }
  if (endpoint.port == (endpoint.https ? 443 : 80)) endpoint.port = 0;
  std::string_view path = rest.substr(slash);
  if (!std::all_of(path.begin(), path.end(), IsPathByte)) {
    return RefuseUrl(url, "percent-encode the path; it may hold letters, digits and -_.~/ only");
  }
  while (path.ends_with('/')) path.remove_suffix(1);
  endpoint.host = host;
  endpoint.base_path = path;
  endpoint.is_ip = IsIpLiteral(host);
  return endpoint;
}

}  // namespace coffer::s3
