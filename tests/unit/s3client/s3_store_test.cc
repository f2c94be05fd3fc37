#include "s3client/s3_store.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "s3client/retrying_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3 {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kDate = "Fri, 02 Jan 2026 03:04:05 GMT";

Target TestTarget() {
  Target target;
  target.name = "b";
  target.region = "us-east-1";
  target.host = "s3.test";
  target.base_path = "/b";
  return target;
}

// S3Store on retries on written-down replies.
struct Bench {
  explicit Bench(StoreOptions options = {}, Target target = TestTarget())
      : retrying(wire, Patience(), {clock, time, observer}), store(retrying, target, options) {}
  static RetryOptions Patience() {
    RetryOptions options;
    options.deadline = std::chrono::seconds(5);
    options.seed = 1;
    return options;
  }
  const SeenRequest& Seen(std::size_t i) const { return wire.seen().at(i); }

  FakeTransport wire;
  FakeClock clock;
  ServerTime time{clock};
  SilentObserver observer;
  RetryingTransport retrying;
  S3Store store;
};

Response Object(std::string_view body, Fields more = {}, int status = 200) {
  Fields fields = {{"ETag", "\"e1\""},
                   {"Date", kDate},
                   {"Last-Modified", kDate},
                   {"Content-Length", std::to_string(body.size())}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Reply(status, fields, body);
}

Response HeadReply(Fields more = {}) { return Object("", std::move(more)); }

Response Listing(const std::string& inside, const std::string& more = "") {
  return Reply(200, {{"Date", kDate}},
               "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"x\"><EncodingType>url"
               "</EncodingType><IsTruncated>false</IsTruncated>" +
                   more + inside + "</ListBucketResult>");
}

std::string Listed(const std::string& key) {
  return "<Contents><Key>" + key +
         "</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified>"
         "<ETag>&quot;e1&quot;</ETag><Size>7</Size><StorageClass>STANDARD</StorageClass></"
         "Contents>";
}

template <typename T>
Code CodeOf(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

TEST_CASE("Head: everything an object says of itself") {
  Bench bench;
  bench.wire.Then(Reply(200, {{"ETag", "\"abc-2\""},
                              {"Date", kDate},
                              {"Last-Modified", "Thu, 01 Jan 1970 00:00:09 GMT"},
                              {"Content-Length", "9223372036854775807"},
                              {"x-amz-version-id", "v1"},
                              {"x-amz-storage-class", "GLACIER"},
                              {"X-Amz-Meta-Mode", "33188"},
                              {"x-amz-meta-name", "=?UTF-8?B?aMOp?="},
                              {"x-amz-meta-coffer-put-id", "p"},
                              {"Content-Type", "text/plain"},
                              {"Content-Encoding", "aws-chunked, gzip"},
                              {"x-amz-object-lock-mode", "COMPLIANCE"},
                              {"x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00.000Z"},
                              {"x-amz-object-lock-legal-hold", "ON"},
                              {"x-amz-tagging-count", "3"}}));
  const auto info = bench.store.Head("k", {});
  REQUIRE(info);
  CHECK(info->etag == "abc-2");
  CHECK(info->size == 9223372036854775807u);
  CHECK(info->last_modified_s == 9);
  CHECK(info->version_id == "v1");
  CHECK(info->archived);
  CHECK(info->metadata == Metadata{{"mode", "33188"}, {"name", "h\xC3\xA9"}});
  CHECK(info->headers.content_encoding == "gzip");
  CHECK(info->lock.mode == "COMPLIANCE");
  CHECK(info->lock.retain_until_s == 1893456000);
  CHECK(info->lock.legal_hold);
  CHECK(info->tag_count == 3);
  CHECK(info->server_date_s == FakeClock::kStart_s);
}

TEST_CASE("Head: hostile or broken headers are an error, never an object") {
  for (const char* length : {"9223372036854775808", "-1", "x", "", "1 2"}) {
    CAPTURE(length);
    Bench bench;
    bench.wire.Then(Reply(200, {{"ETag", "e"}, {"Date", kDate}, {"Content-Length", length}}));
    CHECK(CodeOf(bench.store.Head("k", {})) == Code::kUnavailable);
  }
  Bench no_etag;
  no_etag.wire.Then(Reply(200, {{"Date", kDate}, {"Content-Length", "1"}}));
  CHECK(CodeOf(no_etag.store.Head("k", {})) == Code::kUnavailable);
  Bench no_date;
  no_date.wire.Then(Reply(200, {{"ETag", "e"}, {"Content-Length", "1"}}));
  CHECK(CodeOf(no_date.store.Head("k", {})) == Code::kUnavailable);
  Bench locked;  // a lock whose end cannot be read never ends
  locked.wire.Then(HeadReply(
      {{"x-amz-object-lock-mode", "GOVERNANCE"}, {"x-amz-object-lock-retain-until-date", "soon"}}));
  CHECK(locked.store.Head("k", {}).value().lock.retain_until_s > 4'000'000'000);
}

TEST_CASE("Head: a 404 is an absence only once a listing lacks the key") {
  Bench bench;
  bench.wire.Then(Reply(404)).Then(Listing(Listed("k%2Fother")));
  CHECK(CodeOf(bench.store.Head("k", {})) == Code::kNotFound);
  CHECK(bench.Seen(1).Query("prefix") == "k");

  Bench foreign;
  foreign.wire.Then(Reply(404)).Then(Reply(404, {}, ErrorXml("NoSuchBucket")));
  CHECK(CodeOf(foreign.store.Head("k", {})) == Code::kUnavailable);
  Bench proxy;
  proxy.wire.Then(Reply(404)).Then(Reply(200, {}, "<html></html>"));
  CHECK(CodeOf(proxy.store.Head("k", {})) == Code::kUnavailable);
  Bench denied;
  denied.wire.Then(Reply(404)).Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(CodeOf(denied.store.Head("k", {})) == Code::kDenied);
  Bench contradiction;
  contradiction.wire.Then(Reply(404)).Then(Listing(Listed("k"))).Then(Reply(404));
  CHECK(CodeOf(contradiction.store.Head("k", {})) == Code::kUnavailable);
  Bench race;
  race.wire.Then(Reply(404)).Then(Listing(Listed("k"))).Then(HeadReply());
  CHECK(race.store.Head("k", {}));

  Bench raw;
  raw.wire.Then(Reply(404));
  ReadCondition unconfirmed;
  unconfirmed.confirm_absence = false;
  CHECK(CodeOf(raw.store.Head("k", unconfirmed)) == Code::kNotFound);
  CHECK(raw.wire.seen().size() == 1);
}

TEST_CASE("Get: exactly the range, or an error") {
  Bench bench;
  bench.wire.Then(Object("world", {{"Content-Range", "bytes 6-10/11"}}, 206));
  const auto got = bench.store.Get("k", {6, 100}, {"e1", "v"});
  REQUIRE(got);
  CHECK(AsText(got->body) == "world");
  CHECK(got->info.size == 11);
  CHECK(bench.Seen(0).headers.Get("Range") == "bytes=6-105");
  CHECK(bench.Seen(0).headers.Get("If-Match") == "\"e1\"");
  CHECK(bench.Seen(0).Query("versionId") == "v");

  const Response wrong[] = {
      Object("world", {{"Content-Range", "bytes 5-9/11"}}, 206),
      Object("worl", {{"Content-Range", "bytes 6-10/11"}}, 206),
      Object("worl", {{"Content-Range", "bytes 6-9/11"}}, 206),
      Object("world", {}, 206),
      Object("world", {{"Content-Range", "bytes 6-10/*"}}, 206),
      Object("world", {{"Content-Range", "bytes 10-6/11"}}, 206),
      Object("hello world"),
      Reply(206, {{"Content-Range", "bytes 6-10/11"}, {"Date", kDate}}, "world"),
      Reply(204),
  };
  for (const Response& reply : wrong) {
    CAPTURE(AsText(reply.body), reply.headers.Get("Content-Range"));
    Bench once;  // a fault on the way is asked for again
    once.wire.Then(reply).Then(Object("world", {{"Content-Range", "bytes 6-10/11"}}, 206));
    const auto second = once.store.Get("k", {6, 100}, {});
    REQUIRE(second);
    CHECK(AsText(second->body) == "world");
    Bench always;
    always.wire.Then(reply);
    CHECK(CodeOf(always.store.Get("k", {6, 100}, {})) == Code::kUnavailable);
  }
}

TEST_CASE("Get: a server that ignores ranges, empty objects, the end, other versions") {
  Bench whole;
  whole.wire.Then(Object("hello"));
  CHECK(AsText(whole.store.Get("k", {0, 10}, {}).value().body) == "hello");

  Bench empty;
  empty.wire.Then(Reply(416, {}, ErrorXml("InvalidRange"))).Then(HeadReply());
  const auto nothing = empty.store.Get("k", {0, 10}, {});
  REQUIRE(nothing);
  CHECK(nothing->body.empty());
  CHECK(nothing->info.size == 0);
  CHECK(nothing->info.etag == "e1");

  Bench other;
  other.wire.Then(Object("hello"));
  CHECK(CodeOf(other.store.Get("k", {0, 10}, {"e2", ""})) == Code::kChanged);
  Bench refused;
  refused.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed")));
  CHECK(CodeOf(refused.store.Get("k", {0, 10}, {"e2", ""})) == Code::kChanged);
  Bench gone;
  gone.wire.Then(Reply(404, {}, ErrorXml("NoSuchKey")));
  CHECK(CodeOf(gone.store.Get("k", {0, 10}, {})) == Code::kNotFound);
  Bench proxy;
  proxy.wire.Then(Reply(404, {}, "<html>not here</html>"));
  CHECK(CodeOf(proxy.store.Get("k", {0, 10}, {})) == Code::kUnavailable);
}

TEST_CASE("Put: one pass for signature and checksum, and everything else that was asked") {
  StoreOptions options;
  options.storage_class = "STANDARD_IA";
  options.encryption = {"aws:kms", "1234", true};
  options.requester_pays = true;
  options.expected_bucket_owner = "111122223333";
  Bench bench(options);
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

TEST_CASE("Put: encryption that was asked for and not done is a failure that says so") {
  StoreOptions options;
  options.encryption = {"AES256", "", false};
  Bench bench(options);
  bench.wire.Then(Object(""));
  const auto written = bench.store.Put("k", AsBytes("x"), {});
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Code::kUnsupported);
  CHECK(written.error().what.find("stored, but") != std::string::npos);

  StoreOptions with_key;
  with_key.customer_key = CustomerKey{"a2V5", "bWQ1"};
  Bench ssec(with_key);
  ssec.wire.Then(Object(""));
  CHECK(CodeOf(ssec.store.Put("k", AsBytes("x"), {})) == Code::kUnsupported);
  CHECK(ssec.Seen(0).headers.Get("x-amz-server-side-encryption-customer-key") == "a2V5");
}

TEST_CASE("Put: unsigned bodies carry a CRC32, on https alone") {
  StoreOptions options;
  options.unsigned_payload = true;
  Bench bench(options);
  bench.wire.Then(Object(""));
  REQUIRE(bench.store.Put("k", AsBytes("hello"), {}));
  CHECK(bench.Seen(0).payload_hash == "UNSIGNED-PAYLOAD");
  CHECK(bench.Seen(0).headers.Get("x-amz-checksum-crc32") == "NhCmhg==");
  Target plain = TestTarget();
  plain.https = false;
  CHECK_FALSE(CheckStoreOptions(options, plain));
}

TEST_CASE("Put: metadata over 2 KB is refused before anything is sent") {
  Bench bench;
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
    Bench bench;
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
    Bench bench;
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
  Bench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}}));
  CHECK(CodeOf(bench.store.Put("k", AsBytes("x"), {})) == Code::kUnavailable);
  Bench other;
  other.wire.Then(Object("", {{"x-amz-checksum-sha256", "AAAA"}}));
  CHECK(CodeOf(other.store.Put("k", AsBytes("x"), {})) == Code::kUnavailable);
}

