#include "fs/policy_evaluator.h"

#include <catch2/catch.hpp>

#include "fs/policy_request.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::policy_evaluator_test {

using s3::Tri;

PolicyRequest Ask(const std::string& principal = "arn:aws:iam::123456789012:user/alice") {
  PolicyRequest request;
  request.caller = *ParseCaller(principal);
  request.owner = "123456789012";
  request.action = "s3:GetObject";
  request.resource = "arn:aws:s3:::b/team/a";
  request.context = {{"aws:securetransport", "true"}, {"aws:principalarn", request.caller.arn}};
  return request;
}

Decision Judge(const std::string& statements, const PolicyRequest& request) {
  const auto policy = ParsePolicy(R"({"Version":"2012-10-17","Statement":)" + statements + "}");
  REQUIRE(policy);
  return Evaluate(policy->statements, request);
}

TEST_CASE("patterns", "[policy]") {
  CHECK(Fits("*", ""));
  CHECK(Fits("a*c*e", "abcde"));
  CHECK(Fits("team/*", "team/a/b"));
  CHECK_FALSE(Fits("team/*", "team-b/a"));
  CHECK(Fits("a?c", "abc"));
  CHECK_FALSE(Fits("a?c", "ac"));
  CHECK_FALSE(Fits("", "a"));
  CHECK(Fits("*ab", "aab"));
}

TEST_CASE("one condition", "[policy]") {
  struct Row {
    const char* op;
    const char* wanted;
    const char* found;  // null: absent
    Tri holds;
  };
  const Row rows[] = {
      {"StringEquals", "a", "a", Tri::kYes},
      {"StringEquals", "a", "A", Tri::kNo},
      {"StringEquals", "a", nullptr, Tri::kNo},
      {"StringEqualsIfExists", "a", nullptr, Tri::kYes},
      {"StringEqualsIfExists", "a", "b", Tri::kNo},
      {"StringEqualsIgnoreCase", "a", "A", Tri::kYes},
      {"StringNotEquals", "a", "b", Tri::kYes},
      {"StringNotEquals", "a", "a", Tri::kNo},
      {"StringNotEquals", "a", nullptr, Tri::kYes},  // a negated operator matches an absent key
      {"StringNotEqualsIgnoreCase", "a", "A", Tri::kNo},
      {"StringLike", "a*", "ab", Tri::kYes},
      {"StringNotLike", "a*", "ab", Tri::kNo},
      {"StringLike", "${aws:username}", "ab", Tri::kUnknown},
      {"ArnLike", "arn:aws:iam::*:user/a", "arn:aws:iam::1:user/a", Tri::kYes},
      {"ArnLike", "arn:*:user/a", "arn:aws:iam::1:user/a", Tri::kNo},  // a '*' ends at a colon
      {"ArnEquals", "arn:aws:iam::1:user/?", "arn:aws:iam::1:user/a", Tri::kYes},
      {"ArnNotLike", "arn:aws:iam::1:user/a", nullptr, Tri::kYes},
      {"Bool", "True", "true", Tri::kYes},
      {"Bool", "false", nullptr, Tri::kNo},
      {"BoolIfExists", "false", nullptr, Tri::kYes},
      {"NumericLessThan", "1.2", "1.1", Tri::kYes},
      {"NumericLessThan", "1.2", "1.2", Tri::kNo},
      {"NumericLessThan", "1.2", nullptr, Tri::kNo},
      {"NumericLessThanEquals", "1.2", "1.2", Tri::kYes},
      {"NumericGreaterThan", "9", "10", Tri::kYes},  // numbers, not text
      {"NumericNotEquals", "9", "9.0", Tri::kNo},
      {"NumericLessThan", "many", "1", Tri::kUnknown},
      {"DateLessThan", "2030-01-01T00:00:00Z", "2029-01-01T00:00:00Z", Tri::kYes},
      {"DateGreaterThan", "2030-01-01T00:00:00Z", "1", Tri::kNo},
      {"IpAddress", "10.0.0.0/8", "10.1.2.3", Tri::kYes},
      {"IpAddress", "10.0.0.0/9", "10.200.0.1", Tri::kNo},
      {"IpAddress", "2001:db8::/32", "2001:db8::1", Tri::kYes},
      {"IpAddress", "10.0.0.0/8", "::1", Tri::kNo},
      {"NotIpAddress", "10.0.0.0/8", "192.0.2.1", Tri::kYes},
      {"IpAddress", "10.0.0.0/99", "10.1.2.3", Tri::kUnknown},
      {"Null", "true", nullptr, Tri::kYes},
      {"Null", "true", "a", Tri::kNo},
      {"Null", "false", "a", Tri::kYes},
      {"BinaryEquals", "a", "a", Tri::kUnknown},
      {"ForAllValues:StringEquals", "a", "a", Tri::kYes},
      {"ForAllValues:StringEquals", "a", "b", Tri::kNo},
      {"ForAllValues:StringEquals", "a", nullptr, Tri::kYes},  // of none, all
      {"ForAllValues:StringNotLike", "a*", "ab", Tri::kNo},
      {"ForAnyValue:StringEquals", "a", "a", Tri::kYes},
      {"ForAnyValue:StringEquals", "a", nullptr, Tri::kNo},
      {"ForAnyValue:StringNotEquals", "a", nullptr, Tri::kNo},
  };
  for (const Row& row : rows) {
    PolicyRequest request = Ask();
    if (row.found != nullptr) request.context["s3:x-amz-storage-class"] = row.found;
    INFO(row.op << " " << row.wanted << " " << (row.found == nullptr ? "(absent)" : row.found));
    CHECK(Holds({row.op, "s3:X-Amz-Storage-Class", {row.wanted}}, request) == row.holds);
  }
}

