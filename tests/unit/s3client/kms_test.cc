#include "s3client/kms.h"

#include <catch2/catch.hpp>
#include <string>

#include "s3client/retrying_transport.h"
#include "tests/support/fake_clock.h"
#include "tests/support/kms_replies.h"
#include "tests/support/memory_search.h"

namespace coffer::s3::kms_test {

const EncryptionContext kContext{{"coffer", "1"}, {"vol", "8a\"1c"}};
constexpr const char* kContextJson = R"("EncryptionContext":{"coffer":"1","vol":"8a\"1c"}})";

struct Fixture {
  SecretArena arena{16};
  FakeTransport wire;
  KmsClient kms{wire, MakeKmsAddress("eu-west-1", "", false).value(), arena};
};

// A KMS that gives 32 bytes which stand nowhere else, and keeps no copy of what is sent to it.
struct DiscreetKms : Transport {
  DiscreetKms() {
    for (int i = 0; i < 42; ++i) base64.Add(static_cast<char>('a' + i * 7 % 26));
    base64.Add('A');
    base64.Add('=');
  }
  Result<Response> Send(const Request& request) override {
    Response response;
    response.status = 200;
    response.body.reserve(request.max_reply_bytes);
    const auto add = [&](std::string_view text) {
      for (const char c : text) response.body.push_back(static_cast<std::byte>(c));
    };
    add(R"({"CiphertextBlob":"AAAA","KeyId":"arn")");
    if (request.operation == Operation::kKmsGenerateDataKey) {
      add(R"(,"Plaintext":")");
      for (std::size_t i = 0; i < base64.size(); ++i) {
        response.body.push_back(static_cast<std::byte>(base64.at(i)));
      }
      add("\"");
    }
    add("}");
    // A reply that ends inside the key is no less secret.
    if (cut) response.body.resize(response.body.size() - 2);
    seen_secret = request.secret_reply;
    copies_while_sent = base64.Copies();
    return response;
  }
  test::Masked base64;
  bool cut = false;
  bool seen_secret = false;
  int copies_while_sent = 0;
};

TEST_CASE_METHOD(Fixture, "KMS: GenerateDataKey") {
  wire.Then(KmsGenerated());
  const auto reply = kms.GenerateDataKey(kKmsArn, kContext);
  REQUIRE(reply);
  CHECK(AsText(reply->plaintext.view()) == kKmsPlaintext);
  CHECK(reply->ciphertext == kKmsBlob);
  CHECK(reply->key_arn == kKmsArn);
  const SeenRequest& seen = wire.seen().at(0);
  CHECK(seen.operation == Operation::kKmsGenerateDataKey);
  CHECK(seen.method == "POST");
  CHECK(seen.url.ToString() == "https://kms.eu-west-1.amazonaws.com/");
  CHECK(seen.headers.Get("Content-Type") == "application/x-amz-json-1.1");
  CHECK(seen.headers.Get("X-Amz-Target") == "TrentService.GenerateDataKey");
  CHECK(seen.body ==
        "{\"KeyId\":\"" + std::string(kKmsArn) + "\",\"NumberOfBytes\":32," + kContextJson);
  REQUIRE(kms.GenerateDataKey("alias/a", {}));
  CHECK(wire.seen().at(1).body == R"({"KeyId":"alias/a","NumberOfBytes":32})");
}

TEST_CASE_METHOD(Fixture, "KMS: Encrypt and Decrypt") {
  wire.Then(KmsEncrypted()).Then(KmsDecrypted());
  const Secret key = arena.Copy(AsBytes(kKmsPlaintext)).value();
  const auto wrapped = kms.Encrypt(kKmsArn, key, kContext);
  REQUIRE(wrapped);
  CHECK(wrapped->ciphertext == kKmsBlob);
  CHECK(wrapped->plaintext.empty());
  CHECK(wire.seen().at(0).operation == Operation::kKmsEncrypt);
  CHECK(wire.seen().at(0).headers.Get("X-Amz-Target") == "TrentService.Encrypt");
  CHECK(wire.seen().at(0).body == "{\"KeyId\":\"" + std::string(kKmsArn) + "\",\"Plaintext\":\"" +
                                      Base64Of(kKmsPlaintext) + "\"," + kContextJson);
  const auto opened = kms.Decrypt(kKmsArn, kKmsBlob, kContext);
  REQUIRE(opened);
  CHECK(AsText(opened->plaintext.view()) == kKmsPlaintext);
  CHECK(opened->key_arn == kKmsArn);
  CHECK(wire.seen().at(1).headers.Get("X-Amz-Target") == "TrentService.Decrypt");
  CHECK(wire.seen().at(1).body == "{\"KeyId\":\"" + std::string(kKmsArn) +
                                      "\",\"CiphertextBlob\":\"" + Base64Of(kKmsBlob) + "\"," +
                                      kContextJson);
}

TEST_CASE("KMS: keys do not stay in the buffers of requests and replies") {
  SecretArena arena(4);
  const KmsAddress address = MakeKmsAddress("eu-west-1", "", false).value();
  DiscreetKms wire;
  KmsClient kms(wire, address, arena);
  auto made = kms.GenerateDataKey(kKmsArn, {});
  REQUIRE(made);
  CHECK(wire.seen_secret);
  CHECK(wire.copies_while_sent == 1);
  CHECK(wire.base64.Copies() == 0);
  REQUIRE(kms.Encrypt(kKmsArn, made->plaintext, {{"long", std::string(1000, 'x')}}));
  CHECK(wire.copies_while_sent == 2);  // the text, and the request that holds it
  CHECK(wire.base64.Copies() == 0);
  wire.cut = true;
  CHECK_FALSE(kms.GenerateDataKey(kKmsArn, {}));
  CHECK(wire.base64.Copies() == 0);
}

