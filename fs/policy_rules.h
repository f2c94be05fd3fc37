// The rules that `coffer policy add` writes into a bucket's policy, as statements.
//
// A statement is Coffer's when its Sid begins with "Coffer": only those are replaced or removed.
// Pure functions.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/json.h"
#include "fs/policy_document.h"

namespace coffer::fs {

struct PolicyRule {
  std::string name;  // "tls"
  std::string bucket;
  std::string partition = "aws";
  std::string owner;                // account of the bucket; delegate and only-access-points
  std::string prefix;               // names: "" or ends in '/'
  std::string min;                  // tls: "1.2"; retention-bounds: "1d"
  std::string max;                  // retention-bounds
  std::string sse;                  // encryption
  std::string kms_key;              // encryption; "" for any
  std::vector<std::string> except;  // only-access-points: ARNs
};

// "delegate", "only-access-points", ...
const std::vector<std::string_view>& PolicyRuleNames();
// What a rule does not do, or does beside what its name says; for people, before they are asked.
std::vector<std::string> CautionsOf(const PolicyRule& rule);
// The same of a rule that is taken away. All but delegate deny, so that nobody loses by their end.
std::vector<std::string> CautionsOfRemoving(const PolicyRule& rule);

// The policy with the rule: in the place of what it had of this rule before; names are of the
// prefixes before, too. kInvalid for options that are missing or wrong, and for a prefix that a
// policy cannot name.
Result<Policy> AddRule(const Policy& policy, const PolicyRule& rule);
// The policy with a statement of Coffer's that is no rule, in the place of the one of its Sid.
Result<Policy> AddStatement(const Policy& policy, Json statement);
// Without the rule of that name, which need not be there; of names with a prefix, without that
// prefix.
Result<Policy> RemoveRule(const Policy& policy, const PolicyRule& rule);

}  // namespace coffer::fs
