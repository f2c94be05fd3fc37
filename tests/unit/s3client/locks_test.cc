#include <limits>
#include <string>

#include "s3client/date.h"
#include "s3client/time_text.h"
#include "tests/support/store_bench.h"

namespace coffer::s3::locks_test {

constexpr std::int64_t kUntil = 1'893'456'000;  // 2030-01-01T00:00:00Z
constexpr const char* kRetention =
    "<?xml version=\"1.0\"?><Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
    "<Mode>GOVERNANCE</Mode><RetainUntilDate>2030-01-01T00:00:00.000Z</RetainUntilDate>"
    "</Retention>";

TEST_CASE("Locks: retention is put as S3 wants it, and only a bypass says so") {
  StoreBench bench;
  bench.wire.Then(Reply(200));
  REQUIRE(bench.store.locks().PutRetention({"a b", "v+1", "COMPLIANCE", kUntil, false}));
  const SeenRequest& put = bench.Seen(0);
  CHECK(put.method == "PUT");
  CHECK(put.operation == Operation::kPutRetention);
  CHECK(put.url.path == "/b/a%20b");
  CHECK(put.url.EncodedQuery() == "retention=&versionId=v%2B1");
  CHECK(put.body ==
        "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>"
        "<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></Retention>");
  CHECK(put.headers.Has("Content-MD5"));
  CHECK(put.headers.Has("x-amz-checksum-sha256"));
  CHECK_FALSE(put.headers.Has("x-amz-bypass-governance-retention"));

  REQUIRE(bench.store.locks().PutRetention({"k", "", "", 0, true}));
  const SeenRequest& cleared = bench.Seen(1);
  CHECK(cleared.url.EncodedQuery() == "retention=");
  CHECK(cleared.headers.Get("x-amz-bypass-governance-retention") == "true");
  CHECK(
      cleared.body.ends_with("<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                             "</Retention>"));
}

TEST_CASE("Locks: what cannot be a retention is not sent") {
  for (const RetentionChange& change :
       {RetentionChange{"k", "", "governance", kUntil}, RetentionChange{"k", "", "GOVERNANCE", 0},
        RetentionChange{"k", "", "", kUntil}, RetentionChange{"k", "", "GOVERNANCE", -1},
        RetentionChange{"k", "", "GOVERNANCE", std::numeric_limits<std::int64_t>::max()}}) {
    StoreBench bench;
    CHECK(CodeOf(bench.store.locks().PutRetention(change)) == Code::kInvalid);
    NewObject object;
    object.lock = {change.mode, change.until_s, false};
    CHECK(CodeOf(bench.store.Put("k", {}, object)) == Code::kInvalid);
    CHECK(bench.wire.seen().empty());
  }
}

TEST_CASE("Locks: retention is read, and never set is no error") {
  StoreBench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}}, kRetention))
      .Then(Refusal(404, "NoSuchObjectLockConfiguration"))
      .Then(Refusal(404, "ObjectLockConfigurationNotFoundError"))
      .Then(Refusal(400, "NoSuchObjectLockConfiguration"));
  const auto set = bench.store.locks().GetRetention("k", "v1");
  REQUIRE(set);
  CHECK(set->mode == "GOVERNANCE");
  CHECK(set->until_s == kUntil);
  CHECK(set->server_date_s == *ParseHttpDate(kDate));
  CHECK(bench.Seen(0).url.EncodedQuery() == "retention=&versionId=v1");
  for (int i = 0; i < 3; ++i) {
    const auto none = bench.store.locks().GetRetention("k", "");
    REQUIRE(none);
    CHECK(none->mode.empty());
    CHECK(none->server_date_s == *ParseHttpDate(kDate));
  }
}

TEST_CASE("Locks: an answer under the name that versitygw gives it is one") {
  StoreBench bench;
  bench.wire
      .Then(Reply(200, {{"Date", kDate}},
                  "<ObjectLockRetention><Mode>GOVERNANCE</Mode>"
                  "<RetainUntilDate>2030-01-01T00:00:00Z</RetainUntilDate></ObjectLockRetention>"))
      .Then(Reply(200, {}, "<ObjectLockLegalHold><Status>ON</Status></ObjectLockLegalHold>"))
      .Then(Reply(200, {{"Date", kDate}}, "<ObjectLockLegalHold/>"));
  const auto retention = bench.store.locks().GetRetention("k", "");
  REQUIRE(retention);
  CHECK(retention->until_s == kUntil);
  const auto held = bench.store.locks().GetLegalHold("k", "");
  REQUIRE(held);
  CHECK(*held);
  CHECK(CodeOf(bench.store.locks().GetRetention("k", "")) == Code::kUnsupported);
}