TEST_CASE_METHOD(Fixture, "KMS: a reply that is none is refused, and leaves no key behind") {
  const std::string base64 = Base64Of(kKmsPlaintext);
  const std::string arn = std::string(R"("KeyId":")") + kKmsArn + "\"";
  const std::string blob = R"("CiphertextBlob":"AAAA")";
  const std::string key = R"("Plaintext":")" + base64 + "\"";
  for (const std::string& body :
       {std::string(), std::string("{}"), "{" + arn + "," + blob + "}", "{" + arn + "," + key + "}",
        "{" + blob + "," + key + "}", "{" + arn + "," + key + R"(,"CiphertextBlob":""})",
        "{" + arn + "," + key + R"(,"CiphertextBlob":"A"})",
        "{" + arn + "," + key + R"(,"CiphertextBlob":")" + Base64Of(std::string(6145, 'x')) + "\"}",
        "{" + arn + "," + blob + "," + key, "{" + arn + "," + blob + "," + key + "," + key + "}",
        "{" + arn + "," + blob + R"(,"Plaintext":7})", std::string("<html>")}) {
    CAPTURE(body);
    FakeTransport answers;
    answers.Then(Reply(200, {{"x-amzn-RequestId", "R-7"}}, body));
    KmsClient client(answers, MakeKmsAddress("eu-west-1", "", false).value(), arena);
    const auto reply = client.GenerateDataKey(kKmsArn, kContext);
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Code::kUnavailable);
    CHECK(reply.error().what.find("R-7") != std::string::npos);
    CHECK(reply.error().what.find(base64.substr(0, 12)) == std::string::npos);
    CHECK(arena.in_use() == 0);
  }
}

TEST_CASE_METHOD(Fixture, "KMS: what it refuses, with the request id, and never a key") {
  const Secret key = arena.Copy(AsBytes(kKmsPlaintext)).value();
  const std::string base64 = Base64Of(kKmsPlaintext);
  wire.Then(KmsRefused("ValidationException", 400, "Value " + base64 + " at 'plaintext'"));
  const auto refused = kms.Encrypt(kKmsArn, key, kContext);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kInvalid);
  CHECK(refused.error().what.find(base64.substr(0, 12)) == std::string::npos);
  CHECK(refused.error().what.find("request id R-9") != std::string::npos);
  FakeTransport answers;
  answers.Then(KmsRefused("DisabledException"));
  KmsClient client(answers, MakeKmsAddress("eu-west-1", "", false).value(), arena);
  const auto disabled = client.Decrypt(kKmsArn, kKmsBlob, kContext);
  CHECK(disabled.error().code == Code::kKeyDisabled);
  CHECK(disabled.error().service_code == "DisabledException");
  CHECK(disabled.error().what.find("Decrypt: DisabledException (400): in words") == 0);
}

TEST_CASE("KMS: throttling, though status 400, is waited out within the deadline") {
  SecretArena arena(4);
  FakeClock clock;
  ServerTime time(clock);
  SilentObserver observer;
  Counters counters;
  FakeTransport wire;
  RetryOptions options;
  options.deadline = std::chrono::seconds(30);
  options.seed = 1;
  RetryingTransport retrying(wire, options, {clock, time, observer, &counters});
  KmsClient kms(retrying, MakeKmsAddress("eu-west-1", "", false).value(), arena);

  SECTION("which ends well") {
    wire.Then(KmsRefused("ThrottlingException"))
        .Then(KmsRefused("com.amazonaws.kms#ThrottlingException"))
        .Then(KmsRefused("KMSInternalException", 500))
        .Then(KmsGenerated());
    CHECK(kms.GenerateDataKey(kKmsArn, {}));
    CHECK(wire.seen().size() == 4);
    CHECK(counters.Snapshot().Of(Operation::kKmsGenerateDataKey).retries == 3);
  }
  SECTION("or does not") {
    wire.Then(KmsRefused("ThrottlingException"));
    const auto reply = kms.GenerateDataKey(kKmsArn, {});
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == Code::kTimeout);
    CHECK(reply.error().what.find("ThrottlingException") != std::string::npos);
    CHECK(clock.Steady() >= SteadyTime(std::chrono::hours(1)) + options.deadline);
    CHECK(wire.seen().size() > 3);
  }
  SECTION("and what will not change is not asked again") {
    wire.Then(KmsRefused("AccessDeniedException"));
    CHECK(kms.GenerateDataKey(kKmsArn, {}).error().code == Code::kDenied);
    CHECK(wire.seen().size() == 1);
  }
  SECTION("a wrong clock is mended by the reply's Date") {
    Response skewed = KmsRefused("InvalidSignatureException", 400, "Signature expired");
    skewed.headers.Add("Date", "Fri, 02 Jan 2026 03:34:05 GMT");
    wire.Then(skewed).Then(KmsGenerated());
    CHECK(kms.GenerateDataKey(kKmsArn, {}));
    CHECK(time.offset_s() == 1800);
  }
  SECTION("a network that is down says so") {
    wire.Then(Error{Code::kUnavailable, "connection refused"});
    const auto reply = kms.GenerateDataKey(kKmsArn, {});
    CHECK(reply.error().code == Code::kTimeout);
    CHECK(reply.error().what.find("GenerateDataKey at https://kms.eu-west-1") == 0);
  }
}

}  // namespace coffer::s3::kms_test