TEST_CASE("Delete: gone is gone, and only the service can say so") {
  struct Row {
    int status;
    const char* code;
    bool ok;
  };
  for (const Row& row : {Row{204, "", true}, Row{200, "", true}, Row{404, "NoSuchKey", true},
                         Row{404, "NoSuchBucket", false}, Row{404, "", false},
                         Row{403, "AccessDenied", false}, Row{500, "", false}}) {
    CAPTURE(row.status, row.code);
    Bench bench;
    bench.wire.Then(Reply(row.status, {}, *row.code ? ErrorXml(row.code) : ""));
    CHECK(bench.store.Delete("k", {}).has_value() == row.ok);
  }
  Bench changed;
  changed.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed")));
  CHECK(CodeOf(changed.store.Delete("k", Condition::Matches("e"))) == Code::kChanged);
}

TEST_CASE("DeleteMany: what the reply says of each key, and nothing it does not say") {
  Bench bench;
  bench.wire.Then(
      Reply(200, {},
            "<DeleteResult xmlns=\"x\"><Deleted><Key>a&amp;b</Key></Deleted><Error><Key>c"
            "</Key><Code>AccessDenied</Code></Error><Error><Key>d</Key><Code>NoSuchKey"
            "</Code></Error></DeleteResult>"));
  const std::vector<KeyToDelete> keys = {{"a&b", ""}, {"c", "e"}, {"d", ""}, {"silent", ""}};
  const auto failed = bench.store.DeleteMany(keys);
  REQUIRE(failed);
  REQUIRE(failed->size() == 2);
  CHECK((*failed)[0].key == "c");
  CHECK((*failed)[0].error.code == Code::kDenied);
  CHECK((*failed)[1].key == "silent");
  CHECK((*failed)[1].error.code == Code::kUnavailable);
  const SeenRequest& seen = bench.Seen(0);
  CHECK(seen.method == "POST");
  CHECK_FALSE(seen.headers.Get("Content-MD5").empty());
  CHECK(seen.body.find("<Key>a&amp;b</Key>") != std::string::npos);
  CHECK(seen.body.find("<Key>c</Key><ETag>\"e\"</ETag>") != std::string::npos);
}