TEST_CASE("Locks: not enabled, not allowed, not there and not answered are told apart") {
  struct Case {
    Response reply;
    Code code;
  };
  for (const Case& c :
       {Case{Refusal(400, "InvalidRequest", "Bucket is missing Object Lock Configuration"),
             Code::kUnsupported},
        Case{Refusal(400, "InvalidRequest", "bucket object lock not configured"),
             Code::kUnsupported},
        Case{Refusal(403, "AccessDenied"), Code::kDenied},
        Case{Refusal(404, "NoSuchKey"), Code::kNotFound},
        Case{Refusal(404, "NoSuchVersion"), Code::kNotFound},
        Case{Refusal(405, "MethodNotAllowed"), Code::kUnsupported},
        // moto answers with the object itself.
        Case{Reply(200, {{"Date", kDate}}, "<x/>"), Code::kUnsupported},
        Case{Reply(200, {{"Date", kDate}}, "bytes"), Code::kUnsupported}}) {
    StoreBench bench;
    bench.wire.Then(c.reply);
    CHECK(CodeOf(bench.store.locks().GetRetention("k", "")) == c.code);
    CHECK(CodeOf(bench.store.locks().GetLegalHold("k", "")) == c.code);
  }
  StoreBench bench;
  bench.wire.Then(Reply(200, {{"Date", kDate}},
                        "<Retention><Mode>GOVERNANCE</Mode>"
                        "<RetainUntilDate>soon</RetainUntilDate></Retention>"));
  CHECK(CodeOf(bench.store.locks().GetRetention("k", "")) == Code::kUnavailable);
}

TEST_CASE("Locks: a refusal for the lock's sake is not one of rights") {
  const auto refused = [](std::initializer_list<Response> replies, std::int64_t until_s) {
    StoreBench bench;
    for (const Response& reply : replies) bench.wire.Then(reply);
    return CodeOf(bench.store.locks().PutRetention({"k", "", "GOVERNANCE", until_s, false}));
  };
  const Response denied = Refusal(403, "AccessDenied", "Access Denied");
  const Response locked = Reply(200, {{"Date", kDate}}, kRetention);
  CHECK(refused({Refusal(403, "AccessDenied",
                         "Access Denied because object protected by object lock.")},
                kUntil) == Code::kLocked);
  CHECK(refused({Refusal(400, "InvalidRequest", "Object is WORM protected and cannot be changed")},
                kUntil) == Code::kLocked);
  CHECK(refused({denied, locked}, kUntil - 1) == Code::kLocked);
  CHECK(refused({denied, locked}, kUntil + 1) == Code::kDenied);  // an extension needs rights alone
  CHECK(refused({denied, denied}, kUntil - 1) == Code::kDenied);
  const Response ended = Reply(200, {{"Date", "Wed, 02 Jan 2030 03:04:05 GMT"}}, kRetention);
  CHECK(refused({denied, ended}, kUntil - 1) == Code::kDenied);
}

