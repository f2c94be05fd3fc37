#include "s3client/target.h"

#include <algorithm>
#include <utility>

#include "crypto/encoding.h"
#include "s3client/host_name.h"
#include "s3client/partitions.h"
#include "s3client/target_forms.h"

namespace coffer::s3 {
namespace {

// A key has at most 1024 bytes, and a name of at least one byte must fit below the prefix.
constexpr std::size_t kLongestPrefix = 1023;

// What the user typed, without "s3://".
struct Source {
  std::string_view text;  // a name or an ARN, with the prefix still behind it
  bool is_url = false;    // "s3://" stood before it, so that a prefix may follow
};

bool HasControlByte(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Result<Source> ParseSource(std::string_view text) {
  Source source{text, false};
  if (text.starts_with("s3://") || text.starts_with("S3://")) {
    source = {text.substr(5), true};
  } else if (text.find("://") != std::string_view::npos) {
    return Refuse(text,
                  "not an S3 address; type s3://BUCKET/PREFIX or an access point's ARN (another "
                  "server than AWS goes into --endpoint-url)");
  }
  if (source.text.empty() || source.text.front() == '/') {
    return Refuse(text.empty() ? "the address" : text,
                  "the bucket is missing; type s3://BUCKET/PREFIX or an access point's ARN");
  }
  return source;
}

Result<AddressContext> CheckOptions(const AddressOptions& options) {
  AddressContext context{options, std::nullopt};
  if (!options.region.empty() && !IsHostLabel(options.region)) {
    return Refuse("--region " + options.region,
                  "not the name of a Region; it looks like eu-central-1");
  }
  if (options.fips && !PartitionOf(options.region).fips) {
    return Refuse("--fips",
                  "the Region " + options.region + " has no FIPS endpoints; leave out --fips");
  }
  if (options.transfer_acceleration && options.fips) {
    return Refuse("--transfer-acceleration", "does not go with --fips; choose one");
  }
  if (options.endpoint_url.empty()) return context;
  COFFER_ASSIGN(context.endpoint, ParseEndpoint(options.endpoint_url));
  const std::string_view extra = options.fips                    ? "--fips"
                                 : options.dual_stack            ? "--dual-stack"
                                 : options.transfer_acceleration ? "--transfer-acceleration"
                                                                 : "";
  if (!extra.empty()) {
    return Refuse("--endpoint-url", "does not go with " + std::string(extra) +
                                        ", which chooses the host by itself; choose one");
  }
  return context;
}

// AWS gives an interface endpoint three names, one for each kind of request.
Status CheckInterfaceEndpoint(const Target& target, const AddressContext& context) {
  if (!context.endpoint || !target.aws_host) return Ok();
  const std::string_view host = context.endpoint->host;
  if (!host.starts_with("vpce-") && host.find(".vpce-") == std::string_view::npos) return Ok();
  const bool by_arn = !target.arn.empty();
  const std::string_view wanted = by_arn ? "accesspoint." : "bucket.";
  const bool wrong = host.starts_with("vpce-") ||
                     (by_arn && (host.starts_with("bucket.") || host.starts_with("control."))) ||
                     (!by_arn && !target.alias && host.starts_with("accesspoint."));
  if (!wrong) return Ok();
  const auto vpce = host.find("vpce-");
  return Refuse("--endpoint-url " + context.options.endpoint_url,
                "for this address the interface endpoint is called " + std::string(wanted) +
                    std::string(host.substr(vpce)));
}

Result<std::string> KeyPrefix(std::string_view in_source, std::string_view option) {
  if (!in_source.empty() && !option.empty() && in_source != option) {
    return Refuse(
        "--prefix " + std::string(option),
        "the address has a prefix of its own, " + std::string(in_source) + "; give one of the two");
  }
  std::string prefix(in_source.empty() ? option : in_source);
  if (!prefix.empty() && prefix.back() != '/') prefix += '/';
  if (prefix.size() > kLongestPrefix) {
    return Refuse("the prefix", "longer than 1022 bytes; no key would fit below it");
  }
  return prefix;
}

Result<Target> ParseName(std::string_view whole, const Source& source,
                         const AddressContext& context, std::string_view& prefix) {
  const auto slash = std::min(source.text.find('/'), source.text.size());
  const std::string_view name = source.text.substr(0, slash);
  if (slash < source.text.size() && !source.is_url) {
    if (name == "s3:") {
      return Refuse(whole, "two slashes follow the colon; type s3://" +
                               std::string(source.text.substr(slash + 1)));
    }
    return Refuse(whole, "with a prefix, type s3://" + std::string(whole));
  }
  if (HasControlByte(name)) {
    return Refuse("the address", "the bucket's name holds a control character");
  }
  prefix = source.text.substr(std::min(slash + 1, source.text.size()));
  return TargetFromName(name, context);
}

Result<Target> ParseArnSource(std::string_view whole, const Source& source,
                              const AddressContext& context, std::string& prefix) {
  if (context.options.force_path_style) {
    return Refuse(whole,
                  "an access point is found by its host name; leave out --force-path-style, or use "
                  "its alias (NAME-...-s3alias) instead of the ARN");
  }
  COFFER_ASSIGN(auto parsed, TargetFromArn(source.text, context));
  if (!parsed.rest.empty() && !(source.is_url && parsed.rest.front() == '/')) {
    return Refuse(whole, "more stands behind the access point's name: " + parsed.rest +
                             "; to mount what is below a prefix type s3://" + parsed.target.arn +
                             "/PREFIX");
  }
  if (!parsed.rest.empty()) prefix = parsed.rest.substr(1);
  return std::move(parsed.target);
}

}  // namespace

std::string_view Name(TargetKind kind) {
  switch (kind) {
    case TargetKind::kBucket:
      return "bucket";
    case TargetKind::kAccessPoint:
      return "access-point";
    case TargetKind::kObjectLambda:
      return "object-lambda";
    case TargetKind::kOutposts:
      return "outposts";
    case TargetKind::kMultiRegion:
      return "multi-region";
    case TargetKind::kDirectoryBucket:
      return "directory-bucket";
    case TargetKind::kDirectoryAccessPoint:
      return "directory-access-point";
  }
  return "?";
}

std::string_view Name(Scheme scheme) {
  switch (scheme) {
    case Scheme::kSigV4:
      return "sigv4";
    case Scheme::kSigV4A:
      return "sigv4a";
    case Scheme::kSigV4S3Express:
      return "sigv4-s3express";
  }
  return "?";
}

Url Target::UrlFor(std::string_view key) const {
  Url url;
  url.https = https;
  url.host = host;
  url.port = port;
  url.path = key.empty() && !base_path.empty() ? base_path
                                               : base_path + '/' + UriEscape(key, Slash::kKeep);
  return url;
}

std::string Target::CopySource(std::string_view key) const {
  const std::string door = arn.empty() ? name + '/' : arn + "/object/";
  return UriEscape(door, Slash::kKeep) + UriEscape(key, Slash::kKeep);
}

Result<Target> ParseTarget(std::string_view text, const AddressOptions& options) {
  COFFER_ASSIGN(const Source source, ParseSource(text));
  COFFER_ASSIGN(const AddressContext context, CheckOptions(options));
  Target target;
  std::string prefix;
  if (LooksLikeArn(source.text)) {
    COFFER_ASSIGN(target, ParseArnSource(text, source, context, prefix));
  } else {
    std::string_view below;
    COFFER_ASSIGN(target, ParseName(text, source, context, below));
    prefix = below;
  }
  target.custom_endpoint = context.endpoint.has_value();
  target.aws_host = IsAwsHost(target.host);
  COFFER_TRY(CheckInterfaceEndpoint(target, context));
  COFFER_ASSIGN(target.key_prefix, KeyPrefix(prefix, options.prefix));
  return target;
}

}  // namespace coffer::s3
