#include "fs/access_point_grants.h"

#include <catch2/catch.hpp>

#include "fs/access_point_facts.h"
#include "fs/control_door.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::access_point_grants_test {

constexpr const char* kArn = "arn:aws:s3:us-east-1:123456789012:accesspoint/team";
constexpr const char* kAnn = "arn:aws:iam::123456789012:user/ann";

std::string Shown(const Policy& policy) {
  std::string text;
  for (const Grant& grant : GrantsOf(policy, kArn)) {
    text += grant.principal + " " + grant.prefix + ":";
    for (const std::string& kind : grant.kinds) text += " " + kind;
    text += "\n";
  }
  return text;
}

TEST_CASE("grants are added, merged and taken away", "[access_point]") {
  const Policy theirs = *ParsePolicy(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"CofferGrantNot","Effect":"Deny","Principal":"*",
      "Action":"s3:GetObject","Resource":"arn:aws:s3:us-east-1:123456789012:accesspoint/team"}]})");
  const Policy read = *AddGrant(theirs, {kAnn, "team/", {"read"}}, kArn);
  const Policy both = *AddGrant(read, {kAnn, "team/", {"list", "write"}}, kArn);
  CHECK(Shown(both) == std::string(kAnn) + " team/: read write list\n");
  CHECK(WithoutGrants(both, kArn).size() == 1);
  CHECK(Meaning(*AddGrant(both, {kAnn, "team/", {"read"}}, kArn)) == Meaning(both));
  const Policy more = *AddGrant(both, {"123456789012", "", {"lock"}}, kArn);
  CHECK(GrantsOf(more, kArn).size() == 2);
  CHECK(Shown(*RemoveGrant(more, kAnn, std::nullopt, {}, kArn)) ==
        "arn:aws:iam::123456789012:root : lock\n");
  CHECK(Shown(*RemoveGrant(more, "123456789012", "", {"lock"}, kArn)) == Shown(both));
  CHECK(Shown(*RemoveGrant(both, kAnn, "team/", {"write"}, kArn)) ==
        std::string(kAnn) + " team/: read list\n");
  CHECK(RemoveGrant(both, kAnn, "other/", {}, kArn)->json == both.json);
  CHECK(RemoveGrant(both, kAnn, std::nullopt, {}, kArn)->json == theirs.json);
  for (std::size_t i = 1; i < more.statements.size(); ++i) {
    const std::string& sid = more.statements[i].name;
    CHECK(sid.starts_with("CofferGrant"));
    CHECK(sid.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789") == std::string::npos);
    for (std::size_t j = 1; j < i; ++j) CHECK(more.statements[j].name != sid);
  }
}

TEST_CASE("a grant below a prefix is of nothing beside it", "[access_point]") {
  const Policy policy = *AddGrant(*ParsePolicy(""), {kAnn, "team/", {"read", "list"}}, kArn);
  s3::FakeClock clock;
  const auto allows = [&](const char* action, const char* key) {
    AskedRequest asked{*ParseCaller(kAnn), "123456789012", "aws", "b", action, key, true, {}};
    const PolicyDoor door{kArn, "123456789012", "", policy.statements};
    const Policy open = *ParsePolicy(
        R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}})");
    return EvaluateThrough(door, open.statements, *MakePolicyRequest(asked, clock)).verdict ==
           PolicyVerdict::kAllowed;
  };
  CHECK(allows("s3:GetObject", "team/a"));
  CHECK_FALSE(allows("s3:GetObject", "team-b/a"));
  CHECK_FALSE(allows("s3:GetObject", "team"));
  CHECK(allows("s3:ListBucket", "team/"));
  CHECK(allows("s3:ListBucketVersions", "team/below/"));
  CHECK_FALSE(allows("s3:ListBucket", "team"));
  CHECK_FALSE(allows("s3:ListBucket", ""));
  CHECK_FALSE(allows("s3:PutObject", "team/a"));
}

