#include "fs/mounts_here.h"

#include <catch2/catch.hpp>

#include "fs/policy_rules.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::mounts_here_test {

constexpr const char* kPointArn = "arn:aws:s3:us-east-1:123456789012:accesspoint/team";

MountEntry At(const std::string& directory, const std::string& source) {
  MountEntry entry;
  entry.directory = directory;
  entry.source = source;
  return entry;
}

s3::AccessPoint Point(const std::string& vpc = "") {
  s3::AccessPoint point;
  point.name = "team";
  point.bucket = "b";
  point.arn = kPointArn;
  point.alias = "team-abc-s3alias";
  point.vpc = vpc;
  return point;
}

using Points = Result<std::vector<s3::AccessPoint>>;

std::vector<std::string> Effects(const std::vector<MountEntry>& mounts, const std::string& rule,
                                 bool tls = true, const Points& points = std::vector{Point()}) {
  const s3::FakeClock clock;
  const Policy none = *ParsePolicy("");
  PolicyRule added;
  added.name = rule;
  added.bucket = "b";
  added.owner = "123456789012";
  added.sse = "aws:kms";
  const Policy after = *AddRule(none, added);
  return EffectsOnMounts(
      mounts, {none, after, "b", "aws", "us-east-1", "123456789012", tls, "", points}, clock);
}

TEST_CASE("what a rule does to the mounts of this machine", "[policy]") {
  const std::vector<MountEntry> mounts = {At("/mnt/a", "s3://b"), At("/mnt/c", "s3://b/team"),
                                          At("/mnt/other", "s3://b-2/team"),
                                          At("/mnt/p", kPointArn)};
  const auto closed = Effects(mounts, "only-access-points");
  REQUIRE(closed.size() == 2);
  CHECK(closed[0].starts_with("the mount at /mnt/a (s3://b) is then denied s3:GetObject, "));
  CHECK(closed[0].find("s3:PutObject") != std::string::npos);
  CHECK(closed[1].starts_with("the mount at /mnt/c (s3://b/team) is then denied "));
  CHECK(Effects(mounts, "tls").empty());
  CHECK(Effects(mounts, "tls", false).size() == 2);  // an access point speaks https alone
  CHECK(Effects(mounts, "delegate").empty());
  const auto encrypted = Effects(mounts, "encryption");
  REQUIRE(encrypted.size() == 3);
  CHECK(encrypted[0].find("denied s3:PutObject, unless") != std::string::npos);
  CHECK(Effects({}, "only-access-points").empty());
}

TEST_CASE("what a rule does to the mounts through the bucket's access points", "[policy]") {
  const std::string arn = kPointArn;
  const auto encrypted = [](const MountEntry& mount, const Points& points) {
    return Effects({mount}, "encryption", true, points);
  };
  const Points one = std::vector{Point()};
  CHECK(encrypted(At("/mnt/p", arn), one) ==
        std::vector<std::string>{"the mount at /mnt/p (" + arn +
                                 ") is then denied s3:PutObject, unless this excepts whoever it "
                                 "was mounted by, or what it sends"});
  CHECK(encrypted(At("/mnt/p", "s3://" + arn + "/d"), one).size() == 1);
  CHECK(encrypted(At("/mnt/p", "team-abc-s3alias"), one).size() == 1);
  SECTION("of another bucket, for certain") {
    CHECK(encrypted(At("/mnt/p", arn + "-b"), one).empty());
    CHECK(encrypted(At("/mnt/p", "arn:aws:s3:eu-west-1:210987654321:accesspoint/x"), one).empty());
  }
  SECTION("perhaps of another bucket") {
    for (const std::string source :
         {"arn:aws:s3:us-east-1:210987654321:accesspoint/x",
          "arn:aws:s3::123456789012:accesspoint/abc.mrap", "other-abc-s3alias"}) {
      const auto effects = encrypted(At("/mnt/p", source), one);
      REQUIRE(effects.size() == 1);
      CHECK(effects[0].find("), if it leads to this bucket, is then denied s3:PutObject") !=
            std::string::npos);
    }
  }
  SECTION("nobody tells which ones it has") {
    const auto effects = encrypted(At("/mnt/p", arn), Error{Code::kDenied, "no"});
    REQUIRE(effects.size() == 1);
    CHECK(effects[0].find("(which cannot be seen: no), is then denied") != std::string::npos);
    CHECK(encrypted(At("/mnt/p", "s3://b"), Error{Code::kDenied, "no"}).size() == 1);
  }
}

