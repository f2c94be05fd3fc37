#include <string>
#include <vector>

#include "tests/support/store_bench.h"

namespace coffer::s3::get_test {

TEST_CASE("Head: everything an object says of itself") {
  StoreBench bench;
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
    StoreBench bench;
    bench.wire.Then(Reply(200, {{"ETag", "e"}, {"Date", kDate}, {"Content-Length", length}}));
    CHECK(CodeOf(bench.store.Head("k", {})) == Code::kUnavailable);
  }
  StoreBench no_etag;
  no_etag.wire.Then(Reply(200, {{"Date", kDate}, {"Content-Length", "1"}}));
  CHECK(CodeOf(no_etag.store.Head("k", {})) == Code::kUnavailable);
  StoreBench no_date;
  no_date.wire.Then(Reply(200, {{"ETag", "e"}, {"Content-Length", "1"}}));
  CHECK(CodeOf(no_date.store.Head("k", {})) == Code::kUnavailable);
  StoreBench locked;  // a lock whose end cannot be read never ends
  locked.wire.Then(HeadReply(
      {{"x-amz-object-lock-mode", "GOVERNANCE"}, {"x-amz-object-lock-retain-until-date", "soon"}}));
  CHECK(locked.store.Head("k", {}).value().lock.retain_until_s > 4'000'000'000);
}

TEST_CASE("Head: a 404 is an absence only once a listing lacks the key") {
  StoreBench bench;
  bench.wire.Then(Reply(404)).Then(Listing(Listed("k%2Fother")));
  CHECK(CodeOf(bench.store.Head("k", {})) == Code::kNotFound);
  CHECK(bench.Seen(1).Query("prefix") == "k");

  StoreBench foreign;
  foreign.wire.Then(Reply(404)).Then(Reply(404, {}, ErrorXml("NoSuchBucket")));
  CHECK(CodeOf(foreign.store.Head("k", {})) == Code::kUnavailable);
  StoreBench proxy;
  proxy.wire.Then(Reply(404)).Then(Reply(200, {}, "<html></html>"));
  CHECK(CodeOf(proxy.store.Head("k", {})) == Code::kUnavailable);
  StoreBench denied;
  denied.wire.Then(Reply(404)).Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(CodeOf(denied.store.Head("k", {})) == Code::kDenied);
  StoreBench contradiction;
  contradiction.wire.Then(Reply(404)).Then(Listing(Listed("k")));
  for (int i = 0; i < 4; ++i) contradiction.wire.Then(Reply(404));
  contradiction.wire.Then(Listing(Listed("k")));
  CHECK(CodeOf(contradiction.store.Head("k", {})) == Code::kUnavailable);
  CHECK(contradiction.wire.seen().size() == 7);
  StoreBench gone;  // removed between the listing and the question
  gone.wire.Then(Reply(404)).Then(Listing(Listed("k")));
  for (int i = 0; i < 4; ++i) gone.wire.Then(Reply(404));
  gone.wire.Then(Listing(""));
  CHECK(CodeOf(gone.store.Head("k", {})) == Code::kNotFound);
  StoreBench replaced;
  replaced.wire.Then(Reply(404)).Then(Listing(Listed("k"))).Then(Reply(412));
  CHECK(CodeOf(replaced.store.Head("k", {})) == Code::kChanged);
  StoreBench race;
  race.wire.Then(Reply(404)).Then(Listing(Listed("k"))).Then(HeadReply());
  CHECK(race.store.Head("k", {}));
  StoreBench steps;  // a server that takes the old object away before the new one is there
  steps.wire.Then(Reply(404)).Then(Listing(Listed("k"))).Then(Reply(404)).Then(HeadReply());
  CHECK(steps.store.Head("k", {}));

  StoreBench raw;
  raw.wire.Then(Reply(404));
  ReadCondition unconfirmed;
  unconfirmed.confirm_absence = false;
  CHECK(CodeOf(raw.store.Head("k", unconfirmed)) == Code::kNotFound);
  CHECK(raw.wire.seen().size() == 1);
}

TEST_CASE("Get: a 403 is an absence once a listing lacks the key, else a denial") {
  StoreBench absent;
  absent.wire.Then(Reply(403, {}, ErrorXml("AccessDenied"))).Then(Listing(Listed("k%2Fother")));
  CHECK(CodeOf(absent.store.Get("k", {0, 1}, {})) == Code::kNotFound);
  StoreBench there;
  there.wire.Then(Reply(403, {}, ErrorXml("AccessDenied"))).Then(Listing(Listed("k")));
  CHECK(CodeOf(there.store.Get("k", {0, 1}, {})) == Code::kDenied);
  StoreBench unlisted;
  unlisted.wire.Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(CodeOf(unlisted.store.Get("k", {0, 1}, {})) == Code::kDenied);
  StoreBench known;  // that it was there is known
  known.wire.Then(Reply(403, {}, ErrorXml("AccessDenied")));
  ReadCondition version;
  version.etag = "e";
  CHECK(CodeOf(known.store.Get("k", {0, 1}, version)) == Code::kDenied);
  CHECK(known.wire.seen().size() == 1);
}

TEST_CASE("Head: a 403 is an absence once a listing lacks the key, else a denial") {
  StoreBench absent;
  absent.wire.Then(Reply(403)).Then(Listing(Listed("k%2Fother")));
  CHECK(CodeOf(absent.store.Head("k", {})) == Code::kNotFound);
  CHECK(absent.Seen(1).Query("prefix") == "k");
  StoreBench there;
  there.wire.Then(Reply(403)).Then(Listing(Listed("k")));
  CHECK(CodeOf(there.store.Head("k", {})) == Code::kDenied);
  StoreBench unlisted;
  unlisted.wire.Then(Reply(403)).Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(CodeOf(unlisted.store.Head("k", {})) == Code::kDenied);
  StoreBench proxy;
  proxy.wire.Then(Reply(403)).Then(Reply(200, {}, "<html></html>"));
  CHECK(CodeOf(proxy.store.Head("k", {})) == Code::kDenied);
  StoreBench raw;
  raw.wire.Then(Reply(403));
  ReadCondition unconfirmed;
  unconfirmed.confirm_absence = false;
  CHECK(CodeOf(raw.store.Head("k", unconfirmed)) == Code::kDenied);
  CHECK(raw.wire.seen().size() == 1);
}

TEST_CASE("Get: exactly the range, or an error") {
  StoreBench bench;
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
    StoreBench once;  // a fault on the way is asked for again
    once.wire.Then(reply).Then(Object("world", {{"Content-Range", "bytes 6-10/11"}}, 206));
    const auto second = once.store.Get("k", {6, 100}, {});
    REQUIRE(second);
    CHECK(AsText(second->body) == "world");
    StoreBench always;
    always.wire.Then(reply);
    CHECK(CodeOf(always.store.Get("k", {6, 100}, {})) == Code::kUnavailable);
  }
}

