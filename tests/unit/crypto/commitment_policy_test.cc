#include "crypto/commitment_policy.h"

#include <catch2/catch.hpp>

namespace coffer::commitment_policy_test {

TEST_CASE("commitment policy: the official words, and no others") {
  CHECK(ParseCommitmentPolicy("forbid-encrypt-allow-decrypt").value() ==
        CommitmentPolicy::kForbidEncryptAllowDecrypt);
  CHECK(ParseCommitmentPolicy("require-encrypt-allow-decrypt").value() ==
        CommitmentPolicy::kRequireEncryptAllowDecrypt);
  CHECK(ParseCommitmentPolicy("require-encrypt-require-decrypt").value() ==
        CommitmentPolicy::kRequireEncryptRequireDecrypt);
  for (const auto* word : {"", "require", "REQUIRE-ENCRYPT-REQUIRE-DECRYPT", "allow"}) {
    CAPTURE(word);
    const auto refused = ParseCommitmentPolicy(word);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kInvalid);
    CHECK(refused.error().what.find("require-encrypt-allow-decrypt") != std::string::npos);
  }
}

TEST_CASE("commitment policy: what each opens and seals") {
  for (const auto policy :
       {CommitmentPolicy::kForbidEncryptAllowDecrypt, CommitmentPolicy::kRequireEncryptAllowDecrypt,
        CommitmentPolicy::kRequireEncryptRequireDecrypt}) {
    for (const Suite& suite : AllSuites()) {
      CAPTURE(static_cast<int>(policy), suite.id);
      const bool require_decrypt = policy == CommitmentPolicy::kRequireEncryptRequireDecrypt;
      const bool forbid_encrypt = policy == CommitmentPolicy::kForbidEncryptAllowDecrypt;
      CHECK(CheckOpening(policy, suite).has_value() == (suite.commits || !require_decrypt));
      CHECK(CheckSealing(policy, suite).has_value() == (suite.commits != forbid_encrypt));
    }
  }
  CHECK(CheckOpening(CommitmentPolicy::kRequireEncryptRequireDecrypt, *FindSuite(0x0178))
            .error()
            .code == Code::kNotPermitted);
}

}  // namespace coffer::commitment_policy_test
