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

// Its state, and whether `word` stands in what it says.
bool Warns(const Check& check, const std::string& word) {
  return check.state == CheckState::kWarn && check.detail.find(word) != std::string::npos &&
         check.change.find("get-key-policy") != std::string::npos;
}
bool Tells(const Check& check, const std::string& word) {
  return check.state == CheckState::kOk && check.detail.find(word) != std::string::npos;
}

TEST_CASE("doctor: whom a key's policy lets in", "[policy]") {
  SECTION("the account") {
    const Check check = Of(R"({"AWS": "123456789012"})", "kms:Decrypt");
    CHECK(check.state == CheckState::kOk);
    CHECK(check.detail == "in use; the account itself may change its policy");
  }
  SECTION("somebody beside IAM") {
    CHECK(Tells(Of(R"({"AWS": "210987654321"})", "kms:Decrypt"),
                "lets in arn:aws:iam::210987654321:root"));
    CHECK(Tells(Of(R"({"AWS": "arn:aws:iam::123456789012:user/u"})", "kms:Decrypt"), ":user/u"));
    CHECK(Tells(Of(R"({"Federated": "x"})", "kms:Decrypt"), "of another kind (Other)"));
    CHECK(Tells(Of(R"({"AWS": ["1", "2", "3", "4", "5", "6"]})", "kms:Decrypt"), "5 and 1 more"));
  }
  SECTION("everybody") {
    for (const char* action :
         {"kms:Decrypt", "kms:*", "KMS:Decr*", "kms:PutKeyPolicy", "kms:ScheduleKeyDeletion",
          "kms:CreateGrant", "kms:ReEncrypt*", "kms:DisableKey", "*"}) {
      CHECK(Warns(Of(R"("*")", action), "(Other)"));
    }
    CHECK(Warns(Of(R"({"AWS": "*"})", "kms:Decrypt"), "everybody"));
    CHECK(Of(R"("*")", "kms:DescribeKey").state == CheckState::kOk);
  }
  SECTION("everybody, and somebody: both are told") {
    const Check check = Of(R"({"AWS": ["*", "210987654321"]})", "kms:Decrypt");
    CHECK(Warns(check, "everybody"));
    CHECK(Warns(check, "210987654321"));
  }
}

TEST_CASE("doctor: conditions that leave some of everybody", "[policy]") {
  const auto of = [](const char* condition) { return Of(R"("*")", "kms:Decrypt", condition); };
  for (const char* bounds :
       {R"({"StringEquals": {"kms:CallerAccount": "123456789012"}})",
        R"({"StringLike": {"aws:PrincipalOrgID": ["o-1", "o-2"]}})",
        R"({"ForAnyValue:StringEquals": {"aws:PrincipalOrgID": "o-1"}})",
        R"({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::123456789012:role/*"}})"}) {
    CHECK(Tells(of(bounds), "everybody under conditions (Other)"));
  }
  for (const char* open : {R"({"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}})",
                           R"({"StringNotEquals": {"kms:CallerAccount": "1"}})",
                           R"({"StringEqualsIfExists": {"kms:CallerAccount": "1"}})",
                           R"({"StringLike": {"kms:CallerAccount": "*"}})",
                           R"({"StringLike": {"kms:CallerAccount": "????????????"}})",
                           R"({"StringLike": {"aws:PrincipalOrgID": "o-*"}})",
                           R"({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/Admin"}})",
                           R"({"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}})",
                           R"({"ForAllValues:StringLike": {"aws:PrincipalOrgID": "o-1"}})",
                           R"({"Null": {"aws:PrincipalOrgID": "false"}})"}) {
    CHECK(Warns(of(open), "everybody in"));
  }
}

TEST_CASE("doctor: a key that nobody can manage when one user is gone", "[policy]") {
  const auto alone = [](const std::string& statements) {
    return CheckKeyPolicy(
        "key", kKey,
        *ParsePolicy(R"({"Version": "2012-10-17", "Statement": [)" + statements + "]}"));
  };
  const auto own = [](const std::string& rest) {
    return R"({"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "kms:*")" + rest +
           "}";
  };
  CHECK(alone(kRoot).state == CheckState::kOk);
  CHECK(alone(own(R"(, "Resource": "arn:aws:kms:us-east-1:123456789012:key/k")")).state ==
        CheckState::kOk);
  CHECK(Warns(alone(R"({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:user/u"},
                        "Action": "kms:*", "Resource": "*"})"),
              "not the account (arn:aws:iam::123456789012:root)"));
  CHECK(Warns(alone(R"({"Effect": "Allow", "Principal": {"AWS": "123456789012"},
                        "Action": "kms:Decrypt", "Resource": "*"})"),
              "not the account"));
  SECTION("the account's statement is of another key, or of none") {
    CHECK(Warns(alone(own(R"(, "Resource": "arn:aws:kms:us-east-1:123456789012:key/other")")),
                "not the account"));
    CHECK(Warns(alone(own("")), "not the account"));
  }
  SECTION("a denial") {
    const auto denied = [&](const std::string& principal, const std::string& condition) {
      return Of(principal, "kms:Put*", condition, "Deny");
    };
    CHECK(Warns(denied(R"("*")", ""), "(Other)"));
    CHECK(Warns(denied(R"("*")", R"({"ArnNotEquals": {"aws:PrincipalArn":
                                      "arn:aws:iam::123456789012:user/bob"}})"),
                "(Other)"));
    CHECK(Warns(denied(R"({"AWS": "123456789012"})", ""), "(Other)"));
    CHECK(denied(R"({"AWS": "210987654321"})", "").state == CheckState::kOk);
    CHECK(denied(R"("*")", R"({"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}})").state ==
          CheckState::kOk);
    CHECK(Of(R"("*")", "kms:Decrypt", "", "Deny").state == CheckState::kOk);
  }
}

}  // namespace coffer::fs::doctor_key_test
