#include "fs/policy_rules.h"

#include <catch2/catch.hpp>

#include "fs/policy_request.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::policy_rules_test {

PolicyRule Rule(const std::string& name) {
  PolicyRule rule;
  rule.name = name;
  rule.bucket = "b";
  rule.owner = "123456789012";
  rule.sse = name == "encryption" ? "aws:kms" : "";
  rule.max = name == "retention-bounds" ? "30d" : "";
  return rule;
}

TEST_CASE("every rule can be added, again, and removed", "[policy]") {
  const Policy theirs = *ParsePolicy(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"CofferLike","Effect":"Allow","Principal":"*",
      "Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}]})");
  for (const std::string_view name : PolicyRuleNames()) {
    INFO(name);
    const auto with = AddRule(theirs, Rule(std::string(name)));
    REQUIRE(with);
    CHECK(with->statements.size() > 1);
    CHECK(Meaning(*AddRule(*with, Rule(std::string(name)))) == Meaning(*with));
    for (std::size_t i = 1; i < with->statements.size(); ++i) {
      const std::string& sid = with->statements[i].name;
      CHECK(sid.starts_with("Coffer"));
      CHECK(sid.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
            std::string::npos);
    }
    CHECK(RemoveRule(*with, Rule(std::string(name)))->json == theirs.json);
  }
}

TEST_CASE("options that a rule cannot do without", "[policy]") {
  PolicyRule rule = Rule("retention-bounds");
  for (const auto& [min, max] : {std::pair("", ""), std::pair("3d", "2d"), std::pair("0d", ""),
                                 std::pair("3", ""), std::pair("99999d", "")}) {
    rule.min = min;
    rule.max = max;
    INFO(min << " " << max);
    CHECK(AddRule(Policy{Json{{"Statement", Json::array()}}, {}}, rule).error().code ==
          Code::kInvalid);
  }
  rule = Rule("tls");
  rule.min = "1.1";
  CHECK_FALSE(AddRule(*ParsePolicy(""), rule));
  CHECK_FALSE(AddRule(*ParsePolicy(""), Rule("other")));
}

TEST_CASE("a rule's effect on its caller", "[policy]") {
  s3::FakeClock clock;
  const auto lost = [&](const PolicyRule& rule, const char* who, bool tls = true) {
    const Policy none = *ParsePolicy("");
    AskedRequest asked{*ParseCaller(who), "123456789012", "aws", "b", "", "", tls, {}};
    return *Lost(none.statements, AddRule(none, rule)->statements, asked, clock);
  };
  const char* user = "arn:aws:iam::123456789012:user/ops";
  const char* role = "arn:aws:sts::123456789012:assumed-role/ops/me";
  PolicyRule only = Rule("only-access-points");
  CHECK(lost(only, user).needed == "s3:GetObject, s3:ListBucket");
  CHECK(lost(only, user).certain);
  only.except = {"arn:aws:iam::123456789012:role/ops"};
  CHECK(lost(only, role).needed == "s3:GetObject, s3:ListBucket");
  CHECK_FALSE(lost(only, role).certain);
  only.except = {"arn:aws:iam::123456789012:role/*"};
  CHECK(lost(only, role).needed.empty());
  CHECK(lost(Rule("tls"), user).needed.empty());
  CHECK(lost(Rule("tls"), user, false).needed.find("s3:PutBucketPolicy") != std::string::npos);
  CHECK(lost(Rule("names"), user).needed.empty());
  CHECK(lost(Rule("names"), user).also == "s3:PutObject, s3:DeleteObject");
  CHECK(lost(Rule("delegate"), user).also.empty());
}

PolicyRule NamesOf(const std::string& prefix) {
  PolicyRule rule = Rule("names");
  rule.prefix = prefix;
  return rule;
}

