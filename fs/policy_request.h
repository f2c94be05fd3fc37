// A request as `coffer policy` describes it, with the condition keys that S3 would set; and what a
// change of a policy takes from one caller. Pure but for the clock that is passed.

#pragma once

#include <set>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/policy_evaluator.h"
#include "s3client/clock.h"

namespace coffer::fs {

struct AskedRequest {
  PolicyCaller caller;
  std::string owner;
  std::string partition = "aws";
  std::string bucket;
  std::string action;
  std::string key;  // of s3:ListBucket: the prefix
  bool tls = true;
  // NAME=VALUE: a header, or a condition key such as aws:SourceIp.
  std::vector<std::string> headers;
  std::string tls_version = "1.2";
  std::set<std::string> unknown = {};  // condition keys in lower case, as of PolicyRequest
};

// kInvalid for a date that is none, or an action on objects without a key.
Result<PolicyRequest> MakePolicyRequest(const AskedRequest& asked, const s3::Clock& clock);

struct LostRights {
  std::string needed;   // without which the bucket cannot be read, or its policy not be mended
  bool certain = true;  // of `needed`
  std::string also;     // what rules are for
};
// Of the caller of `asked`, whose action and TLS version are not looked at: by what the statements
// of `after` say that are not in `before`. What they may or may not deny is lost, and not certain.
Result<LostRights> Lost(const std::vector<PolicyStatement>& before,
                        const std::vector<PolicyStatement>& after, AskedRequest asked,
                        const s3::Clock& clock);

}  // namespace coffer::fs
