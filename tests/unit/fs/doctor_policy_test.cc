#include "fs/doctor_policy.h"

#include <catch2/catch.hpp>

#include "fs/policy_rules.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::doctor_policy_test {

constexpr const char* kOwner = "123456789012";

Policy With(const Policy& policy, const std::string& name, std::vector<std::string> except = {}) {
  PolicyRule rule;
  rule.name = name;
  rule.bucket = "b";
  rule.owner = kOwner;
  rule.except = std::move(except);
  return *AddRule(policy, rule);
}

struct Told {
  Check tls;
  Check around;
};
Told Tell(const Policy& policy, bool through = false) {
  const s3::FakeClock clock;
  auto checks = CheckPolicy({policy, "b", "aws", through}, clock);
  REQUIRE(checks.size() == 2);
  CHECK(checks[0].name == "TLS");
  CHECK(checks[1].name == "around access points");
  return {checks[0], checks[1]};
}

bool Says(const Check& check, std::string_view words) {
  return check.detail.find(words) != std::string::npos;
}

TEST_CASE("doctor of a policy: a bucket that nothing closes", "[policy]") {
  const Policy none = *ParsePolicy("");
  const Told bucket = Tell(none);
  CHECK(bucket.tls.state == CheckState::kWarn);
  CHECK(bucket.tls.change == "coffer policy add b tls");
  // Nobody said that there are access points.
  CHECK(bucket.around.state == CheckState::kOk);
  CHECK(Says(bucket.around, "read, written, deleted, listed by whom IAM allows"));
  const Told point = Tell(none, true);
  CHECK(point.around.state == CheckState::kWarn);
  CHECK(point.around.change == "coffer policy add b only-access-points");
  CHECK(Tell(With(none, "delegate")).around.state == CheckState::kWarn);
}

TEST_CASE("doctor of a policy: each rule ends its warning", "[policy]") {
  const Policy tls = With(*ParsePolicy(""), "tls");
  CHECK(Tell(tls, true).tls.state == CheckState::kOk);
  CHECK(Says(Tell(tls, true).tls, "CofferTls"));
  CHECK(Tell(tls, true).around.state == CheckState::kWarn);

  const Policy closed =
      With(*ParsePolicy(""), "only-access-points", {"arn:aws:iam::123456789012:role/admin"});
  const Told told = Tell(closed, true);
  CHECK(told.tls.state == CheckState::kWarn);
  CHECK(told.around.state == CheckState::kOk);
  CHECK(Says(told.around, "CofferOnlyAccessPoints"));
  CHECK(Says(told.around, "but by arn:aws:iam::123456789012:role/admin"));
}

TEST_CASE("doctor of a policy: a denial of one thing leaves the others open", "[policy]") {
  const Policy reads = *ParsePolicy(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"NoReads","Effect":"Deny","Principal":"*",
      "Action":"s3:GetObject*","Resource":"arn:aws:s3:::b/*"}]})");
  const Told told = Tell(reads, true);
  CHECK(told.around.state == CheckState::kWarn);
  CHECK(Says(told.around, "written, deleted, listed"));
  CHECK_FALSE(Says(told.around, "read,"));
  // What may or may not hold closes nothing.
  const Policy perhaps = *ParsePolicy(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"Perhaps","Effect":"Deny","Principal":"*",
      "Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],
      "Condition":{"StringEquals":{"aws:SourceOrgID":"o-1"}}}]})");
  CHECK(Tell(perhaps, true).around.state == CheckState::kWarn);
  CHECK(Tell(perhaps, true).tls.state == CheckState::kWarn);
}

