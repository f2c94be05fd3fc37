#include "s3client/s3_control.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_transport.h"

namespace coffer::s3::s3_control_test {

ControlAddress Address(const std::string& url = "", const std::string& region = "us-west-2") {
  return *MakeControlAddress({"123456789012", region, url, false, false});
}

struct Bench {
  FakeTransport wire;
  S3Control control{wire, Address()};
};

std::string Point(const std::string& more = "<NetworkOrigin>Internet</NetworkOrigin>") {
  return "<Name>ap</Name><Bucket>b</Bucket><Alias>ap-x-s3alias</Alias>" + more;
}

TEST_CASE("s3 control: hosts", "[s3_control]") {
  CHECK(Address().endpoint.host == "123456789012.s3-control.us-west-2.amazonaws.com");
  CHECK(Address("", "cn-north-1").endpoint.host ==
        "123456789012.s3-control.cn-north-1.amazonaws.com.cn");
  CHECK(Address("", "cn-north-1").partition == "aws-cn");
  CHECK(MakeControlAddress({"1", "us-west-2", "", true, true})->endpoint.host ==
        "1.s3-control-fips.dualstack.us-west-2.amazonaws.com");
  CHECK(Address("https://control.vpce-1.s3.us-west-2.vpce.amazonaws.com").endpoint.host ==
        "123456789012.control.vpce-1.s3.us-west-2.vpce.amazonaws.com");
  CHECK(Address("http://127.0.0.1:9000").endpoint.host == "127.0.0.1");
  for (const ControlOptions& wrong :
       {ControlOptions{"1", "", "", false, false}, ControlOptions{"1", "r", "host", false, false},
        ControlOptions{"1", "us-west-2", "http://h", true, false}}) {
    CHECK(MakeControlAddress(wrong).error().code == Code::kInvalid);
  }
}

TEST_CASE("s3 control: what is sent", "[s3_control]") {
  Bench bench;
  bench.wire.Then(Reply(200, {}, "<CreateAccessPointResult/>"));
  AccessPoint wanted;
  wanted.name = "ap";
  wanted.bucket = "b";
  wanted.vpc = "vpc-1";
  wanted.block = PublicAccessBlock{true, false, true, true};
  REQUIRE(bench.control.Create(wanted));
  const SeenRequest& seen = bench.wire.seen().front();
  CHECK(seen.method == "PUT");
  CHECK(seen.url.path == "/v20180820/accesspoint/ap");
  CHECK(seen.headers.Get("x-amz-account-id") == "123456789012");
  CHECK(seen.body.find("<Bucket>b</Bucket><VpcConfiguration><VpcId>vpc-1</VpcId>") !=
        std::string::npos);
  CHECK(seen.body.find("<IgnorePublicAcls>false</IgnorePublicAcls>") != std::string::npos);

  Bench other;
  other.wire.Then(Reply(200));
  REQUIRE(other.control.SetPolicy("ap", R"({"a":"<&>"})"));
  CHECK(other.wire.seen().back().url.path == "/v20180820/accesspoint/ap/policy");
  CHECK(other.wire.seen().back().body.find("&lt;&amp;") != std::string::npos);
  REQUIRE(other.control.SetPolicy("ap", ""));
  CHECK(other.wire.seen().back().method == "DELETE");
  CHECK(other.wire.seen().back().body.empty());
}

TEST_CASE("s3 control: none is an answer only with the service's own code", "[s3_control]") {
  const auto wrapped = [](const char* code) {
    return "<ErrorResponse><Error><Code>" + std::string(code) + "</Code></Error></ErrorResponse>";
  };
  Bench bench;
  bench.wire.Then(Reply(404, {}, wrapped("NoSuchAccessPoint")));
  const auto none = bench.control.Find("ap");
  REQUIRE(none);
  CHECK_FALSE(*none);
  Bench policy;
  policy.wire.Then(Reply(404, {}, wrapped("NoSuchAccessPointPolicy")));
  CHECK(policy.control.Policy("ap").value().empty());
  CHECK_FALSE(policy.control.IsPublic("ap").value());
  for (const std::string& body : {wrapped("NoSuchBucket"), std::string("<html>gone</html>")}) {
    Bench other;
    other.wire.Then(Reply(404, {}, body));
    CHECK_FALSE(other.control.Find("ap"));
    CHECK_FALSE(other.control.Policy("ap"));
    CHECK_FALSE(other.control.List(""));
  }
}

TEST_CASE("s3 control: a refusal names what was asked", "[s3_control]") {
  Bench bench;
  bench.wire.Then(Reply(403, {}, ErrorXml("AccessDenied")));
  const auto refused = bench.control.Policy("ap");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kDenied);
  CHECK(refused.error().what.find(
            "(s3:GetAccessPointPolicy): GetAccessPointPolicy: AccessDenied") != std::string::npos);
  Bench missing;
  missing.wire.Then(Reply(501, {}, ErrorXml("NotImplemented")));
  CHECK(missing.control.Find("ap").error().code == Code::kUnsupported);
  CHECK(missing.control.List("b").error().code == Code::kUnsupported);
}

TEST_CASE("s3 control: an answer that is not one", "[s3_control]") {
  for (const std::string& body :
       {std::string(), std::string("<a/>"), std::string("<GetAccessPointResult/>"),
        "<GetAccessPointResult>" + Point("") + "</GetAccessPointResult>",
        "<GetAccessPointResult>" + Point("<NetworkOrigin>VPC</NetworkOrigin>") +
            "</GetAccessPointResult>",
        "<GetAccessPointResult>" + Point(),
        "<GetAccessPointResult>" +
            Point("<NetworkOrigin>Internet</NetworkOrigin><PublicAccessBlockConfiguration/>") +
            "</GetAccessPointResult>"}) {
    INFO(body);
    Bench bench;
    bench.wire.Then(Reply(200, {}, body));
    CHECK_FALSE(bench.control.Find("ap"));
  }
}

TEST_CASE("s3 control: the other name of an answer, which some servers use", "[s3_control]") {
  Bench bench;
  bench.wire
      .Then(Reply(200, {}, "<GetAccessPointResponse>" + Point() + "</GetAccessPointResponse>"))
      .Then(Reply(200, {}, "<ListAccessPointsResponse/>"));
  const auto found = bench.control.Find("ap");
  REQUIRE(found);
  CHECK((*found)->name == "ap");
  CHECK(bench.control.Find("ap").error().code == Code::kUnsupported);
}

TEST_CASE("s3 control: a listing has an end", "[s3_control]") {
  const auto page = [](const char* token) {
    return Reply(200, {},
                 "<ListAccessPointsResult><AccessPointList><AccessPoint>" + Point() +
                     "</AccessPoint></AccessPointList><NextToken>" + std::string(token) +
                     "</NextToken></ListAccessPointsResult>");
  };
  Bench bench;
  bench.wire.Then(page("more")).Then(page(""));
  const auto points = bench.control.List("b");
  REQUIRE(points);
  CHECK(points->size() == 2);
  CHECK(points->front().arn == "arn:aws:s3:us-west-2:123456789012:accesspoint/ap");
  CHECK_FALSE(points->front().block);
  CHECK(bench.wire.seen()[1].Query("nextToken") == "more");
  Bench endless;
  endless.wire.Then(page("again"));
  CHECK(endless.control.List("").error().code == Code::kUnavailable);
}

}  // namespace coffer::s3::s3_control_test