TEST_CASE("Get: a server that ignores ranges, empty objects, the end, other versions") {
  StoreBench whole;
  whole.wire.Then(Object("hello"));
  CHECK(AsText(whole.store.Get("k", {0, 10}, {}).value().body) == "hello");

  StoreBench empty;
  empty.wire.Then(Reply(416, {}, ErrorXml("InvalidRange"))).Then(HeadReply());
  const auto nothing = empty.store.Get("k", {0, 10}, {});
  REQUIRE(nothing);
  CHECK(nothing->body.empty());
  CHECK(nothing->info.size == 0);
  CHECK(nothing->info.etag == "e1");

  StoreBench other;
  other.wire.Then(Object("hello"));
  CHECK(CodeOf(other.store.Get("k", {0, 10}, {"e2", ""})) == Code::kChanged);
  StoreBench refused;
  refused.wire.Then(Reply(412, {}, ErrorXml("PreconditionFailed")));
  CHECK(CodeOf(refused.store.Get("k", {0, 10}, {"e2", ""})) == Code::kChanged);
  StoreBench gone;
  gone.wire.Then(Reply(404, {}, ErrorXml("NoSuchKey")));
  CHECK(CodeOf(gone.store.Get("k", {0, 10}, {})) == Code::kNotFound);
  StoreBench proxy;
  proxy.wire.Then(Reply(404, {}, "<html>not here</html>"));
  CHECK(CodeOf(proxy.store.Get("k", {0, 10}, {})) == Code::kUnavailable);
  // A version that GET knows and HEAD does not: no end would come of asking both in turn.
  StoreBench odd;
  odd.wire.Then(Reply(416, {}, ErrorXml("InvalidRange"))).Then(Reply(404));
  CHECK(CodeOf(odd.store.Get("k", {0, 1}, {.etag = {}, .version_id = "v"})) == Code::kUnavailable);
  CHECK(odd.wire.seen().size() == 2);
}

}  // namespace coffer::s3::get_test