TEST_CASE("DeleteMany: keys that XML could turn into others go alone") {
  Bench bench;
  bench.wire.Then(Reply(204));
  std::vector<KeyToDelete> keys;
  for (const char* key : {"a\r", "\n", "a\x01", " a", "a ", "\xFF", "\xEF\xBF\xBF"}) {
    keys.push_back({key, ""});
  }
  const auto failed = bench.store.DeleteMany(keys);
  REQUIRE(failed);
  CHECK(failed->empty());
  CHECK(bench.wire.seen().size() == keys.size());
  for (const auto& seen : bench.wire.seen()) CHECK(seen.method == "DELETE");
}

TEST_CASE("DeleteMany: an error in a success, or half a reply, deletes nothing we know of") {
  for (const std::string& body : {ErrorXml("InternalError"), std::string("<DeleteResult><Deleted>"),
                                  std::string("<Other/>")}) {
    CAPTURE(body);
    Bench bench;
    bench.wire.Then(Reply(200, {}, body));
    const std::vector<KeyToDelete> keys = {{"a", ""}};
    const auto failed = bench.store.DeleteMany(keys);
    REQUIRE(failed);
    CHECK(failed->size() == 1);
  }
}

TEST_CASE("List: keys of every kind come through, pages go forward") {
  Bench bench;
  bench.wire.Then(Listing(
      Listed("p/%20+%2B%01%0D%25") + "<CommonPrefixes><Prefix>p/d%C3%A9/</Prefix></CommonPrefixes>",
      ""));
  const auto page = bench.store.List({.prefix = "p/"});
  REQUIRE(page);
  REQUIRE(page->objects.size() == 1);
  CHECK(page->objects[0].key == "p/  +\x01\r%");
  CHECK(page->objects[0].etag == "e1");
  CHECK(page->objects[0].size == 7);
  CHECK(page->objects[0].last_modified_s == FakeClock::kStart_s);
  CHECK(page->prefixes == std::vector<std::string>{"p/d\xC3\xA9/"});
  CHECK(bench.Seen(0).Query("encoding-type") == "url");
  CHECK(bench.Seen(0).Query("delimiter") == "/");
}

