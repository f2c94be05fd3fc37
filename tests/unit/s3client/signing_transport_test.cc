#include "s3client/signing_transport.h"

#include <catch2/catch.hpp>
#include <vector>

#include "s3client/session_credentials.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3::signing_transport_test {

// Gives out one key after another, the next whenever the one at hand is refused.
class FakeProvider : public CredentialsProvider {
 public:
  explicit FakeProvider(std::vector<std::string> keys, std::string token = "")
      : keys_(std::move(keys)), token_(std::move(token)) {}

  Result<std::shared_ptr<const Credentials>> Get() override {
    if (next_ >= keys_.size()) return Error{Code::kDenied, "no credentials at all"};
    if (!current_) {
      Credentials credentials;
      credentials.access_key_id = keys_[next_];
      credentials.secret_access_key = "secret";
      credentials.session_token = token_;
      current_ = std::make_shared<const Credentials>(credentials);
    }
    return current_;
  }
  void Refused(const Credentials& refused) override {
    if (!current_ || refused.access_key_id != current_->access_key_id) return;
    ++refusals;
    ++next_;
    current_.reset();
  }

  int refusals = 0;

 private:
  const std::vector<std::string> keys_;
  const std::string token_;
  std::size_t next_ = 0;
  std::shared_ptr<const Credentials> current_;
};

const SigningScope kScope{Scheme::kSigV4, "s3", "eu-west-1"};

Request Get() {
  Request request;
  request.url.host = "b.s3.eu-west-1.amazonaws.com";
  request.url.path = "/key";
  return request;
}

bool SignedBy(const SeenRequest& seen, std::string_view key) {
  return seen.headers.Get("Authorization").find("Credential=" + std::string(key) + "/") !=
         std::string_view::npos;
}

Response Expired() { return Reply(400, {}, ErrorXml("ExpiredToken")); }

struct Fixture {
  FakeClock clock;
  ServerTime time{clock};
  FakeTransport wire;
  FakeProvider account{{"AK1", "AK2"}};
};

TEST_CASE_METHOD(Fixture, "every Send is signed afresh, and the request stays as it was") {
  wire.Then(Reply(200));
  SigningTransport transport(wire, kScope, {&account}, time);
  Request request = Get();
  REQUIRE(transport.Send(request));
  CHECK(request.headers.fields().empty());
  CHECK(request.payload_hash.empty());
  clock.Advance(std::chrono::minutes(20));
  REQUIRE(transport.Send(request));
  REQUIRE(wire.seen().size() == 2);
  CHECK(wire.seen()[0].headers.Get("x-amz-date") == "20260102T030405Z");
  CHECK(wire.seen()[1].headers.Get("x-amz-date") == "20260102T032405Z");
  CHECK(SignedBy(wire.seen()[0], "AK1"));
  time.Learn(FakeClock::kStart_s - 3600);
  REQUIRE(transport.Send(request));
  CHECK(wire.seen()[2].headers.Get("x-amz-date") == "20260102T020405Z");
}

TEST_CASE_METHOD(Fixture, "the body goes through uncopied, with a payload hash given once") {
  std::string body(1000, 'x');
  wire.Then([&](const Request& sent) -> Result<Response> {
    CHECK(static_cast<const void*>(sent.body.data()) == body.data());
    CHECK(sent.headers.Get("x-amz-content-sha256") == "UNSIGNED-PAYLOAD");
    return Reply(200);
  });
  SigningTransport transport(wire, kScope, {&account}, time);
  Request request = Get();
  request.method = "PUT";
  request.body = AsBytes(body);
  request.payload_hash = "UNSIGNED-PAYLOAD";
  CHECK(transport.Send(request));
}

TEST_CASE_METHOD(Fixture, "requests that ask for no signature get none, nor with no account") {
  wire.Then(Reply(200));
  SigningTransport transport(wire, kScope, {&account}, time);
  Request request = Get();
  request.unsigned_request = true;
  REQUIRE(transport.Send(request));
  SigningTransport anonymous(wire, kScope, {}, time);
  REQUIRE(anonymous.Send(Get()));
  REQUIRE(wire.seen().size() == 2);
  for (const auto& seen : wire.seen()) CHECK(seen.headers.fields().empty());
}

