// An access point as JSON and in words, and what must be said when one is made or granted to.
//
// Pure functions of what a service answered.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/access_point_grants.h"
#include "fs/json.h"
#include "fs/policy_through.h"
#include "s3client/clock.h"
#include "s3client/s3_control.h"

namespace coffer::fs {

// "" and "all": all four; "none"; or those of AWS's names that are on, with commas between.
// kInvalid for others.
Result<s3::PublicAccessBlock> ParsePublicAccessBlock(std::string_view text);

// What is fixed when it is made, in a form in which what means the same is equal.
Json Describe(const s3::AccessPoint& point);
// For people, several lines; the mount line among them.
std::string InWords(const s3::AccessPoint& point);
PolicyDoor DoorOf(const s3::AccessPoint& point, std::string_view account, const Policy& policy);

// What the bucket's policy does to a grant, and what else must allow it; one line each.
struct GrantCheck {
  const PolicyDoor& door;  // with the grant
  std::string bucket;
  std::string bucket_owner;
  std::string partition;
  const Result<Policy>& bucket_policy;
};
Result<std::vector<std::string>> StillNeeded(const Grant& grant, const GrantCheck& check,
                                             const s3::Clock& clock);

}  // namespace coffer::fs
