#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::put_test {

TEST_CASE("Put: one pass for signature and checksum, and everything else that was asked") {
  StoreOptions options;
  options.storage_class = "STANDARD_IA";
  options.encryption = {"aws:kms", "1234", true};
  options.requester_pays = true;
  options.expected_bucket_owner = "111122223333";
  StoreBench bench(options);
  bench.wire.Then(Object(
      "", {{"x-amz-server-side-encryption", "aws:kms"},
           {"x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-east-1:1:key/1234"},
           {"x-amz-version-id", "v9"}}));
  NewObject object;
  object.metadata = {{"mode", "420"}, {"odd", " \xFF"}};
  object.headers.content_type = "text/plain";
  object.condition = Condition::Absent();
  const auto written = bench.store.Put("a b", AsBytes("hello"), object);
  REQUIRE(written);
  CHECK(written->etag == "e1");
  CHECK(written->version_id == "v9");
  const SeenRequest& seen = bench.Seen(0);
  CHECK(seen.url.path == "/b/a%20b");
  CHECK(seen.payload_hash == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  const Fields expected = {
      {"x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
      {"x-amz-storage-class", "STANDARD_IA"},
      {"x-amz-server-side-encryption", "aws:kms"},
      {"x-amz-server-side-encryption-aws-kms-key-id", "1234"},
      {"x-amz-server-side-encryption-bucket-key-enabled", "true"},
      {"x-amz-request-payer", "requester"},
      {"x-amz-expected-bucket-owner", "111122223333"},
      {"x-amz-meta-mode", "420"},
      {"x-amz-meta-odd", "=?UTF-8?B?IP8=?="},
      {"Content-Type", "text/plain"},
      {"If-None-Match", "*"}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(seen.headers.Get(name) == value);
  }
}

TEST_CASE("Put: what replaces a version keeps its storage class, encryption and tags") {
  ObjectInfo old;
  old.storage_class = "GLACIER_IR";
  old.sse = "aws:kms";
  old.sse_kms_key_id = "1234";
  old.version_id = "v1";
  old.tag_count = 1;
  NewObject object;
  object.replaces = &old;
  StoreBench bench;
  bench.wire.Then(
      Object("<Tagging><TagSet><Tag><Key>a b</Key><Value>c</Value></Tag></TagSet></Tagging>"));
  bench.wire.Then(Object(
      "", {{"x-amz-server-side-encryption", "aws:kms"},
           {"x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:us-east-1:1:key/1234"}}));
  REQUIRE(bench.store.Put("k", AsBytes("x"), object));
  CHECK(bench.Seen(0).operation == Operation::kGetTagging);
  const SeenRequest& seen = bench.Seen(1);
  CHECK(seen.headers.Get("x-amz-storage-class") == "GLACIER_IR");
  CHECK(seen.headers.Get("x-amz-server-side-encryption-aws-kms-key-id") == "1234");
  CHECK(seen.headers.Get("x-amz-tagging") == "a%20b=c");

  // What the store's options name comes before what was.
  StoreOptions options;
  options.storage_class = "STANDARD_IA";
  StoreBench other(options);
  old.tag_count = 0;
  old.sse.clear();
  other.wire.Then(Object(""));
  REQUIRE(other.store.Put("k", AsBytes("x"), object));
  CHECK(other.Seen(0).headers.Get("x-amz-storage-class") == "STANDARD_IA");
}

TEST_CASE("Put: encryption that was asked for and not done is a failure that says so") {
  StoreOptions options;
  options.encryption = {"AES256", "", false};
  StoreBench bench(options);
  bench.wire.Then(Object(""));
  const auto written = bench.store.Put("k", AsBytes("x"), {});
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Code::kUnsupported);
  CHECK(written.error().what.find("stored, but") != std::string::npos);

  StoreOptions with_key;
  with_key.customer_key = CustomerKey{"a2V5", "bWQ1"};
  StoreBench ssec(with_key);
  ssec.wire.Then(Object(""));
  CHECK(CodeOf(ssec.store.Put("k", AsBytes("x"), {})) == Code::kUnsupported);
  CHECK(ssec.Seen(0).headers.Get("x-amz-server-side-encryption-customer-key") == "a2V5");
}

TEST_CASE("Put: unsigned bodies carry a CRC32, on https alone") {
  StoreOptions options;
  options.unsigned_payload = true;
  StoreBench bench(options);
  bench.wire.Then(Object(""));
  REQUIRE(bench.store.Put("k", AsBytes("hello"), {}));
  CHECK(bench.Seen(0).payload_hash == "UNSIGNED-PAYLOAD");
  CHECK(bench.Seen(0).headers.Get("x-amz-checksum-crc32") == "NhCmhg==");
  Target plain = TestTarget();
  plain.https = false;
  CHECK_FALSE(CheckStoreOptions(options, plain));
}

TEST_CASE("Put: metadata over 2 KB is refused before anything is sent") {
  StoreBench bench;
  NewObject object;
  object.metadata = {{"a", std::string(2048, 'x')}};
  CHECK(CodeOf(bench.store.Put("k", {}, object)) == Code::kNoSpace);
  object.metadata = {{"Upper", "x"}};
  CHECK(CodeOf(bench.store.Put("k", {}, object)) == Code::kInvalid);
  CHECK(bench.wire.seen().empty());
}

TEST_CASE("Put: a lost condition is kExists or kChanged") {
  struct Row {
    Condition condition;
    int status;
    const char* code;
    Code expected;
  };
  const Row rows[] = {
      {Condition::Absent(), 412, "PreconditionFailed", Code::kExists},
      {Condition::Matches("e"), 412, "PreconditionFailed", Code::kChanged},
      {Condition::Matches("e"), 404, "NoSuchKey", Code::kChanged},
      {Condition::Matches("e"), 404, "NoSuchBucket", Code::kUnavailable},
      {Condition::Absent(), 403, "AccessDenied", Code::kDenied},
      {Condition::Absent(), 501, "NotImplemented", Code::kUnsupported},
      {Condition::None(), 400, "EntityTooLarge", Code::kTooLarge},
  };
  for (const Row& row : rows) {
    CAPTURE(row.status, row.code);
    StoreBench bench;
    bench.wire.Then(Reply(row.status, {}, ErrorXml(row.code)));
    NewObject object;
    object.condition = row.condition;
    CHECK(CodeOf(bench.store.Put("k", AsBytes("x"), object)) == row.expected);
    CHECK(bench.wire.seen().size() == 1);
  }
}

TEST_CASE("Put: our own write, whose reply was lost, is recognised and nobody else's") {
  for (const bool ours : {true, false}) {
    CAPTURE(ours);
    StoreBench bench;
    std::string put_id;
    bench.wire.Then([&](const Request& request) -> Result<Response> {
      put_id = request.headers.Get("x-amz-meta-coffer-put-id");
      return Error{Code::kUnavailable, "reply lost"};
    });
    bench.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed")));
    bench.wire.Then([&](const Request&) -> Result<Response> {
      return HeadReply(
          {{"x-amz-meta-coffer-put-id", ours ? put_id : "other"}, {"x-amz-version-id", "v2"}});
    });
    NewObject object;
    object.condition = Condition::Absent();
    const auto written = bench.store.Put("k", AsBytes("x"), object);
    CHECK(put_id.size() == 24);
    if (ours) {
      REQUIRE(written);
      CHECK(written->version_id == "v2");
    } else {
      CHECK(CodeOf(written) == Code::kExists);
    }
  }
}

TEST_CASE("Put: a success without an ETag, or of other bytes, is none") {
  StoreBench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}}));
  CHECK(CodeOf(bench.store.Put("k", AsBytes("x"), {})) == Code::kUnavailable);
  StoreBench other;
  other.wire.Then(Object("", {{"x-amz-checksum-sha256", "AAAA"}}));
  CHECK(CodeOf(other.store.Put("k", AsBytes("x"), {})) == Code::kUnavailable);
}

}  // namespace coffer::s3::put_test
