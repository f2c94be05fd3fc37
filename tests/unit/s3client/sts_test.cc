#include "s3client/sts.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3::sts_test {

const Credentials kUser{"AKUSER", "secret", "", {}, "", "test"};
const RoleRequest kRole{"arn:aws:iam::123456789012:role/r+1", "coffer", "ext&id", "900"};

std::string RoleXml(const std::string& action, const std::string& key = "ASIAROLE") {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>" + key +
         "</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token"
         "</SessionToken><Expiration>2026-01-02T04:04:05Z</Expiration></Credentials></" +
         action + "Result></" + action + "Response>";
}

std::string StsErrorXml(const std::string& code) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
         "</Code><Message>in words</Message></Error><RequestId>R9</RequestId></ErrorResponse>";
}

struct Fixture {
  FakeClock clock;
  ServerTime time{clock};
  FakeTransport wire;
  StsClient sts{wire, time, MakeStsAddress("eu-west-1", "", false).value()};
};

TEST_CASE("STS: where it is") {
  const auto url = [](std::string_view region, std::string_view endpoint, bool fips = false) {
    const auto address = MakeStsAddress(region, endpoint, fips);
    return address ? address->endpoint.ToString() + " " + address->region : address.error().what;
  };
  CHECK(url("eu-west-1", "") == "https://sts.eu-west-1.amazonaws.com eu-west-1");
  CHECK(url("", "") == "https://sts.amazonaws.com us-east-1");
  CHECK(url("cn-north-1", "") == "https://sts.cn-north-1.amazonaws.com.cn cn-north-1");
  CHECK(url("us-east-2", "", true) == "https://sts-fips.us-east-2.amazonaws.com us-east-2");
  CHECK(url("", "http://localhost:8000") == "http://localhost:8000 us-east-1");
  CHECK(MakeStsAddress("", "localhost:8000", false).error().code == Code::kInvalid);
}

TEST_CASE_METHOD(Fixture, "STS: AssumeRole asks as the source and reads what comes") {
  wire.Then(Reply(200, {}, RoleXml("AssumeRole")));
  const auto got = sts.AssumeRole(kRole, kUser);
  REQUIRE(got);
  CHECK(got->access_key_id == "ASIAROLE");
  CHECK(got->secret_access_key == "role-secret");
  CHECK(got->session_token == "role-token");
  CHECK(got->expires_at == clock.Now() + std::chrono::hours(1));
  const SeenRequest& seen = wire.seen().at(0);
  CHECK(seen.method == "POST");
  CHECK(seen.url.ToString() == "https://sts.eu-west-1.amazonaws.com/");
  CHECK(seen.body ==
        "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr"
        "%2B1&RoleSessionName=coffer&ExternalId=ext%26id&DurationSeconds=900");
  CHECK(seen.headers.Get("Authorization").find("AKUSER/20260102/eu-west-1/sts/aws4_request") !=
        std::string_view::npos);
}

TEST_CASE_METHOD(Fixture, "STS: a web identity needs no signature") {
  wire.Then(Reply(200, {}, RoleXml("AssumeRoleWithWebIdentity")));
  const auto got = sts.AssumeRoleWithWebIdentity({kRole.role_arn, "s", "", ""}, "to.ken");
  REQUIRE(got);
  CHECK(got->access_key_id == "ASIAROLE");
  const SeenRequest& seen = wire.seen().at(0);
  CHECK_FALSE(seen.headers.Has("Authorization"));
  CHECK(seen.body.ends_with("&RoleSessionName=s&WebIdentityToken=to.ken"));
}

TEST_CASE_METHOD(Fixture, "STS: who am I") {
  wire.Then(Reply(200, {},
                  "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u"
                  "</Arn><UserId>AIDA</UserId><Account>1</Account></GetCallerIdentityResult>"
                  "</GetCallerIdentityResponse>"));
  const auto who = sts.GetCallerIdentity(kUser);
  REQUIRE(who);
  CHECK(who->account == "1");
  CHECK(who->arn == "arn:aws:iam::1:user/u");
  CHECK(who->user_id == "AIDA");
}

TEST_CASE_METHOD(Fixture, "STS: refusals keep the service's words; the rest is no refusal") {
  struct Row {
    int status;
    std::string body;
    Code code;
  };
  const Row rows[] = {
      {403, StsErrorXml("AccessDenied"), Code::kDenied},
      {400, StsErrorXml("ValidationError"), Code::kDenied},
      {400, StsErrorXml("ExpiredTokenException"), Code::kDenied},
      {500, StsErrorXml("InternalFailure"), Code::kUnavailable},
      {502, "<html>", Code::kUnavailable},
      {404, "", Code::kUnavailable},
      {200, "", Code::kUnavailable},
      {200, RoleXml("AssumeRole").substr(0, 200), Code::kUnavailable},
      {200, RoleXml("AssumeRole", ""), Code::kUnavailable},
      {200, RoleXml("GetCallerIdentity"), Code::kUnavailable},
  };
  for (const auto& row : rows) {
    FakeTransport answers;
    answers.Then(Reply(row.status, {}, row.body));
    StsClient asked{answers, time, MakeStsAddress("eu-west-1", "", false).value()};
    const auto got = asked.AssumeRole(kRole, kUser);
    CAPTURE(row.status, row.body);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == row.code);
    CHECK(got.error().what.find("secret") == std::string::npos);
    if (row.code == Code::kDenied) {
      CHECK(got.error().what.find("in words") != std::string::npos);
      CHECK(got.error().what.find("R9") != std::string::npos);
    }
  }
}

TEST_CASE_METHOD(Fixture, "STS: a wrong clock is mended once, by the Date of the refusal") {
  wire.Then(Reply(403, {{"Date", "Fri, 02 Jan 2026 02:04:05 GMT"}},
                  StsErrorXml("SignatureDoesNotMatch")))
      .Then(Reply(200, {}, RoleXml("AssumeRole")));
  REQUIRE(sts.AssumeRole(kRole, kUser));
  REQUIRE(wire.seen().size() == 2);
  CHECK(wire.seen()[1].headers.Get("x-amz-date") == "20260102T020405Z");
  CHECK(time.offset_s() == -3600);
}

TEST_CASE_METHOD(Fixture, "STS: a refusal with the right time is not repeated") {
  wire.Then(Reply(403, {{"Date", "Fri, 02 Jan 2026 03:04:00 GMT"}}, StsErrorXml("AccessDenied")));
  REQUIRE_FALSE(sts.AssumeRole(kRole, kUser));
  CHECK(wire.seen().size() == 1);
}

}  // namespace coffer::s3::sts_test
