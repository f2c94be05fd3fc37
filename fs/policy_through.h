// What policies say of a request that comes through an access point: its own and the bucket's, each
// about its own resource, and deny wins.
//
// Pure functions, as the evaluator of one policy is (fs/policy_evaluator.h).

#pragma once

#include <string>
#include <vector>

#include "fs/policy_evaluator.h"
#include "fs/policy_request.h"

namespace coffer::fs {

struct PolicyDoor {
  std::string arn;
  std::string account;
  std::string vpc;  // "": reached from the Internet
  std::vector<PolicyStatement> statements;
};

// `request` as it would be made to the bucket by its own name. An access point speaks https alone,
// to nobody without credentials; one of a VPC is reached from there alone (aws:SourceVpc).
Decision EvaluateThrough(const PolicyDoor& door, const std::vector<PolicyStatement>& of_bucket,
                         PolicyRequest request);

// What a change of the door's policy takes from the caller of `asked`: reading and listing through
// it, and changing that policy again.
Result<LostRights> LostThrough(const PolicyDoor& before, const PolicyDoor& after,
                               AskedRequest asked, const s3::Clock& clock);

}  // namespace coffer::fs