TEST_CASE("Locks: a legal hold is put and read") {
  StoreBench bench;
  bench.wire.Then(Reply(200))
      .Then(Reply(200))
      .Then(Reply(200, {}, "<LegalHold xmlns=\"x\"><Status>ON</Status></LegalHold>"))
      .Then(Reply(200, {}, "<LegalHold><Status>OFF</Status></LegalHold>"))
      .Then(Reply(200, {}, "<LegalHold><Status>on</Status></LegalHold>"))
      .Then(Refusal(404, "NoSuchObjectLockConfiguration"));
  REQUIRE(bench.store.locks().PutLegalHold("k", "v1", true));
  REQUIRE(bench.store.locks().PutLegalHold("k", "", false));
  CHECK(bench.Seen(0).url.EncodedQuery() == "legal-hold=&versionId=v1");
  CHECK(bench.Seen(0).operation == Operation::kPutLegalHold);
  CHECK(bench.Seen(0).body.ends_with(
      "<LegalHold xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Status>ON</Status>"
      "</LegalHold>"));
  CHECK(bench.Seen(0).headers.Has("Content-MD5"));
  CHECK(bench.Seen(1).body.ends_with("<Status>OFF</Status></LegalHold>"));
  CHECK(*bench.store.locks().GetLegalHold("k", ""));
  CHECK_FALSE(*bench.store.locks().GetLegalHold("k", ""));
  CHECK(CodeOf(bench.store.locks().GetLegalHold("k", "")) == Code::kUnavailable);
  CHECK_FALSE(*bench.store.locks().GetLegalHold("k", ""));
}

TEST_CASE("Locks: they ride on the request that makes the object") {
  const Lock lock{"GOVERNANCE", kUntil, true};
  const auto check = [](const Headers& headers) {
    CHECK(headers.Get("x-amz-object-lock-mode") == "GOVERNANCE");
    CHECK(headers.Get("x-amz-object-lock-retain-until-date") == "2030-01-01T00:00:00Z");
    CHECK(headers.Get("x-amz-object-lock-legal-hold") == "ON");
  };
  NewObject object;
  object.lock = lock;
  StoreBench put;
  put.wire.Then(Object(""));
  REQUIRE(put.store.Put("k", {}, object));
  check(put.Seen(0).headers);
  CHECK(put.Seen(0).headers.Has("x-amz-checksum-sha256"));

  StoreBench upload;
  upload.wire.Then(Reply(200, {},
                         "<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                         "</InitiateMultipartUploadResult>"));
  REQUIRE(upload.store.CreateUpload("k", object));
  check(upload.Seen(0).headers);

  for (const bool keep : {false, true}) {
    StoreBench copy;
    copy.wire.Then(
        Reply(200, {{"Date", kDate}}, "<CopyObjectResult><ETag>e</ETag></CopyObjectResult>"));
    CopyRequest request{.from = "a", .to = "b", .target = object, .keep_metadata = keep};
    REQUIRE(copy.store.Copy(request));
    check(copy.Seen(0).headers);
  }

  StoreBench plain;
  plain.wire.Then(Object(""));
  REQUIRE(plain.store.Put("k", {}, {}));
  for (const auto& [name, value] : plain.Seen(0).headers.fields()) {
    CHECK(name.find("lock") == std::string::npos);
  }
}

TEST_CASE("Locks: the times of this and other centuries") {
  for (const auto& [text, seconds] :
       {std::pair("2120-01-01T00:00:00Z", std::int64_t{4'733'510'400}),
        std::pair("9999-12-31T23:59:59Z", std::int64_t{253'402'300'799}),
        std::pair("2106-02-07T06:28:16Z", std::int64_t{1} << 32),
        std::pair("1970-01-01T00:00:00Z", std::int64_t{0})}) {
    CHECK(IsoTime(seconds) == text);
    CHECK(ParseIsoDate(text) == seconds);
  }
  CHECK(IsoTime(std::numeric_limits<std::int64_t>::max()) == "9999-12-31T23:59:59Z");
}

TEST_CASE("Locks: active and covering") {
  const Lock lock{"GOVERNANCE", 100, false};
  CHECK(lock.Active(99));
  CHECK_FALSE(lock.Active(100));
  CHECK(Lock{"", 0, true}.Active(100));
  CHECK_FALSE(Lock{}.Active(0));
  CHECK(lock.Covers({}));
  CHECK(lock.Covers(lock));
  CHECK(lock.Covers({"GOVERNANCE", 99, false}));
  CHECK(Lock{"COMPLIANCE", 100, true}.Covers(lock));
  CHECK_FALSE(lock.Covers({"GOVERNANCE", 101, false}));
  CHECK_FALSE(lock.Covers({"COMPLIANCE", 100, false}));
  CHECK_FALSE(lock.Covers({"GOVERNANCE", 100, true}));
  CHECK_FALSE(Lock{}.Covers(lock));
}

}  // namespace coffer::s3::locks_test
