#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::multipart_test {

const char* const kInitiated =
    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
const char* const kCompleted =
    "  \n<?xml version=\"1.0\"?><CompleteMultipartUploadResult><ETag>\"e-2\"</ETag>"
    "</CompleteMultipartUploadResult>";

TEST_CASE("multipart: create, part, complete") {
  StoreBench bench;
  bench.wire.Then(Reply(200, {}, kInitiated));
  bench.wire.Then(
      Object("", {{"x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="}}));
  bench.wire.Then(Reply(200, {{"Date", kDate}, {"x-amz-version-id", "v3"}}, kCompleted));
  const auto upload = bench.store.CreateUpload("k", {});
  REQUIRE(upload);
  CHECK(bench.Seen(0).headers.Get("x-amz-checksum-algorithm") == "SHA256");
  CHECK(bench.Seen(0).headers.Get("x-amz-meta-coffer-put-id") == upload->put_id);
  const auto part = bench.store.UploadPart(*upload, {1}, AsBytes("hello"));
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

TEST_CASE("multipart: no checksums where parts are copied in and the server is not AWS") {
  const std::string copied =
      "<CopyPartResult><ETag>\"e1\"</ETag><ChecksumSHA256>of-the-source-2</ChecksumSHA256>"
      "</CopyPartResult>";
  for (const bool aws : {true, false}) {
    Target target = TestTarget();
    target.aws_host = aws;
    StoreBench bench({}, target);
    bench.wire.Then(Reply(200, {}, kInitiated)).Then(Reply(200, {}, copied));
    bench.wire.Then(Object("")).Then(Reply(200, {{"Date", kDate}}, kCompleted));
    NewObject object;
    object.copies_parts = true;
    const auto upload = bench.store.CreateUpload("k", object);
    REQUIRE(upload);
    const auto first = bench.store.CopyPart(*upload, 1, "k", {0, 9}, "e0");
    const auto second = bench.store.UploadPart(*upload, {2}, AsBytes("hello"));
    REQUIRE(first);
    REQUIRE(second);
    REQUIRE(bench.store.CompleteUpload(*upload, std::vector<Part>{*first, *second}, {}));
    CAPTURE(aws);
    CHECK(bench.Seen(0).headers.Has("x-amz-checksum-algorithm") == aws);
    CHECK(bench.Seen(2).headers.Has("x-amz-checksum-sha256") == aws);
    CHECK(bench.Seen(2).headers.Get("Content-MD5") == (aws ? "" : "XUFAKrxLKna5cZ2REBfFkg=="));
    CHECK((bench.Seen(3).body.find("ChecksumSHA256") != std::string::npos) == aws);
  }
  Target target = TestTarget();
  target.aws_host = false;
  StoreBench plain({}, target);
  plain.wire.Then(Reply(200, {}, kInitiated));
  REQUIRE(plain.store.CreateUpload("k", {}));
  CHECK(plain.Seen(0).headers.Has("x-amz-checksum-algorithm"));
}

TEST_CASE("multipart: the fate of a Complete whose reply was lost") {
  const Upload upload{"k", "u1", "mine"};
  const std::vector<Part> parts = {{1, "e", ""}};
  const auto complete = [&](const char* put_id) {
    StoreBench bench;
    bench.wire.Then(Error{Code::kUnavailable, "lost"});
    bench.wire.Then(Reply(404, {}, ErrorXml("NoSuchUpload")));
    bench.wire.Then(HeadReply({{"x-amz-meta-coffer-put-id", put_id}}));
    return bench.store.CompleteUpload(upload, parts, Condition::None());
  };
  CHECK(complete("mine").value().etag == "e1");
  CHECK(CodeOf(complete("theirs")) == Code::kUnavailable);

  StoreBench in_success;  // B4: 200 and an error
  in_success.wire.Then(Reply(200, {}, ErrorXml("InternalError")));
  CHECK(CodeOf(in_success.store.CompleteUpload(upload, parts, {})) == Code::kUnavailable);
  StoreBench no_etag;  // RGW: done, without saying what it became
  no_etag.wire.Then(Reply(200, {},
                          "<CompleteMultipartUploadResult><ETag/>"
                          "</CompleteMultipartUploadResult>"));
  no_etag.wire.Then(HeadReply({{"x-amz-meta-coffer-put-id", "mine"}}));
  CHECK(no_etag.store.CompleteUpload(upload, parts, {}).value().etag == "e1");
  StoreBench conflict;
  conflict.wire.Then(Reply(409, {}, ErrorXml("ConditionalRequestConflict")));
  CHECK(CodeOf(conflict.store.CompleteUpload(upload, parts, Condition::Absent())) == Code::kExists);
  CHECK(conflict.wire.seen().size() == 1);
  StoreBench aborted;
  aborted.wire.Then(Reply(404, {}, ErrorXml("NoSuchUpload")));
  CHECK(aborted.store.AbortUpload(upload));
}

}  // namespace coffer::s3::multipart_test