TEST_CASE("List: what is not a listing of what was asked is an error") {
  const std::string begin = "<ListBucketResult><EncodingType>url</EncodingType>";
  for (const std::string& body : {
           std::string("<Other/>"),
           begin + "</ListBucketResult>",
           begin + "<IsTruncated>maybe</IsTruncated></ListBucketResult>",
           begin + "<IsTruncated>true</IsTruncated></ListBucketResult>",
           begin + "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
                   "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("q/x") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("p/%zz") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated>" + Listed("") + "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTruncated><Contents><Key>p/a</Key></Contents>"
                   "</ListBucketResult>",
           begin + "<IsTruncated>false</IsTrunc",
       }) {
    CAPTURE(body);
    Bench bench;
    bench.wire.Then(Reply(200, {{"Date", kDate}}, body));
    CHECK(CodeOf(bench.store.List({.prefix = "p/", .token = "t"})) == Code::kUnavailable);
  }
}

TEST_CASE("ListVersions: versions and markers in order") {
  Bench bench;
  bench.wire.Then(Reply(
      200, {{"Date", kDate}},
      "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextKeyMarker>k%2B</NextKeyMarker><NextVersionIdMarker>v</NextVersionIdMarker>"
      "<DeleteMarker><Key>k</Key><VersionId>m</VersionId><IsLatest>true</IsLatest><LastModified>"
      "2026-01-02T03:04:05Z</LastModified></DeleteMarker><Version><Key>k</Key><VersionId>v1"
      "</VersionId><IsLatest>false</IsLatest><LastModified>2026-01-02T03:04:05Z</LastModified>"
      "<ETag>\"e\"</ETag><Size>1</Size></Version></ListVersionsResult>"));
  const auto page = bench.store.ListVersions("k", "", "");
  REQUIRE(page);
  REQUIRE(page->versions.size() == 2);
  CHECK(page->versions[0].delete_marker);
  CHECK(page->versions[0].latest);
  CHECK(page->versions[1].etag == "e");
  CHECK(page->next_key_marker == "k+");
}

