// `coffer resolve SOURCE`: what an address means, without touching the network. The first thing to
// look at when an access point does not answer.

#pragma once

#include <ostream>
#include <string>

#include "fs/json.h"
#include "s3client/target.h"

namespace coffer::fs {

// The exit code: 0, or 2 with the reason on `err` when the address or the options are refused.
// With `json`, `out` gets one object: url, scheme, signing_name, region or region_set, kind, name,
// alias, partition, key_prefix, copy_source, aws_host, capabilities; or {"error": ...}.
int RunResolve(const s3::AddressOptions& options, const std::string& source, bool json,
               std::ostream& out, std::ostream& err);

// Shared with `coffer doctor`.
Json DescribeTarget(const s3::Target& target);
Json DescribeCapabilities(const s3::Capabilities& capabilities);

// "writing, listing versions": what this kind of address cannot do, in words; "" for nothing.
std::string MissingCapabilities(const s3::Capabilities& capabilities);

// "access point", "access-point alias": the kind of address as people call it.
std::string KindInWords(const s3::Target& target);

// The address to which "/key" is added.
std::string BucketUrl(const s3::Target& target);

}  // namespace coffer::fs
