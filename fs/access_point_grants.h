// Grants: "this principal may do this through this access point", as statements of its policy.
//
// Pure functions of untrusted documents. A grant is known again by its Sid, which begins
// "CofferGrant"; statements of anybody else are left as they are.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/policy_document.h"

namespace coffer::fs {

struct Grant {
  std::string principal;  // an ARN, an account's 12 digits, or "*"
  std::string prefix;     // "" or ends in '/'
  std::vector<std::string> kinds;
};

// "read", "write", "list", "delete", "lock".
const std::vector<std::string_view>& GrantKinds();
// S3's actions: "s3:GetObject", ...
std::vector<std::string_view> ActionsOf(std::string_view kind);
// Each word is a kind, or several with commas between. kInvalid for others, and for none.
Result<std::vector<std::string>> ParseGrantKinds(const std::vector<std::string>& words);
// "team" and "team/" are "team/". kInvalid for what a policy would take for a pattern.
Result<std::string> ParseGrantPrefix(std::string prefix);

// Every grant in the policy of the access point `arn`, those of one principal and prefix as one.
std::vector<Grant> GrantsOf(const Policy& policy, std::string_view arn);
// The statements that Coffer did not write as grants.
std::vector<PolicyStatement> WithoutGrants(const Policy& policy, std::string_view arn);

// Beside what is granted there already. kTooLarge where the policy grows too big.
Result<Policy> AddGrant(const Policy& policy, const Grant& grant, std::string_view arn);
// Of that principal: below every prefix, or below that one; all kinds, or those.
Result<Policy> RemoveGrant(const Policy& policy, const std::string& principal,
                           const std::optional<std::string>& prefix,
                           const std::vector<std::string>& kinds, std::string_view arn);

// A table for people: principal, what, where.
std::string GrantTable(const std::vector<Grant>& grants);

}  // namespace coffer::fs