const char* const kCopied = "<CopyObjectResult><ETag>\"e2\"</ETag></CopyObjectResult>";

TEST_CASE("Copy: conditions, replaced metadata, and whose condition failed") {
  Bench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}}, kCopied));
  CopyRequest request{.from = "a b", .to = "c", .source_etag = "e1", .source_version_id = "v+1"};
  request.target.condition = Condition::Absent();
  request.target.metadata = {{"m", "1"}};
  const auto written = bench.store.Copy(request);
  REQUIRE(written);
  CHECK(written->etag == "e2");
  const Headers& headers = bench.Seen(0).headers;
  CHECK(headers.Get("x-amz-copy-source") == "b/a%20b?versionId=v%2B1");
  CHECK(headers.Get("x-amz-copy-source-if-match") == "\"e1\"");
  CHECK(headers.Get("x-amz-metadata-directive") == "REPLACE");
  CHECK(headers.Get("If-None-Match") == "*");
  CHECK(headers.Get("x-amz-meta-m") == "1");

  const auto failure = [&](const std::string& condition, Condition target) {
    Bench refused;
    refused.wire.Then(Reply(
        412, {},
        "<Error><Code>PreconditionFailed</Code><Condition>" + condition + "</Condition></Error>"));
    request.target.condition = std::move(target);
    return CodeOf(refused.store.Copy(request));
  };
  CHECK(failure("If-None-Match", Condition::Absent()) == Code::kExists);
  CHECK(failure("", Condition::Absent()) == Code::kExists);
  CHECK(failure("x-amz-copy-source-If-Match", Condition::Absent()) == Code::kChanged);
  CHECK(failure("", Condition::None()) == Code::kChanged);
  Bench gone;
  gone.wire.Then(Reply(404, {}, ErrorXml("NoSuchKey")));
  CHECK(CodeOf(gone.store.Copy(request)) == Code::kNotFound);
}

