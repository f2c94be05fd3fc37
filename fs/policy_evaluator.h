// What a policy says of one request: allowed, denied, or not for it to decide.
//
// Pure and small: no network, no clock. What it does not know (an operator, a condition key whose
// value nobody gave, the path of a role) it never guesses: the statement then may or may not match.

#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/policy_document.h"
#include "s3client/bucket.h"

namespace coffer::fs {

// Who asks.
struct PolicyCaller {
  std::string arn;            // "" for nobody: an unsigned request
  std::string account;        // 12 digits
  std::string session;        // of a role: the ARN of its session
  std::string service;        // "logging.s3.amazonaws.com", which has no ARN
  bool path_unknown = false;  // `arn` is a role's without the path that it may have
};

// "arn:aws:sts::A:assumed-role/NAME/SESSION" is the role NAME, whose path nobody tells. kInvalid
// for what is no ARN of a principal, nor "*" (nobody).
Result<PolicyCaller> ParseCaller(std::string_view arn);

struct PolicyRequest {
  PolicyCaller caller;
  std::string owner;     // account of the bucket
  std::string action;    // "s3:GetObject"
  std::string resource;  // "arn:aws:s3:::bucket/key"
  // Condition keys in lower case. One that is not here, and that S3 would have set from what is
  // asked, is absent; of any other nothing is known.
  std::map<std::string, std::string> context;
  std::set<std::string> unknown;  // keys in lower case that S3 sets, to what nobody knows here
};

enum class PolicyVerdict { kAllowed, kDenied, kNotDecided };

struct Decision {
  PolicyVerdict verdict = PolicyVerdict::kNotDecided;
  std::string statement;  // that decided; "" when none did
  std::string why;
  bool uncertain = false;  // not decided, because a denial may or may not match
};

Decision Evaluate(const std::vector<PolicyStatement>& statements, const PolicyRequest& request);

// '*' is any number of characters, '?' one.
bool Fits(std::string_view pattern, std::string_view text);
// As Fits, each of the six parts of an ARN by itself; "*" is every ARN.
bool FitsArn(std::string_view pattern, std::string_view arn);

// Whether `condition` holds; kUnknown where that cannot be said.
s3::Tri Holds(const PolicyCondition& condition, const PolicyRequest& request);

}  // namespace coffer::fs
