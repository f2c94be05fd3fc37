#include <set>
#include <string>
#include <vector>

#include "s3client/user_metadata.h"
#include "tests/support/store_bench.h"

namespace coffer::s3::copy_test {

const char* const kCopied = "<CopyObjectResult><ETag>\"e2\"</ETag></CopyObjectResult>";
const char* const kInitiated =
    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
const char* const kCompleted =
    "  \n<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
    "</CompleteMultipartUploadResult>";

// Uploads that have begun and not ended.
struct Unfinished : UploadObserver {
  void Began(const Upload& upload) override {
    ++began;
    ids.insert(upload.id);
  }
  void Ended(const Upload& upload) override { ids.erase(upload.id); }
  int began = 0;
  std::set<std::string> ids;
};

TEST_CASE("Copy: conditions, replaced metadata, and whose condition failed") {
  StoreBench bench;
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
    StoreBench refused;
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
  StoreBench gone;
  gone.wire.Then(Reply(404, {}, ErrorXml("NoSuchKey")));
  CHECK(CodeOf(gone.store.Copy(request)) == Code::kNotFound);
}

TEST_CASE("Copy: metadata is kept on demand, and only where one request can") {
  StoreBench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}}, kCopied));
  CopyRequest request{.from = "a", .to = "c", .source_etag = "e1", .keep_metadata = true};
  request.target.condition = Condition::Absent();
  request.storage_class = "STANDARD_IA";
  REQUIRE(bench.store.Copy(request));
  const Headers& headers = bench.Seen(0).headers;
  CHECK(headers.Get("x-amz-metadata-directive") == "COPY");
  CHECK(headers.Get("If-None-Match") == "*");
  CHECK(headers.Get("x-amz-storage-class") == "STANDARD_IA");
  CHECK(ReadUserMetadata(headers).empty());

  StoreBench refused;
  request.to = "a";
  CHECK(CodeOf(refused.store.Copy(request)) == Code::kInvalid);
  request.to = "c";
  request.size = kMaxCopySize + 1;
  CHECK(CodeOf(refused.store.Copy(request)) == Code::kInvalid);
}

TEST_CASE("Copy: our own copy, whose reply was lost, is recognised by its content") {
  // The ETag shows it; else, as encryption gives each object its own, the mark of the content.
  struct Case {
    std::string etag, copied_mark, source_mark;
    bool ours;
  };
  for (const Case& c : {Case{"e1", "", "", true}, Case{"e2", "m", "m", true},
                        Case{"e2", "", "", false}, Case{"e2", "m", "n", false}}) {
    CAPTURE(c.etag, c.copied_mark, c.source_mark);
    StoreBench bench;
    Response refused = Reply(412, {}, ErrorXml("PreconditionFailed"));
    refused.attempts = 2;
    bench.wire.Then(std::move(refused));
    bench.wire.Then(Reply(200, {{"Date", kDate},
                                {"Content-Length", "1"},
                                {"Last-Modified", kDate},
                                {"ETag", '"' + c.etag + '"'},
                                {"x-amz-meta-coffer-put-id", c.copied_mark}}));
    bench.wire.Then(Reply(200, {{"Date", kDate},
                                {"Content-Length", "1"},
                                {"Last-Modified", kDate},
                                {"ETag", "\"e1\""},
                                {"x-amz-meta-coffer-put-id", c.source_mark}}));
    CopyRequest request{.from = "a", .to = "c", .source_etag = "e1", .keep_metadata = true};
    request.target.condition = Condition::Absent();
    const auto written = bench.store.Copy(request);
    if (c.ours) {
      REQUIRE(written);
      CHECK(written->etag == c.etag);
    } else {
      CHECK(CodeOf(written) == Code::kExists);
    }
  }
}

