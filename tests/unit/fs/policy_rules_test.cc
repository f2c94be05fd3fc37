#include "fs/policy_rules.h"

#include <catch2/catch.hpp>

#include "fs/policy_request.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs {
namespace {

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
    CHECK(RemoveRule(*with, name)->json == theirs.json);
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

}  // namespace
}  // namespace coffer::fs
