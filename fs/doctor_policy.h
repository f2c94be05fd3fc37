// What `coffer doctor` says of the bucket's policy. Pure functions; what the policy of IAM says
// beside it, nobody tells. A denial counts only where it is for everybody, and depends on nothing
// that whoever asks could send or be otherwise.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/doctor.h"
#include "fs/policy_document.h"
#include "s3client/clock.h"

namespace coffer::fs {

struct PolicySight {
  const Policy& policy;
  std::string bucket;
  std::string partition;
  bool through = false;  // what is looked at is one of its access points
};

// In words, what denies to everybody to delete old versions, through whatever door; "" where
// nothing does for certain.
std::string VersionsDenial(const PolicySight& sight, const s3::Clock& clock);

// TLS, and who gets around the access points; each with the command that changes it.
std::vector<Check> CheckPolicy(const PolicySight& sight, const s3::Clock& clock);

}  // namespace coffer::fs