TEST_CASE_METHOD(Fixture, "without credentials nothing is sent") {
  FakeProvider none({});
  SigningTransport transport(wire, kScope, {&none}, time);
  CHECK(transport.Send(Get()).error().what == "no credentials at all");
  CHECK(wire.seen().empty());
}

TEST_CASE_METHOD(Fixture, "refused credentials are renewed and the request is sent once more") {
  for (const char* code : {"ExpiredToken", "InvalidToken", "RequestExpired", "InvalidAccessKeyId",
                           "SignatureDoesNotMatch", "InvalidSignatureException",
                           "UnrecognizedClientException", "ExpiredTokenException"}) {
    FakeTransport answers;
    FakeProvider provider({"AK1", "AK2", "AK3"});
    answers.Then(Reply(403, {}, ErrorXml(code))).Then(Reply(200));
    SigningTransport transport(answers, kScope, {&provider}, time);
    const auto reply = transport.Send(Get());
    CAPTURE(code);
    REQUIRE(reply);
    CHECK(reply->status == 200);
    CHECK(reply->attempts == 2);
    REQUIRE(answers.seen().size() == 2);
    CHECK(SignedBy(answers.seen()[1], "AK2"));
    CHECK(provider.refusals == 1);
  }
}

TEST_CASE_METHOD(Fixture, "a second refusal is the answer") {
  wire.Then(Expired());
  FakeProvider provider({"AK1", "AK2", "AK3"});
  SigningTransport transport(wire, kScope, {&provider}, time);
  const auto reply = transport.Send(Get());
  REQUIRE(reply);
  CHECK(reply->status == 400);
  CHECK(wire.seen().size() == 2);
}

TEST_CASE_METHOD(Fixture, "when renewing fails the reason is the answer") {
  wire.Then(Expired());
  FakeProvider provider({"AK1"});
  SigningTransport transport(wire, kScope, {&provider}, time);
  CHECK(transport.Send(Get()).error().what == "no credentials at all");
}

TEST_CASE_METHOD(Fixture, "other failures leave the credentials alone") {
  const Response replies[] = {
      Reply(403, {}, ErrorXml("AccessDenied")),         Reply(404, {}, ErrorXml("ExpiredToken")),
      Reply(500, {}, ErrorXml("ExpiredToken")),         Reply(403, {}, "<Error><Code>ExpiredToken"),
      Reply(400, {}, ErrorXml("RequestTimeTooSkewed")), Reply(403)};
  for (const auto& reply : replies) {
    FakeTransport answers;
    answers.Then(reply);
    SigningTransport transport(answers, kScope, {&account}, time);
    REQUIRE(transport.Send(Get()));
    CHECK(answers.seen().size() == 1);
  }
  CHECK(account.refusals == 0);
}

TEST_CASE_METHOD(Fixture, "a bodiless 400 to HEAD is an ended session, if there is one") {
  wire.Then(Reply(400));
  Request head = Get();
  head.method = "HEAD";
  SigningTransport long_term(wire, kScope, {&account}, time);
  REQUIRE(long_term.Send(head));
  CHECK(account.refusals == 0);
  FakeProvider session({"AK1", "AK2"}, "token");
  SigningTransport temporary(wire, kScope, {&session}, time);
  REQUIRE(temporary.Send(head));
  CHECK(session.refusals == 1);
}

TEST_CASE_METHOD(Fixture, "SigV4A: the key follows the credentials") {
  wire.Then(Reply(200)).Then(Reply(200)).Then(Expired()).Then(Reply(200));
  SigningTransport transport(wire, {Scheme::kSigV4A, "s3", "*"}, {&account}, time);
  for (int i = 0; i < 3; ++i) REQUIRE(transport.Send(Get()));
  REQUIRE(wire.seen().size() == 4);
  CHECK(SignedBy(wire.seen()[1], "AK1"));
  CHECK(SignedBy(wire.seen()[3], "AK2"));
  CHECK(wire.seen()[3].headers.Get("x-amz-region-set") == "*");
}

