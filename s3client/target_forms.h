// The forms of an address, one function each: what ParseTarget chooses between.
//
// Internal to target*.cc. Pure functions; every failure is kInvalid with a reason and what to type
// instead.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/arn.h"
#include "s3client/endpoint.h"
#include "s3client/target.h"

namespace coffer::s3 {

// The user's options, checked, with the endpoint parsed.
struct AddressContext {
  const AddressOptions& options;
  std::optional<Endpoint> endpoint;
};

// "SOURCE: why".
Error Refuse(std::string_view source, std::string_view why);

// The options that a kind of address does not go with.
struct Unsupported {
  bool fips = false;
  bool dual_stack = false;
  bool acceleration = false;
};
// `kind` is the name that people know the kind by.
Status RefuseOptions(std::string_view source, std::string_view kind, const Unsupported& unsupported,
                     const AddressContext& context);

// "s3[-fips][.dualstack]" for "s3", as the options ask.
std::string ServiceHost(std::string_view service, const AddressOptions& options);

// Puts `label` before the host of the endpoint or, without one, before `aws_domain`.
void PlaceInHost(Target& target, std::string_view label, std::string_view aws_domain,
                 const AddressContext& context);

// What an access point of a bucket can do.
Capabilities AccessPointCapabilities();
// What an Object Lambda access point can do: it answers reads through a function.
Capabilities ObjectLambdaCapabilities();
Capabilities OutpostsCapabilities();

// A bucket, an alias or a directory bucket, told apart by the name's suffix.
Result<Target> TargetFromName(std::string_view name, const AddressContext& context);

struct ArnTarget {
  Target target;
  std::string rest;  // of the resource, behind the access point's name: "" or "/prefix"
};
// An access point of a bucket, of Object Lambda, of Outposts, or a multi-Region one.
Result<ArnTarget> TargetFromArn(std::string_view text, const AddressContext& context);

}  // namespace coffer::s3