TEST_CASE("words of a grant", "[access_point]") {
  CHECK(*ParseGrantKinds({"list,read", "write"}) ==
        std::vector<std::string>{"read", "write", "list"});
  for (const char* wrong : {"", "read,", "all", "Read"}) CHECK_FALSE(ParseGrantKinds({wrong}));
  CHECK_FALSE(ParseGrantKinds({}));
  CHECK(*ParseGrantPrefix("team") == "team/");
  CHECK(*ParseGrantPrefix("a/b/") == "a/b/");
  CHECK(ParseGrantPrefix("")->empty());
  for (const char* wrong : {"a*", "?", "${aws:username}", "/a"})
    CHECK_FALSE(ParseGrantPrefix(wrong));
  CHECK(ParseAccessPointName("team-a")->name == "team-a");
  CHECK(ParseAccessPointName(kArn)->region == "us-east-1");
  for (const char* wrong :
       {"", "ab", "Team", "-ap", "ap-", "a_b", "x-s3alias", "arn:aws:s3:::bucket",
        "arn:aws:s3::123456789012:accesspoint/x.mrap", "arn:aws:s3:us-east-1:1:accesspoint/a/b",
        "arn:aws:s3:us-east-1::accesspoint/a"}) {
    INFO(wrong);
    CHECK_FALSE(ParseAccessPointName(wrong));
  }
  CHECK_FALSE(ParsePublicAccessBlock("IgnorePublicAcls")->block_policy);
  CHECK(ParsePublicAccessBlock("IgnorePublicAcls")->ignore_acls);
  CHECK_FALSE(ParsePublicAccessBlock("none")->restrict_buckets);
  for (const char* wrong : {"some", "IgnorePublicAcls,", ","}) {
    CHECK_FALSE(ParsePublicAccessBlock(wrong));
  }
}

// A grant is one line of a policy that others write, too: what looks like one and is not counts as
// theirs.
TEST_CASE("statements that only look like grants", "[access_point]") {
  const std::string arn = kArn;
  for (const std::string& body :
       {std::string(R"("Principal":"*","NotAction":"s3:GetObject","Resource":")") + arn + '"',
        R"("NotPrincipal":{"AWS":"x"},"Action":"s3:GetObject","Resource":")" + arn + '"',
        R"("Principal":{"AWS":["a","b"]},"Action":"s3:GetObject","Resource":")" + arn + '"',
        R"("Principal":{"Service":"s"},"Action":"s3:GetObject","Resource":")" + arn + '"',
        std::string(R"("Principal":"*","Action":"s3:GetObject","Resource":"other")"),
        R"("Principal":"*","Action":"s3:GetObject","Resource":")" + arn + "/object/key\""}) {
    INFO(body);
    const auto policy =
        ParsePolicy(R"({"Statement":{"Sid":"CofferGrantX","Effect":"Allow",)" + body + "}}");
    REQUIRE(policy);
    CHECK(GrantsOf(*policy, arn).empty());
    CHECK(WithoutGrants(*policy, arn).size() == 1);
  }
}

TEST_CASE("what is still needed", "[access_point]") {
  s3::FakeClock clock;
  const Grant grant{kAnn, "team/", {"read"}};
  const Policy policy = *AddGrant(*ParsePolicy(""), grant, kArn);
  const auto lines = [&](const Result<Policy>& bucket, const Grant& to) {
    std::string text;
    const Policy with = *AddGrant(policy, to, kArn);
    const PolicyDoor door{kArn, "123456789012", "vpc-1", with.statements};
    const auto needed = StillNeeded(to, {door, "b", "123456789012", "aws", bucket}, clock);
    for (const std::string& line : *needed) {
      text += line + "\n";
    }
    return text;
  };
  const auto delegate = ParsePolicy(
      R"({"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*",
      "Condition":{"StringEquals":{"s3:DataAccessPointAccount":"123456789012"}}}})");
  const auto denies = ParsePolicy(
      R"({"Statement":{"Sid":"No","Effect":"Deny","Principal":"*","Action":"s3:GetObjectTagging","Resource":"*"}})");
  CHECK(lines(delegate, grant).empty());
  CHECK(lines(ParsePolicy(""), grant).find("delegate") != std::string::npos);
  CHECK(lines(denies, grant).find("denied all the same: s3:GetObjectTagging (No of the bucket's") !=
        std::string::npos);
  CHECK(lines(Error{Code::kDenied, "no"}, grant) ==
        "whether the bucket lets it pass is not known: no\n");
  CHECK(lines(delegate, {"arn:aws:iam::999988887777:root", "", {"read"}})
            .find("IAM policies of account 999988887777") != std::string::npos);
  CHECK(lines(delegate, {"AIDAEXAMPLE", "", {"read"}}).empty());
}

}  // namespace coffer::fs::access_point_grants_test
