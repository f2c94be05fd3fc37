#include "s3client/bucket_settings.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_transport.h"

namespace coffer::s3::bucket_settings_test {

Target TestTarget() {
  Target target;
  target.name = "b";
  target.region = "us-east-1";
  target.host = "s3.test";
  target.base_path = "/b";
  return target;
}

struct Bench {
  explicit Bench(Target target = TestTarget()) : settings(wire, target, {}) {}
  FakeTransport wire;
  BucketSettings settings;
};

TEST_CASE("bucket_settings: none is an answer only with the service's own code") {
  Bench bench;
  bench.wire.Then(Reply(404, {}, "<Error><Code>NoSuchCORSConfiguration</Code></Error>"));
  const auto none = bench.settings.Cors();
  REQUIRE(none);
  CHECK(none->empty());
  for (const char* body : {"<Error><Code>NoSuchBucket</Code></Error>", "<html>gone</html>", ""}) {
    Bench other;
    other.wire.Then(Reply(404, {}, body));
    CHECK(!other.settings.Cors());
  }
}

TEST_CASE("bucket_settings: what is not known is refused, not lost") {
  for (const char* body :
       {"<CORSConfiguration><CORSRule><New/></CORSRule></CORSConfiguration>",
        "<CORSConfiguration><Other/></CORSConfiguration>", "<ListBucketResult/>",
        "<CORSConfiguration><CORSRule>", "",
        "<CORSConfiguration><CORSRule><ID>a<b/></ID></CORSRule></CORSConfiguration>",
        "<CORSConfiguration><CORSRule><MaxAgeSeconds>-1</MaxAgeSeconds></CORSRule>"
        "</CORSConfiguration>"}) {
    Bench bench;
    bench.wire.Then(Reply(200, {}, body));
    CHECK(!bench.settings.Cors());
  }
  for (const char* body :
       {"<ServerSideEncryptionConfiguration><Rule/><Rule/></ServerSideEncryptionConfiguration>",
        "<ServerSideEncryptionConfiguration><Rule><New/></Rule>"
        "</ServerSideEncryptionConfiguration>"}) {
    Bench bench;
    bench.wire.Then(Reply(200, {}, body));
    CHECK(!bench.settings.Encryption());
  }
}

TEST_CASE("bucket_settings: a document goes out whole, with its digests") {
  Bench bench;
  bench.wire.Then(Reply(200)).Then(Reply(204));
  CorsRule rule{"a&b", {"https://a"}, {"GET", "PUT"}, {"*"}, {"ETag"}, 60};
  REQUIRE(bench.settings.SetCors({rule}));
  const SeenRequest sent = bench.wire.seen().back();
  CHECK(sent.method == "PUT");
  CHECK(sent.body ==
        "<CORSConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><CORSRule>"
        "<ID>a&amp;b</ID><AllowedHeader>*</AllowedHeader><AllowedMethod>GET</AllowedMethod>"
        "<AllowedMethod>PUT</AllowedMethod><AllowedOrigin>https://a</AllowedOrigin>"
        "<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>60</MaxAgeSeconds></CORSRule>"
        "</CORSConfiguration>");
  CHECK(!sent.headers.Get("Content-MD5").empty());
  CHECK(!sent.headers.Get("x-amz-checksum-sha256").empty());
  REQUIRE(bench.settings.SetCors({}));
  CHECK(bench.wire.seen().back().method == "DELETE");
}

TEST_CASE("bucket_settings: what blocks kinds of encryption is read and written again") {
  Bench bench;
  bench.wire.Then(Reply(
      200, {},
      "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault>"
      "<SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault>"
      "<BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>"
      "</Rule></ServerSideEncryptionConfiguration>"));
  bench.wire.Then(Reply(200));
  const auto found = bench.settings.Encryption();
  REQUIRE(found);
  CHECK(found->blocked == std::vector<std::string>{"SSE-C"});
  REQUIRE(bench.settings.SetEncryption(*found));
  CHECK(bench.wire.seen().back().body.find("<EncryptionType>SSE-C</EncryptionType>") !=
        std::string::npos);
}

TEST_CASE("bucket_settings: what an access log has beside its target is named") {
  Bench bench;
  bench.wire.Then(
      Reply(200, {},
            "<BucketLoggingStatus><LoggingEnabled><TargetBucket>l</TargetBucket><TargetPrefix>p</"
            "TargetPrefix>"
            "<TargetGrants><Grant/></TargetGrants><TargetObjectKeyFormat><PartitionedPrefix>"
            "<PartitionDateSource>EventTime</PartitionDateSource><Later/></PartitionedPrefix>"
            "</TargetObjectKeyFormat></LoggingEnabled><New/></BucketLoggingStatus>"));
  const auto log = bench.settings.Logging();
  REQUIRE(log);
  CHECK(log->partition_by == "EventTime");
  CHECK(log->others == std::vector<std::string>{"New", "TargetGrants", "Later"});
}

TEST_CASE("bucket_settings: an access point is asked for CORS alone, and changes nothing") {
  Target door = TestTarget();
  door.capabilities.bucket_queries = false;
  Bench bench(door);
  CHECK(bench.settings.Encryption().error().code == Code::kUnsupported);
  CHECK(bench.settings.SetCors({}).error().code == Code::kUnsupported);
  CHECK(bench.wire.seen().empty());
  bench.wire.Then(Reply(200, {}, "<CORSConfiguration/>"));
  CHECK(bench.settings.Cors());
}

}  // namespace coffer::s3::bucket_settings_test
