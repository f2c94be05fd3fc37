// The policy statement that would allow what was refused: what `coffer doctor` tells people to add.
//
// Pure functions, safe from any thread.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fs/json.h"
#include "s3client/target.h"

namespace coffer::fs {

enum class PolicyScope {
  kBucket,   // the bucket or the access point itself: listing, settings
  kObjects,  // the objects below the mounted prefix
};

// {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ...}. `action` is written as for S3
// ("s3:GetObject"); kinds of address with words of their own get theirs. Where the address does not
// tell an ARN (an alias cannot stand in a policy) the ARN's form with NAME and ACCOUNT to fill in.
Json AllowStatement(const s3::Target& target, std::string_view action, PolicyScope scope);

// The same for a KMS key: with a Principal, as a key's own policy wants it. An alias or id, which
// cannot stand there, becomes "*", which means the key itself in its policy.
Json KmsStatement(const std::string& key, const std::vector<std::string>& actions);

}  // namespace coffer::fs