TEST_CASE("Copy: an error inside of a success is never a copy") {
  for (const std::string& body :
       {ErrorXml("InternalError"), std::string(kCopied).substr(0, 30), std::string(),
        std::string("<Other/>"), std::string("<CopyObjectResult/>")}) {
    CAPTURE(body);
    Bench bench;
    bench.wire.Then(Reply(200, {}, body));
    CHECK(CodeOf(bench.store.Copy({.from = "a", .to = "b"})) == Code::kUnavailable);
  }
}

const char* const kInitiated =
    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
const char* const kCompleted =
    "  \n<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
    "</CompleteMultipartUploadResult>";

TEST_CASE("Copy: above the limit by parts, with tags, and aborted on failure") {
  StoreOptions options;
  options.max_single_copy_bytes = 10;
  options.copy_part_bytes = 8;
  const std::string part = "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>";
  const std::string tags =
      "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>";
  const CopyRequest request{
      .from = "a", .to = "b", .source_etag = "e1", .size = 20, .tag_count = 1};
  Bench bench(options);
  bench.wire.Then(Reply(200, {}, tags)).Then(Reply(200, {}, kInitiated));
  bench.wire.Then(Reply(200, {}, part)).Then(Reply(200, {}, part)).Then(Reply(200, {}, part));
  bench.wire.Then(Reply(200, {{"Date", kDate}}, kCompleted));
  const auto written = bench.store.Copy(request);
  REQUIRE(written);
  CHECK(written->etag == "e-2");
  CHECK(bench.Seen(1).headers.Get("x-amz-tagging") == "a%20b=1%262");
  CHECK(bench.Seen(2).headers.Get("x-amz-copy-source-range") == "bytes=0-7");
  CHECK(bench.Seen(4).headers.Get("x-amz-copy-source-range") == "bytes=16-19");
  CHECK(bench.Seen(4).headers.Get("x-amz-copy-source-if-match") == "\"e1\"");

  Bench changed(options);
  changed.wire.Then(Reply(200, {}, tags)).Then(Reply(200, {}, kInitiated));
  changed.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed"))).Then(Reply(204));
  CHECK(CodeOf(changed.store.Copy(request)) == Code::kChanged);
  CHECK(changed.wire.seen().back().operation == Operation::kAbortUpload);
}

