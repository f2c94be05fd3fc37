#include "s3client/partitions.h"

#include <algorithm>
#include <iterator>

namespace coffer::s3 {
namespace {

constexpr Partition kAws = {"aws", "amazonaws.com"};
constexpr Partition kChina = {"aws-cn", "amazonaws.com.cn", false, false};
constexpr Partition kEurope = {"aws-eusc", "amazonaws.eu"};
constexpr Partition kIso = {"aws-iso", "c2s.ic.gov"};
constexpr Partition kIsoB = {"aws-iso-b", "sc2s.sgov.gov"};
constexpr Partition kIsoE = {"aws-iso-e", "cloud.adc-e.uk"};
constexpr Partition kIsoF = {"aws-iso-f", "csp.hci.ic.gov"};
constexpr Partition kGov = {"aws-us-gov", "amazonaws.com"};

struct Claim {
  std::string_view start;
  const Partition& partition;
};
// Longer starts before the shorter ones that they begin with. "aws-..." are the global
// pseudo-regions.
constexpr Claim kClaims[] = {
    {"aws-cn-", kChina}, {"aws-iso-b-", kIsoB}, {"aws-iso-e-", kIsoE}, {"aws-iso-f-", kIsoF},
    {"aws-iso-", kIso},  {"aws-us-gov-", kGov}, {"us-gov-", kGov},     {"us-isob-", kIsoB},
    {"us-isof-", kIsoF}, {"us-iso-", kIso},     {"eu-isoe-", kIsoE},   {"eusc-", kEurope},
    {"cn-", kChina},
};

constexpr const Partition* kPartitions[] = {&kAws,  &kChina, &kEurope, &kIso,
                                            &kIsoB, &kIsoE,  &kIsoF,   &kGov};

bool IsBelow(std::string_view host, std::string_view suffix) {
  return host.size() > suffix.size() && host.ends_with(suffix) &&
         host[host.size() - suffix.size() - 1] == '.';
}

}  // namespace

const Partition& PartitionOf(std::string_view region) {
  const auto* claim = std::find_if(std::begin(kClaims), std::end(kClaims),
                                   [&](const Claim& c) { return region.starts_with(c.start); });
  return claim == std::end(kClaims) ? kAws : claim->partition;
}

const Partition* PartitionNamed(std::string_view name) {
  const auto* found = std::find_if(std::begin(kPartitions), std::end(kPartitions),
                                   [&](const Partition* p) { return p->name == name; });
  return found == std::end(kPartitions) ? nullptr : *found;
}

bool IsAwsHost(std::string_view host) {
  return std::any_of(std::begin(kPartitions), std::end(kPartitions),
                     [&](const Partition* p) { return IsBelow(host, p->dns_suffix); });
}

}  // namespace coffer::s3
