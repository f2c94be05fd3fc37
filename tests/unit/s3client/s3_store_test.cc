#include "s3client/s3_store.h"

#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::s3_store_test {

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
      StoreBench bench;
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
    check([&](S3Store& s) { return s.UploadPart(upload, {1}, {}); });
    check([&](S3Store& s) { return s.CopyPart(upload, 1, "a", {0, 1}, ""); });
    check([&](S3Store& s) { return s.CompleteUpload(upload, {}, {}); });
    check([&](S3Store& s) { return s.AbortUpload(upload); });
  }
}

}  // namespace coffer::s3::s3_store_test
