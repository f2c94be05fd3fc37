// The groups of AWS Regions that share a DNS suffix and an account system.
//
// A pure table, safe from any thread. Source: the partitions that AWS publishes with its SDKs.

#pragma once

#include <string_view>

namespace coffer::s3 {

struct Partition {
  std::string_view name;        // "aws-cn"
  std::string_view dns_suffix;  // "amazonaws.com.cn"
  bool fips = true;             // has FIPS endpoints for S3
  bool accelerate = true;       // has S3 Transfer Acceleration
};

// By the Region's name, also for Regions that are newer than this table. A name that no partition
// claims (the "garage" of a server at home) counts as "aws", as it does in the SDKs.
const Partition& PartitionOf(std::string_view region);

// By the name that stands in an ARN; null for a name that is none.
const Partition* PartitionNamed(std::string_view name);

// Is `host` (no port) below the DNS suffix of any partition, interface endpoints included?
bool IsAwsHost(std::string_view host);

}  // namespace coffer::s3
