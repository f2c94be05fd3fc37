#include "crypto/commitment_policy.h"

namespace coffer {
namespace {

constexpr std::string_view kForbid = "forbid-encrypt-allow-decrypt";
constexpr std::string_view kAllow = "require-encrypt-allow-decrypt";
constexpr std::string_view kRequire = "require-encrypt-require-decrypt";

}  // namespace

Result<CommitmentPolicy> ParseCommitmentPolicy(std::string_view word) {
  if (word == kForbid) return CommitmentPolicy::kForbidEncryptAllowDecrypt;
  if (word == kAllow) return CommitmentPolicy::kRequireEncryptAllowDecrypt;
  if (word == kRequire) return CommitmentPolicy::kRequireEncryptRequireDecrypt;
  return Error{Code::kInvalid, "a commitment policy is " + std::string(kRequire) + ", " +
                                   std::string(kAllow) + " or " + std::string(kForbid)};
}

Status CheckOpening(CommitmentPolicy policy, const Suite& suite) {
  if (suite.commits || policy != CommitmentPolicy::kRequireEncryptRequireDecrypt) return Ok();
  return Error{Code::kNotPermitted,
               "the message does not commit to its key: the commitment policy " +
                   std::string(kAllow) + " opens it"};
}

Status CheckSealing(CommitmentPolicy policy, const Suite& suite) {
  if (suite.commits != (policy == CommitmentPolicy::kForbidEncryptAllowDecrypt)) return Ok();
  return Error{Code::kNotPermitted,
               suite.commits ? "the commitment policy " + std::string(kForbid) +
                                   " forbids sealing: messages always commit to their key"
                             : "messages that do not commit to their key are not sealed"};
}

}  // namespace coffer
