// Addresses as people paste them: a host that is one, and URLs that name what they should.

#include "s3client/target.h"

#include <algorithm>

#include "crypto/encoding.h"
#include "s3client/endpoint.h"
#include "s3client/host_name.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

bool IsUrlText(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_.~/%").find(c) != std::string_view::npos;
  });
}

void CheckTarget(const s3::Target& target) {
  Must(s3::IsHostName(target.host) || s3::IsIpLiteral(target.host),
       "a host is one: " + target.host);
  Must(target.key_prefix.empty() || target.key_prefix.ends_with('/'), "a prefix is a directory");
  Must(!target.name.empty() || !target.arn.empty(), "a target is something");
  const std::string key = "a b/\xff/../?#%2F\r\n";
  const s3::Url url = target.UrlFor(key);
  Must(url.host == target.host && url.https == target.https && url.port == target.port,
       "every key is at the target's host");
  Must(IsUrlText(url.path) && url.path.starts_with('/'), "a path is escaped: " + url.path);
  Must(url.path == target.base_path + "/" + UriEscape(key, Slash::kKeep), "a path ends in the key");
  if (target.capabilities.copy_source) {
    Must(IsUrlText(target.CopySource(key)), "a copy's source is escaped");
  }
}

void CheckEndpoint(const std::string& text) {
  const auto endpoint = s3::ParseEndpoint(text);
  if (!endpoint) return;
  Must(s3::IsHostName(endpoint->host) || s3::IsIpLiteral(endpoint->host), "an endpoint is a host");
  const auto again = s3::ParseEndpoint(endpoint->ToString());
  Must(again && again->ToString() == endpoint->ToString(), "an endpoint there and back");
}

}  // namespace

void FuzzTargetAddress(ByteView input) {
  Pieces pieces(input);
  s3::AddressOptions options;
  const std::uint8_t flags = pieces.Byte();
  options.force_path_style = (flags & 1) != 0;
  options.fips = (flags & 2) != 0;
  options.dual_stack = (flags & 4) != 0;
  options.transfer_acceleration = (flags & 8) != 0;
  options.use_arn_region = (flags & 16) == 0;
  options.region = pieces.Line();
  options.endpoint_url = pieces.Line();
  options.prefix = pieces.Line();
  const std::string source = pieces.Rest();
  CheckEndpoint(options.endpoint_url);
  const auto target = s3::ParseTarget(source, options);
  if (target) CheckTarget(*target);
}

}  // namespace coffer::test