TEST_CASE("a rule beside one that may not hold for a door that is not known", "[policy]") {
  // of one's own name for the bucket alone: it does not deny already what comes through doors
  const Policy before = *ParsePolicy(R"({"Version": "2012-10-17", "Statement": [{
      "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
      "Condition": {"StringNotEquals": {"s3:DataAccessPointAccount": "123456789012"}}}]})");
  PolicyRule added;
  added.name = "encryption";
  added.bucket = "b";
  added.sse = "aws:kms";
  const Policy after = *AddRule(before, added);
  const auto effects = [&](const std::string& source, const Points& points) {
    return EffectsOnMounts(
               {At("/mnt/p", source)},
               {before, after, "b", "aws", "us-east-1", "123456789012", true, "", points},
               s3::FakeClock())
        .size();
  };
  CHECK(effects("team-abc-s3alias", std::vector{Point()}) == 1);
  CHECK(effects("team-abc-s3alias", Error{Code::kDenied, "no"}) == 1);
  CHECK(effects(kPointArn, Error{Code::kDenied, "no"}) == 1);
  CHECK(effects("s3://b", std::vector{Point()}) == 0);  // denied before
}

TEST_CASE("a rule of a part of the bucket", "[policy]") {
  const Policy none = *ParsePolicy("");
  PolicyRule added;
  added.name = "names";
  added.bucket = "b";
  added.prefix = "team/";
  const Policy after = *AddRule(none, added);
  const auto effects = [&](const std::string& source) {
    return EffectsOnMounts({At("/mnt/p", source)},
                           {none, after, "b", "aws", "us-east-1", "123456789012", true, "team/"},
                           s3::FakeClock())
        .size();
  };
  CHECK(effects("s3://b") == 1);
  CHECK(effects("s3://b/team/a") == 1);
  CHECK(effects("s3://b/other") == 0);
}

TEST_CASE("a rule for those from elsewhere than a VPC", "[policy]") {
  const Policy none = *ParsePolicy("");
  const Policy after = *ParsePolicy(R"({"Version": "2012-10-17", "Statement": [{
      "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*",
      "Condition": {"StringNotEquals": {"s3:AccessPointNetworkOrigin": "VPC"}}}]})");
  const auto effects = [&](const std::string& vpc) {
    return EffectsOnMounts(
        {At("/mnt/p", kPointArn)},
        {none, after, "b", "aws", "us-east-1", "123456789012", true, "", std::vector{Point(vpc)}},
        s3::FakeClock());
  };
  CHECK(effects("").size() == 1);
  CHECK(effects("vpc-1").empty());
}

TEST_CASE("whether mounts go through access points", "[policy]") {
  CHECK_FALSE(AnyThroughAccessPoints({At("/mnt/a", "s3://b/d"), At("/mnt/b", "?")}));
  CHECK(AnyThroughAccessPoints({At("/mnt/a", "s3://b"), At("/mnt/b", kPointArn)}));
  CHECK(AnyThroughAccessPoints({At("/mnt/b", "team-abc-s3alias")}));
  CHECK_FALSE(AnyThroughAccessPoints({At("/mnt/b", "b--use1-az4--x-s3")}));
}

TEST_CASE("which mounts go through an access point", "[policy]") {
  const std::string arn = kPointArn;
  CHECK(MountsThrough(
            {At("/mnt/a", arn), At("/mnt/b", "s3://" + arn + "/d"), At("/mnt/c", arn + "-b"),
             At("/mnt/d", "s3://team"), At("/mnt/e", "s3://team-abc-s3alias/d")},
            Point()) ==
        std::vector<std::string>{"on this machine /mnt/a, /mnt/b, /mnt/e are mounted through it"});
  CHECK(MountsThrough({At("/mnt/d", "s3://team")}, Point()).empty());
}

}  // namespace coffer::fs::mounts_here_test
