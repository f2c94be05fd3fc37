#include <string>

#include "tests/support/store_bench.h"

namespace coffer::s3::rename_test {

Target DirectoryBucket() {
  AddressOptions options;
  options.region = "us-west-2";
  auto target = ParseTarget("fast--usw2-az1--x-s3", options);
  REQUIRE(target);
  return *std::move(target);
}

TEST_CASE("Rename: one request, with conditions on both names and a token") {
  StoreBench bench({}, DirectoryBucket());
  bench.wire.Then(Error{Code::kUnavailable, "lost"}).Then(Reply(200));
  REQUIRE(bench.store.Rename({"d/a b+c", "d/e", "e1", Condition::Absent()}));
  const SeenRequest& seen = bench.Seen(1);
  CHECK(seen.operation == Operation::kRenameObject);
  CHECK(seen.method == "PUT");
  CHECK(seen.url.path == "/d/e");
  CHECK(seen.url.query.size() == 1);
  CHECK(seen.url.query[0].first == "renameObject");
  CHECK(seen.headers.Get("x-amz-rename-source") == "d/a%20b%2Bc");
  CHECK(seen.headers.Get("x-amz-rename-source-if-match") == "\"e1\"");
  CHECK(seen.headers.Get("If-None-Match") == "*");
  CHECK_FALSE(seen.headers.Get("x-amz-client-token").empty());
  CHECK(seen.headers.Get("x-amz-client-token") == bench.Seen(0).headers.Get("x-amz-client-token"));
}

TEST_CASE("Rename: whose condition failed, and other refusals") {
  const auto refused = [](int status, const std::string& body, Condition condition) {
    StoreBench bench({}, DirectoryBucket());
    bench.wire.Then(Reply(status, {}, body));
    return CodeOf(bench.store.Rename({"a", "b", "e1", std::move(condition)}));
  };
  const auto failed = [](const std::string& condition) {
    return "<Error><Code>PreconditionFailed</Code><Condition>" + condition + "</Condition></Error>";
  };
  CHECK(refused(412, failed("If-None-Match"), Condition::Absent()) == Code::kExists);
  CHECK(refused(412, failed("If-Match"), Condition::Matches("e2")) == Code::kChanged);
  CHECK(refused(412, failed("x-amz-rename-source-if-match"), Condition::Absent()) ==
        Code::kChanged);
  CHECK(refused(412, failed(""), Condition::None()) == Code::kChanged);
  CHECK(refused(404, ErrorXml("NoSuchKey"), Condition::Absent()) == Code::kNotFound);
  CHECK(refused(501, ErrorXml("NotImplemented"), Condition::Absent()) == Code::kUnsupported);
}

TEST_CASE("Rename: never sent to what would take it for a PUT, nor for directories") {
  StoreBench bucket;
  CHECK(CodeOf(bucket.store.Rename({"a", "b", "e1", {}})) == Code::kUnsupported);
  CHECK(bucket.wire.seen().empty());
  StoreBench directory({}, DirectoryBucket());
  CHECK(CodeOf(directory.store.Rename({"a/", "b/", "e1", {}})) == Code::kUnsupported);
  CHECK(directory.wire.seen().empty());
}

}  // namespace coffer::s3::rename_test
