#include "fs/doctor_key.h"

#include <catch2/catch.hpp>

namespace coffer::fs::doctor_key_test {

const s3::KmsKeyFacts kKey{"arn:aws:kms:us-east-1:123456789012:key/k", "123456789012", "Enabled",
                           false, std::nullopt};
constexpr const char* kRoot =
    R"({"Sid": "Own", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"},
        "Action": "kms:*", "Resource": "*"})";

// The default statement and another one, of which the variable parts are given.
Check Of(const std::string& principal, const std::string& action, const std::string& condition = "",
         const std::string& effect = "Allow") {
  const std::string other = R"({"Sid": "Other", "Effect": ")" + effect + R"(", "Principal": )" +
                            principal + R"(, "Action": ")" + action + R"(", "Resource": "*")" +
                            (condition.empty() ? "" : R"(, "Condition": )" + condition) + "}";
  const auto policy = ParsePolicy(R"({"Version": "2012-10-17", "Statement": [)" +
                                  std::string(kRoot) + "," + other + "]}");
  REQUIRE(policy);
  return CheckKeyPolicy("key", kKey, *policy);
}

TEST_CASE("doctor: whom a key's policy lets in", "[policy]") {
  SECTION("the account") {
    const Check check = Of(R"({"AWS": "123456789012"})", "kms:Decrypt");
    CHECK(check.state == CheckState::kOk);
    CHECK(check.detail == "in use; IAM of account 123456789012 says who uses and deletes it");
  }
  SECTION("somebody of another account") {
    const Check check = Of(R"({"AWS": "210987654321"})", "kms:Decrypt");
    CHECK(check.state == CheckState::kOk);
    CHECK(check.detail.ends_with("lets in arn:aws:iam::210987654321:root"));
  }
  SECTION("everybody") {
    for (const char* action : {"kms:Decrypt", "kms:*", "KMS:Decr*", "kms:PutKeyPolicy",
                               "kms:ScheduleKeyDeletion", "kms:CreateGrant", "*"}) {
      const Check check = Of(R"("*")", action);
      CHECK(check.state == CheckState::kWarn);
      CHECK(check.detail.find("(Other)") != std::string::npos);
      CHECK(check.change.find("get-key-policy") != std::string::npos);
    }
    CHECK(Of(R"({"AWS": "*"})", "kms:Decrypt").state == CheckState::kWarn);
    CHECK(Of(R"("*")", "kms:DescribeKey").state == CheckState::kOk);
    CHECK(Of(R"("*")", "kms:Decrypt", "", "Deny").state == CheckState::kOk);
  }
  SECTION("everybody under a condition") {
    const auto of = [](const char* condition) {
      return Of(R"("*")", "kms:Decrypt", condition).state;
    };
    CHECK(of(R"({"StringEquals": {"kms:CallerAccount": "123456789012"}})") == CheckState::kOk);
    CHECK(of(R"({"StringLike": {"aws:PrincipalOrgID": ["o-1", "o-2"]}})") == CheckState::kOk);
    CHECK(of(R"({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}})") ==
          CheckState::kWarn);
    CHECK(of(R"({"StringNotEquals": {"kms:CallerAccount": "1"}})") == CheckState::kWarn);
    CHECK(of(R"({"StringEqualsIfExists": {"kms:CallerAccount": "1"}})") == CheckState::kWarn);
    CHECK(of(R"({"StringLike": {"kms:CallerAccount": "*"}})") == CheckState::kWarn);
    CHECK(of(R"({"Null": {"aws:PrincipalOrgID": "false"}})") == CheckState::kWarn);
  }
}

TEST_CASE("doctor: a key that nobody can manage when one user is gone", "[policy]") {
  const auto alone = [](const std::string& statement) {
    return CheckKeyPolicy(
        "key", kKey,
        *ParsePolicy(R"({"Version": "2012-10-17", "Statement": [)" + statement + "]}"));
  };
  CHECK(alone(kRoot).state == CheckState::kOk);
  const Check only = alone(
      R"({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/u"},
          "Action": "kms:*", "Resource": "*"})");
  CHECK(only.state == CheckState::kWarn);
  CHECK(only.detail.find("arn:aws:iam::123456789012:root") != std::string::npos);
  CHECK(alone(R"({"Effect": "Allow", "Principal": {"AWS": "123456789012"},
                  "Action": "kms:Decrypt", "Resource": "*"})")
            .state == CheckState::kWarn);
}

}  // namespace coffer::fs::doctor_key_test
