#include "s3client/sigv4.h"

#include <catch2/catch.hpp>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "s3client/sigv4a.h"
#include "s3client/time_text.h"

namespace coffer::s3::sigv4_test {

// The examples of "Authenticating Requests (AWS Signature Version 4)" in the S3 API reference.
const Credentials kExample{
    "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", {}, {}, {}, {}};
const SigningScope kScope{Scheme::kSigV4, "s3", "us-east-1"};
const WallTime kTime = WallTime(std::chrono::seconds(1369353600));

Request ExampleRequest() {
  Request request;
  request.url.host = "examplebucket.s3.amazonaws.com";
  return request;
}

std::string SignatureOf(std::string_view authorization) {
  return std::string(authorization.substr(authorization.find("Signature=") + 10));
}

std::string Signed(Request request, const SigningScope& scope = kScope,
                   const Credentials& credentials = kExample) {
  REQUIRE(SignHeaders(request, scope, credentials, kTime));
  return std::string(request.headers.Get("Authorization"));
}

TEST_CASE("SigV4: GET object with a range, as published") {
  Request request = ExampleRequest();
  request.url.path = "/test.txt";
  request.headers.Add("Range", "bytes=0-9");
  CHECK(Signed(request) ==
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST_CASE("SigV4: PUT object, as published") {
  Request request = ExampleRequest();
  request.method = "PUT";
  request.url.path = "/test%24file.text";
  request.body = AsBytes("Welcome to Amazon S3.");
  request.headers.Add("Date", "Fri, 24 May 2013 00:00:00 GMT");
  request.headers.Add("x-amz-storage-class", "REDUCED_REDUNDANCY");
  CHECK(SignatureOf(Signed(request)) ==
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST_CASE("SigV4: GET bucket lifecycle and list, as published") {
  Request request = ExampleRequest();
  request.url.query = {{"lifecycle", ""}};
  CHECK(SignatureOf(Signed(request)) ==
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  request.url.query = {{"prefix", "J"}, {"max-keys", "2"}};
  CHECK(SignatureOf(Signed(request)) ==
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST_CASE("SigV4: presigned URL, as published") {
  Request request = ExampleRequest();
  request.url.path = "/test.txt";
  const auto url = Presign(request, kScope, kExample, kTime, std::chrono::hours(24));
  REQUIRE(url);
  CHECK(*url ==
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST_CASE("presigned URLs live between one second and seven days") {
  const Request request = ExampleRequest();
  using std::chrono::seconds;
  CHECK(Presign(request, kScope, kExample, kTime, seconds(604800)));
  CHECK(Presign(request, kScope, kExample, kTime, seconds(604801)).error().code == Code::kInvalid);
  CHECK(Presign(request, kScope, kExample, kTime, seconds(0)).error().code == Code::kInvalid);
}

TEST_CASE("SigV4: repeated query names, empty values and odd bytes sort by their encoded form") {
  Url url;
  url.host = "h";
  url.query = {{"b", "2"}, {"b", ""}, {"a-", "x"}, {"a", "/+ \x80"}, {"B", "1"}, {"b", "10"}};
  CHECK(url.EncodedQuery() == "B=1&a=%2F%2B%20%80&a-=x&b=&b=10&b=2");
  CHECK(url.ToString() == "https://h/?B=1&a=%2F%2B%20%80&a-=x&b=&b=10&b=2");
  CHECK(Url{false, "h", 0, "/a%2Fb", {}}.ToString() == "http://h/a%2Fb");
}

TEST_CASE("the authority names only a port that is not the scheme's own") {
  CHECK(Url{true, "h", 443, "/", {}}.Authority() == "h");
  CHECK(Url{true, "h", 80, "/", {}}.Authority() == "h:80");
  CHECK(Url{false, "h", 80, "/", {}}.Authority() == "h");
  CHECK(Url{false, "[::1]", 9000, "/", {}}.Authority() == "[::1]:9000");
}

TEST_CASE("SigV4: what the way may change is not signed; white space and repeats do not matter") {
  Request a = ExampleRequest();
  a.headers.Add("X-Amz-Meta-X", "one  two");
  a.headers.Add("X-Amz-Meta-X", "three");
  Request b = ExampleRequest();
  b.headers.Add("User-Agent", "coffer/1");
  b.headers.Add("Content-Length", "0");
  b.headers.Add("Expect", "100-continue");
  b.headers.Add("x-amz-meta-x", "  one two,three ");
  CHECK(Signed(a) == Signed(b));
  b.headers.Set("x-amz-meta-x", "one two,four");
  CHECK(Signed(a) != Signed(b));
}

TEST_CASE("SigV4: signing again replaces the old signature and token") {
  Credentials session = kExample;
  session.session_token = "token";
  Request request = ExampleRequest();
  REQUIRE(SignHeaders(request, kScope, session, kTime - std::chrono::hours(1)));
  CHECK(request.headers.Get("x-amz-security-token") == "token");
  REQUIRE(SignHeaders(request, kScope, kExample, kTime));
  CHECK_FALSE(request.headers.Has("x-amz-security-token"));
  CHECK(request.headers.Get("Authorization") == Signed(ExampleRequest()));
}

TEST_CASE("SigV4: a session of a directory bucket has a header of its own") {
  Credentials session = kExample;
  session.session_token = "token";
  Request request = ExampleRequest();
  const SigningScope scope{Scheme::kSigV4S3Express, "s3express", "us-east-1"};
  REQUIRE(SignHeaders(request, scope, session, kTime));
  CHECK(request.headers.Get("x-amz-s3session-token") == "token");
  CHECK_FALSE(request.headers.Has("x-amz-security-token"));
  const auto url = Presign(ExampleRequest(), scope, session, kTime, std::chrono::seconds(60));
  REQUIRE(url);
  CHECK(url->find("&X-Amz-S3session-Token=token") != std::string::npos);
}

TEST_CASE("signing without a whole pair of keys is refused") {
  Credentials half = kExample;
  half.secret_access_key.clear();
  Request request = ExampleRequest();
  CHECK(SignHeaders(request, kScope, half, kTime).error().code == Code::kInvalid);
  CHECK_FALSE(request.headers.Has("Authorization"));
}

TEST_CASE("SigV4A: the derived key is the one that AWS's test suite publishes") {
  const Credentials suite{
      "AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom", {}, {}, {}, {}};
  const auto key = DeriveSigV4aKey(suite);
  REQUIRE(key);
  CHECK(HexEncode(key->public_point()) ==
        "04"
        "15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb"
        "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0");
}

TEST_CASE("SigV4A: the signature verifies over the string to sign, which names no region") {
  const SigningScope scope{Scheme::kSigV4A, "s3", "*"};
  const std::string authorization = Signed(ExampleRequest(), scope);
  CHECK(authorization.starts_with(
      "AWS4-ECDSA-P256-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/s3/aws4_request, "
      "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-region-set, Signature="));
  const std::string empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const std::string canonical =
      "GET\n/\n\nhost:examplebucket.s3.amazonaws.com\nx-amz-content-sha256:" + empty +
      "\nx-amz-date:20130524T000000Z\nx-amz-region-set:*\n\n"
      "host;x-amz-content-sha256;x-amz-date;x-amz-region-set\n" +
      empty;
  const std::string to_sign =
      "AWS4-ECDSA-P256-SHA256\n20130524T000000Z\n20130524/s3/aws4_request\n" +
      HexEncode(Sha256(AsBytes(canonical)));
  const auto key = DeriveSigV4aKey(kExample);
  REQUIRE(key);
  const auto signature = HexDecode(SignatureOf(authorization));
  REQUIRE(signature);
  CHECK(key->Verify(AsBytes(to_sign), *signature));
}

TEST_CASE("headers: names without case, order kept") {
  Headers headers;
  headers.Add("ETag", "a");
  headers.Add("etag", "b");
  headers.Add("Empty", "");
  CHECK(headers.Get("ETAG") == "a");
  CHECK(headers.Has("empty"));
  CHECK_FALSE(headers.Has("emp"));
  headers.Set("eTag", "c");
  CHECK(headers.fields().size() == 2);
  headers.Remove("EMPTY");
  CHECK(headers.fields() == std::vector<std::pair<std::string, std::string>>{{"eTag", "c"}});
  for (int i = 0; i < kOperationCount; ++i) CHECK(Name(static_cast<Operation>(i)).size() > 2);
}

TEST_CASE("moments as the services want them written") {
  CHECK(CompactTime(kTime) == "20130524T000000Z");
  CHECK(IsoTime(kTime + std::chrono::seconds(3661)) == "2013-05-24T01:01:01Z");
  CHECK(IsoTime(WallTime(std::chrono::seconds(-1))) == "1969-12-31T23:59:59Z");
}

}  // namespace coffer::s3::sigv4_test
