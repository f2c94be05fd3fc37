#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::delete_test {

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
    StoreBench bench;
    bench.wire.Then(Reply(row.status, {}, *row.code ? ErrorXml(row.code) : ""));
    CHECK(bench.store.Delete("k", {}).has_value() == row.ok);
  }
  StoreBench changed;
  changed.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed")));
  CHECK(CodeOf(changed.store.Delete("k", Condition::Matches("e"))) == Code::kChanged);
}

TEST_CASE("DeleteMany: what the reply says of each key, and nothing it does not say") {
  StoreBench bench;
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
  StoreBench bench;
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
    StoreBench bench;
    bench.wire.Then(Reply(200, {}, body));
    const std::vector<KeyToDelete> keys = {{"a", ""}};
    const auto failed = bench.store.DeleteMany(keys);
    REQUIRE(failed);
    CHECK(failed->size() == 1);
  }
}

}  // namespace coffer::s3::delete_test
