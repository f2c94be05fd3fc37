#include "crypto/encoding.h"

#include <catch2/catch.hpp>

using namespace std::string_view_literals;

namespace coffer::encoding_test {

TEST_CASE("hex: both ways, any case, refusals") {
  CHECK(HexEncode(AsBytes("\x00\x7f\xff\x0a"sv)) == "007fff0a");
  CHECK(AsText(HexDecode("007FfF0a").value()) == "\x00\x7f\xff\x0a"sv);
  CHECK(HexDecode("").value().empty());
  CHECK(HexDecode("abc").error().code == Code::kInvalid);
  CHECK(HexDecode("0g").error().code == Code::kInvalid);
  CHECK(HexDecode("-1").error().code == Code::kInvalid);
}

TEST_CASE("base64: the vectors of RFC 4648") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xff\xfe\xfd", "//79"},
      {"\xfb\xef\xbe", "++++"},
  };
  for (const auto& [plain, encoded] : rows) {
    CAPTURE(encoded);
    CHECK(Base64Encode(AsBytes(plain)) == encoded);
    const auto decoded = Base64Decode(encoded);
    REQUIRE(decoded);
    CHECK(AsText(*decoded) == plain);
  }
}

TEST_CASE("base64: only the canonical form decodes") {
  for (const auto text : {"Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm9v\n", "Zm 9", "Z=9v",
                          "-_-_", "Zg==Zg=="}) {
    CAPTURE(text);
    CHECK(Base64Decode(text).error().code == Code::kInvalid);
  }
}

TEST_CASE("hex and base64 decode in place, into exactly as many bytes as they stand for") {
  Bytes out(3);
  CHECK(HexDecodeTo("00ff10", out));
  CHECK(AsText(out) == "\x00\xff\x10"sv);
  CHECK(HexDecodeTo("00ff", out).error().code == Code::kInvalid);
  CHECK(HexDecodeTo("00ff1", out).error().code == Code::kInvalid);
  CHECK(Base64DecodeTo("Zm9v", out));
  CHECK(AsText(out) == "foo");
  CHECK(Base64DecodeTo("Zm8=", out).error().code == Code::kInvalid);
  CHECK(Base64DecodeTo("Zm9vYg==", out).error().code == Code::kInvalid);
  CHECK(Base64Size("").value() == 0);
  CHECK(Base64Size("Zm9vYg==").value() == 4);
  CHECK(Base64Size("Zm9vY").error().code == Code::kInvalid);
}

TEST_CASE("percent-encoding: paths keep '/', queries do not") {
  CHECK(UriEscape("a/b c", Slash::kKeep) == "a/b%20c");
  CHECK(UriEscape("a/b c", Slash::kEscape) == "a%2Fb%20c");
  CHECK(UriEscape("AZaz09-_.~", Slash::kEscape) == "AZaz09-_.~");
  CHECK(UriEscape("+*'()!$&@:=,%\n\x80\xff"sv, Slash::kKeep) ==
        "%2B%2A%27%28%29%21%24%26%40%3A%3D%2C%25%0A%80%FF");
  CHECK(UriEscape("\0"sv, Slash::kKeep) == "%00");
}

TEST_CASE("percent-decoding: strict, and '+' as the service means it") {
  CHECK(UriUnescape("a%2Fb%20c%e4+").value() == "a/b c\xe4+");
  CHECK(UriUnescape("a+b%2B", Plus::kIsSpace).value() == "a b+");
  CHECK(UriUnescape("").value().empty());
  for (const auto text : {"%", "%4", "a%", "%zz", "%-1", "%4g"}) {
    CAPTURE(text);
    CHECK(UriUnescape(text).error().code == Code::kInvalid);
  }
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  CHECK(UriUnescape(UriEscape(every, Slash::kEscape), Plus::kIsSpace).value() == every);
}

}  // namespace coffer::encoding_test