TEST_CASE("a key that only the service knows is not guessed", "[policy]") {
  CHECK(Holds({"StringEquals", "aws:SourceVpc", {"vpc-1"}}, Ask()) == Tri::kUnknown);
  const Decision decision = Judge(
      R"([{"Sid":"Vpc","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*",
          "Condition":{"StringNotEquals":{"aws:SourceVpc":"vpc-1"}}},
         {"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/*"}])",
      Ask());
  CHECK(decision.verdict == PolicyVerdict::kNotDecided);
  CHECK(decision.uncertain);
  CHECK(decision.statement == "Vpc");
}

TEST_CASE("a denial wins over every permission", "[policy]") {
  const Decision decision = Judge(
      R"([{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},
         {"Sid":"No","Effect":"Deny","Principal":{"AWS":"123456789012"},"Action":"S3:getobject",
          "Resource":"arn:aws:s3:::b/team/?"}])",
      Ask());
  CHECK(decision.verdict == PolicyVerdict::kDenied);
  CHECK(decision.statement == "No");
}

TEST_CASE("who is allowed", "[policy]") {
  const auto allow = [](const std::string& principal) {
    return R"([{"Effect":"Allow","Principal":)" + principal +
           R"(,"Action":"s3:Get*","Resource":"arn:aws:s3:::b/*"}])";
  };
  const std::string alice = R"({"AWS":"arn:aws:iam::123456789012:user/alice"})";
  CHECK(Judge(allow(alice), Ask()).verdict == PolicyVerdict::kAllowed);
  CHECK(Judge(allow("\"*\""), Ask("*")).verdict == PolicyVerdict::kAllowed);
  // The account is named: its IAM decides.
  CHECK(Judge(allow(R"({"AWS":"123456789012"})"), Ask()).verdict == PolicyVerdict::kNotDecided);
  // Another account's IAM must allow it as well, and without a statement nothing can.
  const std::string eve = "arn:aws:iam::999988887777:user/eve";
  CHECK(Judge(allow("\"*\""), Ask(eve)).verdict == PolicyVerdict::kNotDecided);
  CHECK(Judge(allow(alice), Ask(eve)).verdict == PolicyVerdict::kDenied);
  CHECK(Judge(allow(alice), Ask("*")).verdict == PolicyVerdict::kDenied);
  CHECK(Judge(allow(R"({"Service":"logging.s3.amazonaws.com"})"), Ask()).verdict ==
        PolicyVerdict::kNotDecided);
}

TEST_CASE("a role session's path is not guessed", "[policy]") {
  const std::string session = "arn:aws:sts::123456789012:assumed-role/ops/me";
  const auto unless = [](const std::string& arn) {
    return R"([{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":
           {"ArnNotLike":{"aws:PrincipalArn":")" +
           arn + R"("}}}])";
  };
  const auto denied = [&](const std::string& arn) { return Judge(unless(arn), Ask(session)); };
  CHECK(denied("arn:aws:iam::123456789012:role/*").verdict == PolicyVerdict::kNotDecided);
  CHECK_FALSE(denied("arn:aws:iam::123456789012:role/*").uncertain);
  CHECK(denied("arn:aws:iam::123456789012:role/ops").uncertain);
  CHECK(denied("arn:aws:iam::123456789012:role/team/ops").uncertain);
  CHECK(denied("arn:aws:iam::123456789012:role/dev").verdict == PolicyVerdict::kDenied);
  CHECK(denied("arn:aws:iam::123456789012:user/ops").verdict == PolicyVerdict::kDenied);
}

TEST_CASE("a pattern of roles meets every path that a role may have", "[policy]") {
  const auto holds = [](const char* op, const std::string& pattern) {
    PolicyRequest request = Ask("arn:aws:sts::123456789012:assumed-role/ops/me");
    return Holds({op, "aws:PrincipalArn", {pattern}}, request);
  };
  const std::string account = "arn:aws:iam::123456789012:";
  CHECK(holds("ArnLike", account + "*") == Tri::kYes);
  CHECK(holds("ArnLike", account + "role/*ops") == Tri::kYes);
  CHECK(holds("ArnLike", account + "role/team?ops") == Tri::kUnknown);
  CHECK(holds("StringLike", "*/team/*") == Tri::kUnknown);
  CHECK(holds("StringLike", account + "r*/team/*") == Tri::kUnknown);
  CHECK(holds("StringNotLike", "*/team/*") == Tri::kUnknown);
  CHECK(holds("StringEquals", account + "role/team/ops") == Tri::kUnknown);
  CHECK(holds("StringEquals", account + "role/team/*") == Tri::kNo);
  CHECK(holds("ArnLike", "arn:aws:iam::999988887777:role/*") == Tri::kNo);
  CHECK(holds("ArnLike", account + "role/dev-ops") == Tri::kNo);
  // The key is the role's ARN, never the session's.
  CHECK(holds("ArnLike", "arn:aws:sts::123456789012:assumed-role/ops/*") == Tri::kNo);
}

TEST_CASE("principals that nobody here can tell", "[policy]") {
  const auto deny = [](const std::string& principal, const std::string& who) {
    return Judge(R"([{"Sid":"No","Effect":"Deny","Principal":)" + principal +
                     R"(,"Action":"s3:*","Resource":"*"}])",
                 Ask(who));
  };
  const std::string user = "arn:aws:iam::123456789012:user/alice";
  const std::string role = "arn:aws:iam::123456789012:role/team/ops";
  const std::string session = R"({"AWS":"arn:aws:sts::123456789012:assumed-role/ops/me"})";
  CHECK(deny(R"({"CanonicalUser":"79a5"})", user).uncertain);
  CHECK_FALSE(deny(R"({"CanonicalUser":"79a5"})", "*").uncertain);
  CHECK_FALSE(deny(R"({"Service":"logging.s3.amazonaws.com"})", user).uncertain);
  CHECK(deny(session, role).uncertain);  // one of its sessions, or another
  CHECK_FALSE(deny(session, user).uncertain);
  CHECK(deny(session, "arn:aws:sts::123456789012:assumed-role/ops/me").verdict ==
        PolicyVerdict::kDenied);
  CHECK_FALSE(deny(session, "arn:aws:sts::123456789012:assumed-role/ops/you").uncertain);
}

TEST_CASE("a service asks in its own name", "[policy]") {
  PolicyRequest request = Ask("*");
  request.caller.service = "logging.s3.amazonaws.com";
  const auto allow = [](const char* principal) {
    return std::string(R"([{"Sid":"S","Effect":"Allow","Principal":)") + principal +
           R"(,"Action":"s3:*","Resource":"*"}])";
  };
  CHECK(Judge(allow(R"({"Service":["x","logging.s3.amazonaws.com"]})"), request).verdict ==
        PolicyVerdict::kAllowed);
  CHECK(Judge(allow(R"({"Service":"x","AWS":"123456789012"})"), request).verdict ==
        PolicyVerdict::kDenied);
}

TEST_CASE("the account's root can always mend the policy", "[policy]") {
  const char* all = R"([{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}])";
  PolicyRequest request = Ask("arn:aws:iam::123456789012:root");
  request.resource = "arn:aws:s3:::b";
  for (const char* action : {"s3:GetBucketPolicy", "s3:putbucketpolicy", "s3:DeleteBucketPolicy"}) {
    request.action = action;
    CHECK(Judge(all, request).verdict == PolicyVerdict::kAllowed);
  }
  request.action = "s3:ListBucket";
  CHECK(Judge(all, request).verdict == PolicyVerdict::kDenied);
  request = Ask("arn:aws:iam::999988887777:root");
  request.action = "s3:PutBucketPolicy";
  CHECK(Judge(all, request).verdict == PolicyVerdict::kDenied);
}

TEST_CASE("what a request always carries is not absent, only unsaid", "[policy]") {
  const auto null = [](const char* action, const char* key) {
    PolicyRequest request = Ask();
    request.action = action;
    return Holds({"Null", key, {"true"}}, request);
  };
  CHECK(null("s3:GetObject", "s3:x-amz-content-sha256") == Tri::kUnknown);
  CHECK(null("s3:PutObjectRetention", "s3:object-lock-remaining-retention-days") == Tri::kUnknown);
  CHECK(null("s3:PutObject", "s3:object-lock-remaining-retention-days") == Tri::kYes);
  CHECK(null("s3:PutObjectLegalHold", "s3:object-lock-legal-hold") == Tri::kUnknown);
  CHECK(null("s3:PutObjectAcl", "s3:x-amz-grant-read") == Tri::kUnknown);
  CHECK(null("s3:PutBucketAcl", "s3:x-amz-acl") == Tri::kUnknown);
  CHECK(null("s3:PutObject", "s3:x-amz-acl") == Tri::kYes);
  CHECK(null("s3:GetObjectVersion", "s3:VersionId") == Tri::kUnknown);
  CHECK(null("s3:GetObject", "s3:VersionId") == Tri::kYes);
}

TEST_CASE("what is done to objects, in any case", "[policy]") {
  s3::FakeClock clock;
  AskedRequest asked{*ParseCaller("*"), "123456789012", "aws", "b", "", "k", true, {}};
  for (const char* action : {"s3:GetObject", "s3:getobject", "S3:PUTOBJECT", "s3:ReplicateDelete",
                             "s3:ReplicateTags", "s3:InitiateReplication", "s3:GetObjectAcl"}) {
    asked.action = action;
    INFO(action);
    CHECK(MakePolicyRequest(asked, clock)->resource == "arn:aws:s3:::b/k");
  }
  for (const char* action : {"s3:ListBucket", "s3:GetReplicationConfiguration",
                             "s3:GetBucketObjectLockConfiguration", "s3:ListBucketVersions"}) {
    asked.action = action;
    INFO(action);
    CHECK(MakePolicyRequest(asked, clock)->resource == "arn:aws:s3:::b");
  }
  asked.action = "s3:putobject";
  CHECK(MakePolicyRequest(asked, clock)->context.count("s3:objectcreationoperation") == 1);
}

TEST_CASE("what is no policy is refused", "[policy]") {
  for (const char* text :
       {"[]", "{", "{}", R"({"Statement":[1]})", R"({"Statement":{"Action":"s3:*"}})",
        R"({"Statement":{"Effect":"allow","Action":"s3:*"}})",
        R"({"Statement":{"Effect":"Allow","Action":[["s3:*"]]}})",
        R"({"Statement":{"Effect":"Allow","Action":"s3:*","Principal":"alice"}})",
        R"({"Statement":{"Effect":"Allow","Action":"s3:*","Condition":{"Bool":"x"}}})",
        R"({"Statement":{"Effect":"Allow","Action":"s3:*","Colour":"red"}})",
        R"({"Statement":{"Effect":"Allow","Action":"s3:*","Condition":
            {"Bool":{"a":"true"},"Bool":{"b":"true"}}}})",
        R"({"Statement":[{"Effect":"Deny","Action":"s3:A","Action":"s3:B"}]})"}) {
    INFO(text);
    const auto policy = ParsePolicy(text);
    REQUIRE_FALSE(policy);
    CHECK(policy.error().code == Code::kUnsupported);
  }
  CHECK(ParsePolicy(std::string(kMaxPolicyBytes + 1, ' ')).error().code == Code::kTooLarge);
}

TEST_CASE("policies are compared by what they mean", "[policy]") {
  const auto meaning = [](const char* text) { return Meaning(*ParsePolicy(text)); };
  const char* one = R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":
      {"AWS":"123456789012"},"Action":["s3:B","s3:A"],"Resource":["r"],"Condition":
      {"Bool":{"k":false}}}})";
  CHECK(meaning(one) == meaning(R"({"Statement":[{"Resource":"r","Action":["s3:A","s3:B"],
      "Principal":{"AWS":["arn:aws:iam::123456789012:root"]},"Condition":{"Bool":{"k":["false"]}},
      "Effect":"Deny"}],"Version":"2012-10-17"})"));
  CHECK(meaning(one) != meaning(R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":
      {"AWS":"123456789012"},"Action":["s3:B"],"Resource":["r"],"Condition":
      {"Bool":{"k":false}}}})"));
  CHECK(meaning("").is_null());
}

}  // namespace coffer::fs::policy_evaluator_test