TEST_CASE("Copy: onto itself an object keeps its own encryption, whatever the bucket's default") {
  struct Case {
    std::string sse, key, answered;
    bool stands;
  };
  for (const Case& c :
       {Case{"AES256", "", "AES256", true}, Case{"AES256", "", "", true},
        Case{"AES256", "", "aws:kms", false}, Case{"aws:kms", "k1", "aws:kms", true},
        Case{"aws:kms", "k1", "", false}, Case{"", "", "aws:kms", true}}) {
    CAPTURE(c.sse, c.answered);
    StoreBench bench;
    bench.wire.Then(Reply(200,
                          {{"Date", kDate},
                           {"x-amz-server-side-encryption", c.answered},
                           {"x-amz-server-side-encryption-aws-kms-key-id", c.key}},
                          kCopied));
    CopyRequest request{.from = "a", .to = "a", .source_etag = "e1"};
    request.sse = c.sse;
    request.sse_kms_key_id = c.key;
    CHECK(bench.store.Copy(request).has_value() == c.stands);
    CHECK(bench.Seen(0).headers.Get("x-amz-server-side-encryption") == c.sse);
    CHECK(bench.Seen(0).headers.Get("x-amz-server-side-encryption-aws-kms-key-id") == c.key);
  }
}

TEST_CASE("Copy: an error inside of a success is never a copy") {
  for (const std::string& body :
       {ErrorXml("InternalError"), std::string(kCopied).substr(0, 30), std::string(),
        std::string("<Other/>"), std::string("<CopyObjectResult/>")}) {
    CAPTURE(body);
    StoreBench bench;
    bench.wire.Then(Reply(200, {}, body));
    CHECK(CodeOf(bench.store.Copy({.from = "a", .to = "b"})) == Code::kUnavailable);
  }
}

TEST_CASE("Copy: above the limit by parts, with tags, and aborted on failure") {
  StoreOptions options;
  options.max_single_copy_bytes = 10;
  options.copy_part_bytes = 8;
  const std::string part = "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>";
  const std::string tags =
      "<Tagging><TagSet><Tag><Key>a b</Key><Value>1&amp;2</Value></Tag></TagSet></Tagging>";
  CopyRequest request{.from = "a", .to = "b", .source_etag = "e1", .size = 20, .tag_count = 1};
  StoreBench bench(options);
  bench.wire.Then(Reply(200, {}, tags)).Then(Reply(200, {}, kInitiated));
  bench.wire.Then(Reply(200, {}, part)).Then(Reply(200, {}, part)).Then(Reply(200, {}, part));
  bench.wire.Then(Reply(200, {{"Date", kDate}}, kCompleted));
  Unfinished unfinished;
  request.uploads = &unfinished;
  const auto written = bench.store.Copy(request);
  REQUIRE(written);
  CHECK(written->etag == "e-2");
  CHECK(unfinished.began == 1);
  CHECK(unfinished.ids.empty());
  CHECK(bench.Seen(1).headers.Get("x-amz-tagging") == "a%20b=1%262");
  CHECK(bench.Seen(2).headers.Get("x-amz-copy-source-range") == "bytes=0-7");
  CHECK(bench.Seen(4).headers.Get("x-amz-copy-source-range") == "bytes=16-19");
  CHECK(bench.Seen(4).headers.Get("x-amz-copy-source-if-match") == "\"e1\"");

  StoreBench changed(options);
  changed.wire.Then(Reply(200, {}, tags)).Then(Reply(200, {}, kInitiated));
  changed.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed"))).Then(Reply(204));
  CHECK(CodeOf(changed.store.Copy(request)) == Code::kChanged);
  CHECK(changed.wire.seen().back().operation == Operation::kAbortUpload);
  CHECK(unfinished.began == 2);
  CHECK(unfinished.ids.empty());

  for (const int status : {412, 503}) {  // neither completed nor aborted: it stays on record
    StoreBench stuck(options);
    stuck.wire.Then(Reply(200, {}, tags)).Then(Reply(200, {}, kInitiated));
    stuck.wire.Then(Reply(status, {}, ErrorXml("PreconditionFailed")));
    stuck.wire.Then(Reply(503, {}, ErrorXml("SlowDown")));
    CHECK_FALSE(stuck.store.Copy(request));
    CHECK(unfinished.ids == std::set<std::string>{"u1"});
    unfinished.ids.clear();
  }
}

}  // namespace coffer::s3::copy_test