TEST_CASE("names of a second prefix are added to those of the first", "[policy]") {
  const std::string objects = "arn:aws:s3:::b/";
  const auto resources = [](const Policy& policy) {
    REQUIRE(policy.statements.size() == 2);
    CHECK(policy.statements[0].resources == policy.statements[1].resources);
    return policy.statements[0].resources;
  };
  using Texts = std::vector<std::string>;
  const Policy one = *AddRule(*ParsePolicy(""), NamesOf("team/"));
  const Policy both = *AddRule(one, NamesOf("other/"));
  CHECK(resources(both) == Texts{objects + "team/*", objects + "other/*"});
  CHECK(Meaning(*AddRule(both, NamesOf("team/"))) == Meaning(both));
  CHECK(Meaning(*AddRule(both, NamesOf("team/a/"))) == Meaning(both));
  CHECK(resources(*AddRule(both, NamesOf(""))) == Texts{objects + "*"});
  CHECK(Meaning(*RemoveRule(both, NamesOf("other/"))) == Meaning(one));
  CHECK(RemoveRule(one, NamesOf("team/"))->statements.empty());
  CHECK(Meaning(*RemoveRule(one, NamesOf("none/"))) == Meaning(one));
  CHECK(RemoveRule(both, NamesOf(""))->statements.empty());
}

TEST_CASE("what a policy cannot say is refused", "[policy]") {
  for (const char* prefix : {"a*/", "a?/", "${aws:username}/", "\xff/"}) {
    INFO(prefix);
    const auto refused = AddRule(*ParsePolicy(""), NamesOf(prefix));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kInvalid);
  }
  PolicyRule only = Rule("only-access-points");
  only.except = {"arn:aws:iam::1:user/\xff"};
  CHECK_FALSE(AddRule(*ParsePolicy(""), only));
  PolicyRule encryption = Rule("encryption");
  for (const char* key : {"alias/backup", "5f0e6d1c-0000-4000-8000-c0ffe2aa0001",
                          "arn:aws:kms:us-east-1:123456789012:alias/backup"}) {
    encryption.kms_key = key;
    CHECK_FALSE(AddRule(*ParsePolicy(""), encryption));
  }
  encryption.kms_key = "arn:aws:kms:us-east-1:123456789012:key/5f0e6d1c";
  CHECK(AddRule(*ParsePolicy(""), encryption));
}

TEST_CASE("what new statements may take counts beside what nobody can decide", "[policy]") {
  s3::FakeClock clock;
  const Policy theirs = *ParsePolicy(
      R"({"Version":"2012-10-17","Statement":[{"Sid":"Vpc","Effect":"Deny","Principal":"*",
      "Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],
      "Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}}]})");
  const auto lost = [&](const PolicyRule& rule, const char* who) {
    AskedRequest asked{*ParseCaller(who), "123456789012", "aws", "b", "", "", true, {}};
    return *Lost(theirs.statements, AddRule(theirs, rule)->statements, asked, clock);
  };
  PolicyRule only = Rule("only-access-points");
  only.except = {"arn:aws:iam::123456789012:role/ops"};
  const auto role = lost(only, "arn:aws:sts::123456789012:assumed-role/ops/me");
  CHECK(role.needed == "s3:GetObject, s3:ListBucket");
  CHECK_FALSE(role.certain);
  CHECK(lost(Rule("delegate"), "arn:aws:iam::123456789012:user/ops").needed.empty());
}

TEST_CASE("which version of TLS the caller has is not known", "[policy]") {
  s3::FakeClock clock;
  PolicyRule tls = Rule("tls");
  const auto lost = [&] {
    AskedRequest asked{*ParseCaller("arn:aws:iam::123456789012:user/ops"),
                       "123456789012",
                       "aws",
                       "b",
                       "",
                       "",
                       true,
                       {}};
    return *Lost({}, AddRule(*ParsePolicy(""), tls)->statements, asked, clock);
  };
  CHECK(lost().needed.empty());
  tls.min = "1.3";
  CHECK(lost().needed.find("s3:GetObject") != std::string::npos);
  CHECK_FALSE(lost().certain);
}

}  // namespace coffer::fs::policy_rules_test