TEST_CASE("multipart: create, part, complete") {
  Bench bench;
  bench.wire.Then(Reply(200, {}, kInitiated));
  bench.wire.Then(
      Object("", {{"x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}}));
  bench.wire.Then(Reply(200, {{"Date", kDate}, {"x-amz-version-id", "v3"}}, kCompleted));
  const auto upload = bench.store.CreateUpload("k", {});
  REQUIRE(upload);
  CHECK(bench.Seen(0).headers.Get("x-amz-checksum-algorithm") == "SHA256");
  CHECK(bench.Seen(0).headers.Get("x-amz-meta-coffer-put-id") == upload->put_id);
  const auto part = bench.store.UploadPart(*upload, 1, AsBytes("hello"));
  REQUIRE(part);
  CHECK(bench.Seen(1).Query("partNumber") == "1");
  CHECK(bench.Seen(1).Query("uploadId") == "u1");
  const std::vector<Part> parts = {*part};
  const auto written = bench.store.CompleteUpload(*upload, parts, Condition::Matches("e0"));
  REQUIRE(written);
  CHECK(written->etag == "e-2");
  CHECK(written->version_id == "v3");
  CHECK(bench.Seen(2).headers.Get("If-Match") == "\"e0\"");
  CHECK(bench.Seen(2).body.find("<Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag>"
                                "<ChecksumSHA256>LPJNul+") != std::string::npos);
}

TEST_CASE("multipart: the fate of a Complete whose reply was lost") {
  const Upload upload{"k", "u1", "mine"};
  const std::vector<Part> parts = {{1, "e", ""}};
  const auto complete = [&](const char* put_id) {
    Bench bench;
    bench.wire.Then(Error{Code::kUnavailable, "lost"});
    bench.wire.Then(Reply(404, {}, ErrorXml("NoSuchUpload")));
    bench.wire.Then(HeadReply({{"x-amz-meta-coffer-put-id", put_id}}));
    return bench.store.CompleteUpload(upload, parts, Condition::None());
  };
  CHECK(complete("mine").value().etag == "e1");
  CHECK(CodeOf(complete("theirs")) == Code::kUnavailable);

  Bench in_success;  // B4: 200 and an error
  in_success.wire.Then(Reply(200, {}, ErrorXml("InternalError")));
  CHECK(CodeOf(in_success.store.CompleteUpload(upload, parts, {})) == Code::kUnavailable);
  Bench no_etag;  // RGW: done, without saying what it became
  no_etag.wire.Then(Reply(200, {},
                          "<CompleteMultipartUploadResult><ETag/>"
                          "</CompleteMultipartUploadResult>"));
  no_etag.wire.Then(HeadReply({{"x-amz-meta-coffer-put-id", "mine"}}));
  CHECK(no_etag.store.CompleteUpload(upload, parts, {}).value().etag == "e1");
  Bench conflict;
  conflict.wire.Then(Reply(409, {}, ErrorXml("ConditionalRequestConflict")));
  CHECK(CodeOf(conflict.store.CompleteUpload(upload, parts, Condition::Absent())) == Code::kExists);
  CHECK(conflict.wire.seen().size() == 1);
  Bench aborted;
  aborted.wire.Then(Reply(404, {}, ErrorXml("NoSuchUpload")));
  CHECK(aborted.store.AbortUpload(upload));
}

TEST_CASE("every operation: no 5xx, timeout or foreign 404 is ever an absence or a success") {
  std::vector<Response> replies;
  for (int status = 500; status <= 599; ++status) replies.push_back(Reply(status));
  replies.push_back(Reply(503, {}, ErrorXml("NoSuchKey")));
  replies.push_back(Reply(404, {}, "<html/>"));
  replies.push_back(Reply(404, {}, ErrorXml("NoSuchBucket")));
  replies.push_back(Reply(301, {}, ErrorXml("PermanentRedirect")));
  const Upload upload{"k", "u", "p"};
  for (const Response& reply : replies) {
    CAPTURE(reply.status, AsText(reply.body));
    const auto check = [&](auto&& call) {
      Bench bench;
      bench.wire.Then(reply);
      CHECK(CodeOf(call(bench.store)) != Code::kNotFound);
    };
    check([](S3Store& s) { return s.Head("k", {}); });
    check([](S3Store& s) { return s.Get("k", {0, 1}, {}); });
    check([](S3Store& s) { return s.Put("k", {}, {}); });
    check([](S3Store& s) { return s.Copy({.from = "a", .to = "b"}); });
    check([](S3Store& s) { return s.Delete("k", {}); });
    check([](S3Store& s) { return s.List({}); });
    check([](S3Store& s) { return s.ListVersions("", "", ""); });
    check([](S3Store& s) { return s.CreateUpload("k", {}); });
    check([&](S3Store& s) { return s.UploadPart(upload, 1, {}); });
    check([&](S3Store& s) { return s.CopyPart(upload, 1, "a", {0, 1}, ""); });
    check([&](S3Store& s) { return s.CompleteUpload(upload, {}, {}); });
    check([&](S3Store& s) { return s.AbortUpload(upload); });
  }
}

}  // namespace
}  // namespace coffer::s3