// A statement that denies to everybody, in the words of JSON.
Policy Denying(const std::string& actions, const std::string& condition,
               const std::string& resources = R"(["arn:aws:s3:::b","arn:aws:s3:::b/*"])") {
  const auto policy =
      ParsePolicy(R"({"Version":"2012-10-17","Statement":[{"Sid":"D","Effect":"Deny","Principal":)"
                  R"("*","Action":)" +
                  actions + R"(,"Resource":)" + resources +
                  (condition.empty() ? "" : R"(,"Condition":)" + condition) + "}]}");
  REQUIRE(policy);
  return *policy;
}

TEST_CASE("doctor of a policy: what whoever asks may send or be otherwise closes nothing",
          "[policy]") {
  PolicyRule strict;
  strict.name = "tls";
  strict.bucket = "b";
  strict.min = "1.3";
  const Policy tls_13 = *AddRule(*ParsePolicy(""), strict);
  CHECK(Tell(tls_13, true).tls.state == CheckState::kOk);
  CHECK(Tell(tls_13, true).around.state == CheckState::kWarn);
  for (const char* condition :
       {R"({"StringNotEquals":{"aws:PrincipalAccount":"123456789012"}})",
        R"({"StringNotEquals":{"s3:ResourceAccount":"123456789012"}})",
        R"({"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}})",
        R"({"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*"}})",
        R"({"StringNotLike":{"s3:prefix":"home/*"}})", R"({"Null":{"s3:if-none-match":"true"}})",
        R"({"StringNotEquals":{"s3:x-amz-server-side-encryption":"aws:kms"}})",
        R"({"NumericLessThan":{"s3:TlsVersion":"1.3"}})"}) {
    INFO(condition);
    const Told told = Tell(Denying(R"("s3:*")", condition), true);
    CHECK(told.around.state == CheckState::kWarn);
    CHECK(told.tls.state == CheckState::kWarn);
  }
  // Of some objects, of some rights.
  CHECK(Tell(Denying(R"("s3:*")", "", R"(["arn:aws:s3:::b","arn:aws:s3:::b/a*"])"), true)
            .around.state == CheckState::kWarn);
  CHECK(Tell(Denying(R"(["s3:GetObject","s3:PutObject"])",
                     R"({"Bool":{"aws:SecureTransport":"false"}})"))
            .tls.state == CheckState::kWarn);
  CHECK(Tell(Denying(R"(["s3:GetObject","s3:PutObject","s3:DeleteObject","s3:ListBucket"])", ""),
             true)
            .around.state == CheckState::kWarn);
  CHECK(Tell(Denying(R"("S3:*")", R"({"Bool":{"AWS:SecureTransport":"false"}})")).tls.state ==
        CheckState::kOk);
}

TEST_CASE("doctor of a policy: what is open to everybody is said", "[policy]") {
  for (const char* resource : {"arn:aws:s3:::b/*", "arn:aws:s3:::b/public/*"}) {
    const Policy open = *ParsePolicy(
        R"({"Version":"2012-10-17","Statement":[{"Sid":"Web","Effect":"Allow","Principal":"*",
        "Action":"s3:GetObject","Resource":")" +
        std::string(resource) + R"("}]})");
    const Told told = Tell(open);
    CHECK(told.around.state == CheckState::kWarn);
    CHECK(Says(told.around, "perhaps by everybody, keys or none: read (Web)"));
    CHECK(told.around.change == "coffer policy show b");
  }
  // Through access points alone.
  CHECK_FALSE(Says(Tell(With(*ParsePolicy(""), "delegate")).around, "everybody"));
}

TEST_CASE("doctor of a policy: who denies that versions are deleted", "[policy]") {
  const s3::FakeClock clock;
  const auto denial = [&](const Policy& policy) {
    return VersionsDenial({policy, "b", "aws"}, clock);
  };
  const Policy none = *ParsePolicy("");
  CHECK(denial(none).empty());
  CHECK(denial(With(none, "versions")).find("denied by CofferVersions, until") !=
        std::string::npos);
  // Through an access point they are deleted all the same.
  CHECK(denial(With(none, "only-access-points")).empty());
  CHECK(denial(Denying(R"("s3:DeleteObjectVersion")", R"({"ArnNotEquals":{"aws:PrincipalArn":
      "arn:aws:iam::123456789012:role/admin"}})"))
            .find("but to arn:aws:iam::123456789012:role/admin") != std::string::npos);
}

}  // namespace coffer::fs::doctor_policy_test
