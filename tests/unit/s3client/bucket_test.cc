#include "s3client/bucket.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_transport.h"

namespace coffer::s3::bucket_test {

Target TestTarget() {
  Target target;
  target.name = "b";
  target.region = "us-east-1";
  target.host = "s3.test";
  target.base_path = "/b";
  return target;
}

struct Bench {
  explicit Bench(Target target = TestTarget()) : bucket(wire, target, {}) {}
  FakeTransport wire;
  Bucket bucket;
};

const char* const kVersioning =
    "<VersioningConfiguration xmlns=\"x\"><Status>Enabled</Status></VersioningConfiguration>";
const char* const kLock =
    "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>"
    "<DefaultRetention><Mode>GOVERNANCE</Mode><Days>30</Days></DefaultRetention></Rule>"
    "</ObjectLockConfiguration>";

TEST_CASE("bucket: facts as the bucket tells them") {
  Bench bench;
  bench.wire.Then(Reply(200, {{"x-amz-bucket-region", "us-east-1"}}));
  bench.wire.Then(Reply(200, {}, kLock));
  const auto facts = bench.bucket.Facts();
  REQUIRE(facts);
  CHECK(facts->region == "us-east-1");
  CHECK(facts->versioned == Tri::kYes);  // as every bucket with Object Lock: not asked
  CHECK(bench.wire.seen().size() == 2);
  CHECK(facts->object_lock == Tri::kYes);
  CHECK(facts->lock.default_mode == "GOVERNANCE");
  CHECK(facts->lock.default_days == 30);
}

TEST_CASE("bucket: uploads that were not ended") {
  const std::string uploads =
      "<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<Upload><Key>p/b</Key><UploadId>2</UploadId><Initiated>2026-01-03T00:00:00Z</Initiated>"
      "</Upload><Upload><Key>p/a+b%0A</Key><UploadId>1</UploadId>"
      "<Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload></ListMultipartUploadsResult>";
  Bench bench;
  bench.wire.Then(Reply(200, {}, uploads));
  const auto found = bench.bucket.Uploads("p/");
  REQUIRE(found);
  CHECK(bench.wire.seen().at(0).Query("prefix") == "p/");
  CHECK(found->count == 2);
  CHECK(found->more);
  CHECK(found->oldest_key == "p/a b\n");
  CHECK(found->oldest_s == 1767323045);
  Bench none;
  none.wire.Then(Reply(200, {}, "<ListMultipartUploadsResult/>"));
  CHECK(none.bucket.Uploads("").value().count == 0);
  Bench listing;  // a server that takes no notice of the question
  listing.wire.Then(Reply(200, {}, "<ListBucketResult/>"));
  CHECK(listing.bucket.Uploads("").error().code == Code::kUnsupported);
  Bench denied;
  denied.wire.Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(denied.bucket.Uploads("").error().code == Code::kDenied);
}

TEST_CASE("bucket: never versioned, suspended, no lock") {
  Bench bench;
  bench.wire.Then(Reply(200));
  bench.wire.Then(Reply(404, {}, ErrorXml("ObjectLockConfigurationNotFoundError")));
  bench.wire.Then(Reply(200, {}, "<VersioningConfiguration/>"));
  const auto facts = bench.bucket.Facts();
  REQUIRE(facts);
  CHECK(facts->versioned == Tri::kNo);
  CHECK_FALSE(facts->versioning_suspended);
  CHECK(facts->object_lock == Tri::kNo);
  Bench suspended;
  suspended.wire.Then(Reply(200, {},
                            "<VersioningConfiguration><Status>Suspended</Status>"
                            "</VersioningConfiguration>"));
  CHECK(suspended.bucket.Versioning().value() == "Suspended");
  Bench enabled;
  enabled.wire.Then(Reply(200, {}, kVersioning));
  CHECK(enabled.bucket.Versioning().value() == "Enabled");
}

TEST_CASE("bucket: a server that answers another question, or forbids this one, says nothing") {
  const Response replies[] = {Reply(200, {}, "<ListBucketResult/>"), Reply(200, {}, "data"),
                              Reply(403, {}, ErrorXml("AccessDenied")), Reply(405), Reply(500)};
  for (const Response& reply : replies) {
    CAPTURE(reply.status, AsText(reply.body));
    Bench bench;
    bench.wire.Then(Reply(200)).Then(reply).Then(reply);
    const auto facts = bench.bucket.Facts();
    REQUIRE(facts);
    CHECK(facts->versioned == Tri::kUnknown);
    CHECK_FALSE(facts->versioned_unknown_why.empty());
    CHECK(facts->object_lock == Tri::kUnknown);
    CHECK_FALSE(facts->object_lock_unknown_why.empty());
  }
}

TEST_CASE("bucket: why it cannot be used") {
  const auto failure = [](Response head, Response list) {
    Bench bench;
    bench.wire.Then(std::move(head)).Then(std::move(list));
    const auto region = bench.bucket.Check();
    REQUIRE_FALSE(region);
    return region.error();
  };
  CHECK(failure(Reply(404), Reply(404, {}, ErrorXml("NoSuchBucket"))).code == Code::kUnavailable);
  CHECK(failure(Reply(404), Reply(404, {}, ErrorXml("NoSuchBucket"))).what.find("no such bucket") !=
        std::string::npos);
  CHECK(failure(Reply(403), Reply(403, {}, ErrorXml("AccessDenied"))).code == Code::kDenied);
  const Error elsewhere = failure(Reply(301, {{"x-amz-bucket-region", "eu-west-1"}}), Reply(500));
  CHECK(elsewhere.code == Code::kInvalid);
  CHECK(elsewhere.what.find("--region eu-west-1") != std::string::npos);
  const Error by_body =
      failure(Reply(400), Reply(400, {},
                                "<Error><Code>AuthorizationHeaderMalformed</Code><Region>"
                                "eu-west-1</Region></Error>"));
  CHECK(by_body.what.find("--region eu-west-1") != std::string::npos);
  // The listing is what counts: HEAD may be forbidden where reading is not.
  Bench usable;
  usable.wire.Then(Reply(403)).Then(Reply(200, {}, "<ListBucketResult/>"));
  CHECK(usable.bucket.Check());
}

TEST_CASE("bucket: through an access point, locks are told by an object") {
  Target target = TestTarget();
  target.arn = "arn:aws:s3:us-east-1:123456789012:accesspoint/ap";
  target.capabilities.bucket_queries = false;
  Bench bench(target);
  CHECK_FALSE(bench.bucket.Versioning());
  CHECK(bench.wire.seen().empty());

  struct Row {
    int status;
    std::string body;
    int expected;  // 1 yes, 0 no, -1 unknown
  };
  const Row rows[] = {
      {200, "<Retention><Mode>COMPLIANCE</Mode></Retention>", 1},
      {404, ErrorXml("NoSuchObjectLockConfiguration"), 1},
      {404, ErrorXml("ObjectLockConfigurationNotFoundError"), 1},
      {400, ErrorXml("NoSuchObjectLockConfiguration"), 1},
      {400, ErrorXml("InvalidRequest"), 0},
      {403, ErrorXml("AccessDenied"), -1},
      {404, ErrorXml("NoSuchKey"), -1},
      {200, "the object's own bytes", -1},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status, row.body);
    Bench one(target);
    one.wire.Then(Reply(row.status, {}, row.body));
    const auto visible = one.bucket.RetentionVisible("k");
    CHECK(visible.has_value() == (row.expected >= 0));
    if (visible) CHECK(*visible == (row.expected == 1));
    CHECK(one.wire.seen()[0].Query("retention").empty());
    CHECK(one.wire.seen()[0].url.path == "/b/k");
  }
}

TEST_CASE("bucket: the Region, asked without credentials") {
  FakeTransport wire;
  wire.Then(Reply(403, {{"x-amz-bucket-region", "ap-south-1"}}));
  CHECK(DiscoverRegion(wire, TestTarget()).value() == "ap-south-1");
  FakeTransport silent;
  silent.Then(Reply(200));
  CHECK_FALSE(DiscoverRegion(silent, TestTarget()));
}

}  // namespace coffer::s3::bucket_test