std::string SessionXml(const char* key, const char* end) {
  return std::string("<CreateSessionResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">") +
         "<Credentials><SessionToken>session-token</SessionToken><SecretAccessKey>s"
         "</SecretAccessKey><AccessKeyId>" +
         key + "</AccessKeyId><Expiration>" + end +
         "</Expiration></Credentials></CreateSessionResult>";
}

struct DirectoryBucket : Fixture {
  FakeTransport control;
  SilentObserver observer;
  const SigningScope scope{Scheme::kSigV4S3Express, "s3express", "eu-west-1"};
  SigningTransport account_transport{control, scope, {&account}, time};
  Url bucket = Get().url;
  SessionCredentials session{account_transport, bucket, SessionMode::kReadWrite, clock, time,
                             observer};
  SigningTransport transport{wire, scope, {&account, &session}, time};
};

TEST_CASE_METHOD(DirectoryBucket, "directory buckets: a session signs, and is renewed in time") {
  wire.Then(Reply(200));
  control.Then(Reply(200, {}, SessionXml("SK1", "2026-01-02T03:09:05Z")))
      .Then(Reply(200, {}, SessionXml("SK2", "2026-01-02T03:13:05Z")));
  REQUIRE(transport.Send(Get()));
  REQUIRE(transport.Send(Get()));
  REQUIRE(control.seen().size() == 1);
  const SeenRequest& create = control.seen()[0];
  CHECK(create.url.EncodedQuery() == "session=");
  CHECK(create.headers.Get("x-amz-create-session-mode") == "ReadWrite");
  CHECK_FALSE(create.headers.Has("x-amz-s3session-token"));
  CHECK(SignedBy(create, "AK1"));
  CHECK(SignedBy(wire.seen()[0], "SK1"));
  CHECK(wire.seen()[0].headers.Get("x-amz-s3session-token") == "session-token");
  CHECK_FALSE(wire.seen()[0].headers.Has("x-amz-security-token"));
  clock.Advance(std::chrono::minutes(4));
  REQUIRE(transport.Send(Get()));
  CHECK(SignedBy(wire.seen()[2], "SK2"));
  CHECK(control.seen().size() == 2);
}

TEST_CASE_METHOD(DirectoryBucket, "directory buckets: some requests are the account's own") {
  wire.Then(Reply(200));
  Request copy = Get();
  copy.plain_iam_auth = true;
  REQUIRE(transport.Send(copy));
  CHECK(SignedBy(wire.seen()[0], "AK1"));
  CHECK_FALSE(wire.seen()[0].headers.Has("x-amz-s3session-token"));
  CHECK(control.seen().empty());
}

TEST_CASE_METHOD(DirectoryBucket, "directory buckets: no session says who refused it and why") {
  control.Then(Reply(403, {{"x-amz-request-id", "R7"}}, ErrorXml("AccessDenied", "not you")));
  const auto reply = transport.Send(Get());
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kDenied);
  CHECK(reply.error().service_code == "AccessDenied");
  for (const char* part : {"s3express:CreateSession", "not you", "R7"}) {
    CHECK(reply.error().what.find(part) != std::string::npos);
  }
}

TEST_CASE_METHOD(DirectoryBucket, "directory buckets: half a session is none") {
  const std::string whole = SessionXml("SK1", "2026-01-02T03:09:05Z");
  for (const std::string& body : {whole.substr(0, whole.size() - 5), SessionXml("", "x"),
                                  std::string(), SessionXml("SK1", "soon")}) {
    FakeTransport broken;
    broken.Then(Reply(200, {}, body));
    SessionCredentials half{broken, bucket, SessionMode::kReadOnly, clock, time, observer};
    const auto got = half.Get();
    REQUIRE_FALSE(got);
    CHECK(got.error().code == Code::kUnavailable);
    CHECK(broken.seen()[0].headers.Get("x-amz-create-session-mode") == "ReadOnly");
  }
}

}  // namespace coffer::s3::signing_transport_test
