#include "fs/policy_hint.h"

#include <catch2/catch.hpp>

namespace coffer::fs::policy_hint_test {

Json Statement(std::string_view source, std::string_view action, PolicyScope scope) {
  s3::AddressOptions options;
  options.region = "us-west-2";
  const auto target = s3::ParseTarget(source, options);
  REQUIRE(target);
  return AllowStatement(*target, action, scope);
}

TEST_CASE("a statement names the door that was asked", "[policy]") {
  const auto resource = [](std::string_view source, PolicyScope scope) {
    return Statement(source, "s3:GetObject", scope)["Resource"].get<std::string>();
  };
  CHECK(resource("team-data", PolicyScope::kBucket) == "arn:aws:s3:::team-data");
  CHECK(resource("s3://team-data/p", PolicyScope::kObjects) == "arn:aws:s3:::team-data/p/*");
  CHECK(resource("s3://arn:aws:s3:us-west-2:123456789012:accesspoint/reports/p",
                 PolicyScope::kObjects) ==
        "arn:aws:s3:us-west-2:123456789012:accesspoint/reports/object/p/*");
  // An alias may not stand in a policy.
  CHECK(resource("reports-abc-s3alias", PolicyScope::kObjects) ==
        "arn:aws:s3:us-west-2:ACCOUNT:accesspoint/NAME/object/*");
}

TEST_CASE("kinds of address have actions of their own", "[policy]") {
  const auto action = [](std::string_view source) {
    return Statement(source, "s3:GetObject", PolicyScope::kObjects)["Action"].get<std::string>();
  };
  CHECK(action("team-data") == "s3:GetObject");
  CHECK(action("arn:aws:s3-object-lambda:us-west-2:123456789012:accesspoint/s") ==
        "s3-object-lambda:GetObject");
  CHECK(action("arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-1/accesspoint/r") ==
        "s3-outposts:GetObject");
  CHECK(action("fast--usw2-az1--x-s3") == "s3express:CreateSession");
  CHECK(Statement("fast--usw2-az1--x-s3", "s3:PutObject", PolicyScope::kObjects)["Resource"] ==
        "arn:aws:s3express:us-west-2:ACCOUNT:bucket/fast--usw2-az1--x-s3");
}

TEST_CASE("listing is allowed below the prefix only", "[policy]") {
  const Json listing = Statement("s3://team-data/p", "s3:ListBucket", PolicyScope::kBucket);
  CHECK(listing["Condition"]["StringLike"]["s3:prefix"] == "p/*");
  CHECK_FALSE(Statement("team-data", "s3:ListBucket", PolicyScope::kBucket).contains("Condition"));
}

}  // namespace coffer::fs::policy_hint_test
