#include "s3client/kms_key.h"

#include <algorithm>

#include "s3client/arn.h"
#include "s3client/host_name.h"
#include "s3client/partitions.h"

namespace coffer::s3 {
namespace {

constexpr std::size_t kMaxKeyId = 2048;

Error NotAKey(std::string_view text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  return {Code::kInvalid,
          "not a KMS key" + (printable ? ": " + std::string(text.substr(0, 200)) : std::string()) +
              "; give arn:aws:kms:REGION:ACCOUNT:key/ID (aws kms describe-key prints it), an "
              "alias's ARN, or alias/NAME"};
}

bool IsKeyName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '/' || c == ':';
  });
}

bool IsResource(std::string_view resource) {
  const std::string_view id = resource.substr(std::min(resource.find('/') + 1, resource.size()));
  if (resource.starts_with("alias/")) return IsKeyName(id);
  return resource.starts_with("key/") && IsKeyName(id) && id.find('/') == std::string_view::npos;
}

}  // namespace

Result<KmsKeyId> ParseKmsKeyId(std::string_view text, std::string_view default_region) {
  if (text.size() > kMaxKeyId) return NotAKey("");
  if (text.starts_with("alias/") && IsResource(text)) {
    if (default_region.empty()) {
      return Error{Code::kInvalid,
                   std::string(text) + ": in which Region? give --region, or the alias's ARN"};
    }
    return KmsKeyId{std::string(text), std::string(PartitionOf(default_region).name),
                    std::string(default_region), "", std::string(text)};
  }
  auto arn = LooksLikeArn(text) ? ParseArn(text) : Result<Arn>(NotAKey(text));
  if (!arn || arn->service != "kms" || !IsHostLabel(arn->region) || !IsKeyName(arn->account) ||
      !IsKeyName(arn->partition) || !IsResource(arn->resource)) {
    return NotAKey(text);
  }
  return KmsKeyId{std::string(text), arn->partition, arn->region, arn->account, arn->resource};
}

bool SameKmsKey(const KmsKeyId& key, std::string_view arn) {
  if (arn == key.text) return true;
  const auto other = ParseKmsKeyId(arn, "");
  return other && key.is_multi_region() && other->resource == key.resource &&
         other->account == key.account && other->partition == key.partition;
}

Result<KmsAddress> MakeKmsAddress(std::string_view region, std::string_view endpoint_url,
                                  bool fips) {
  KmsAddress address;
  address.region = region;
  if (!endpoint_url.empty()) {
    auto endpoint = ParseEndpoint(endpoint_url);
    if (!endpoint) return std::move(endpoint).error().While("the address of KMS");
    address.endpoint = *std::move(endpoint);
    return address;
  }
  const Partition& partition = PartitionOf(region);
  if (fips && !partition.fips) {
    return Error{Code::kUnsupported, "KMS has no FIPS endpoint in " + address.region};
  }
  address.endpoint.host = std::string(fips ? "kms-fips." : "kms.") + address.region + "." +
                          std::string(partition.dns_suffix);
  return address;
}

}  // namespace coffer::s3
