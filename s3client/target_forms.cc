#include "s3client/target_forms.h"

namespace coffer::s3 {

Error Refuse(std::string_view source, std::string_view why) {
  return {Code::kInvalid, std::string(source) + ": " + std::string(why)};
}

Status RefuseOptions(std::string_view source, std::string_view kind, const Unsupported& unsupported,
                     const AddressContext& context) {
  const AddressOptions& options = context.options;
  std::string_view option;
  if (options.fips && unsupported.fips) option = "--fips";
  if (options.dual_stack && unsupported.dual_stack) option = "--dual-stack";
  if (options.transfer_acceleration && unsupported.acceleration) option = "--transfer-acceleration";
  if (option.empty()) return Ok();
  return Refuse(
      source, std::string(kind) + " does not work with " + std::string(option) + "; leave it out");
}

std::string ServiceHost(std::string_view service, const AddressOptions& options) {
  std::string host(service);
  if (options.fips) host += "-fips";
  if (options.dual_stack) host += ".dualstack";
  return host;
}

void PlaceInHost(Target& target, std::string_view label, std::string_view aws_domain,
                 const AddressContext& context) {
  target.host = std::string(label) + '.' + std::string(aws_domain);
  if (!context.endpoint) return;
  target.https = context.endpoint->https;
  target.host = std::string(label) + '.' + context.endpoint->host;
  target.port = context.endpoint->port;
  target.base_path = context.endpoint->base_path;
}

Capabilities AccessPointCapabilities() {
  Capabilities able;
  able.bucket_queries = false;
  return able;
}

Capabilities ObjectLambdaCapabilities() {
  Capabilities able;
  able.write = false;
  able.bucket_queries = false;
  able.delete_objects = false;
  able.copy_source = false;
  able.conditional_put = false;
  able.ranged_get = false;  // only where the function handles Range
  return able;
}

Capabilities OutpostsCapabilities() {
  Capabilities able;
  able.bucket_queries = false;
  able.object_lock = false;
  able.conditional_put = false;
  return able;
}

}  // namespace coffer::s3
