// A bucket's policy as a document: read strictly, compared by what it means, put into words.
//
// Pure functions of untrusted text (anybody with s3:PutBucketPolicy wrote it), safe from any
// thread.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/json.h"

namespace coffer::fs {

inline constexpr std::size_t kMaxPolicyBytes = 20u << 10;  // the service's own limit

using Texts = std::vector<std::string>;

struct PolicyCondition {
  std::string op;   // "StringNotEqualsIfExists"
  std::string key;  // "s3:x-amz-acl"
  std::vector<std::string> values;
  bool operator==(const PolicyCondition&) const = default;
};

struct PolicyStatement {
  std::string name;  // its Sid, else "statement 3"
  bool allow = false;
  bool everybody = false;               // Principal "*"
  bool except_principals = false;       // NotPrincipal
  std::vector<std::string> principals;  // of AWS: ARNs
  std::vector<std::string> services;    // "logging.s3.amazonaws.com"
  bool unknown_principals = false;      // canonical users, federations: who that is, nobody tells
  bool except_actions = false;          // NotAction
  std::vector<std::string> actions;
  bool except_resources = false;  // NotResource
  std::vector<std::string> resources;
  std::vector<PolicyCondition> conditions;
  bool operator==(const PolicyStatement&) const = default;
};

struct Policy {  // NOLINT(bugprone-exception-escape): the JSON library's move
  Json json;     // as it was read; what is written back
  std::vector<PolicyStatement> statements;
};

// "" is the policy without statements. kUnsupported for what is no policy, or holds an element that
// is not known here or one name twice (writing it back might lose it); kTooLarge above
// `limit`, which is the service's own.
Result<Policy> ParsePolicy(std::string_view text, std::size_t limit = kMaxPolicyBytes);
// The policy that `json` is, under the same conditions.
Result<Policy> ReadPolicy(Json json);

// In a form in which two policies that mean the same are equal: without regard to the order of
// statements and values, to lists of one, to an account's two spellings. Null without statements.
Json Meaning(const Policy& policy);

// "CofferTls: deny everybody s3:* on ..., when aws:SecureTransport is false".
std::string InWords(const PolicyStatement& statement);

}  // namespace coffer::fs
