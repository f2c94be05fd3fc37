#include "s3client/json.h"

#include <catch2/catch.hpp>
#include <span>
#include <string>

#include "crypto/encoding.h"

namespace coffer::s3::json_test {

TEST_CASE("JSON: the members of an object within one") {
  const std::string text = R"({"a": {"b": "1", "c": [2]}, "d": 3})";
  const auto inner = ParseJsonObject(text, "a");
  REQUIRE(inner);
  CHECK(*inner == std::map<std::string, std::string>{{"b", "1"}});
  CHECK_FALSE(ParseJsonObject(text, "d"));
  CHECK_FALSE(ParseJsonObject(text, "e"));
  CHECK_FALSE(ParseJsonObject("[]", "a"));
  CHECK_FALSE(ParseJsonObject("", "a"));
}

TEST_CASE("JSON: the members of one object as text") {
  const auto parsed =
      ParseJsonObject(R"( {"a": "x\"\u00e9", "b": 1, "c": true, "d": null, "e": [1], "f": {}} )");
  REQUIRE(parsed);
  CHECK(*parsed ==
        std::map<std::string, std::string>{{"a", "x\"\xc3\xa9"}, {"b", "1"}, {"c", "true"}});
}

TEST_CASE("JSON: anything but one object is refused without being quoted") {
  for (const std::string& text :
       {std::string(), std::string("[1]"), std::string("\"secret\""), std::string("{\"a\":1"),
        std::string("{} {}"), std::string("{\"a\":\"\xff\"}"), std::string("{'a':1}"),
        "{\"a\":" + std::string(100000, '[') + std::string(100000, ']') + "}"}) {
    const auto parsed = ParseJsonObject(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::kInvalid);
    CHECK(parsed.error().what.find("secret") == std::string::npos);
  }
}

TEST_CASE("JSON: a string that is written reads the same") {
  CHECK(JsonString("") == R"("")");
  CHECK(JsonString("a\"b\\c/\n\x01\x7f é") == "\"a\\\"b\\\\c/\\u000a\\u0001\\u007f é\"");
  std::string all;
  for (int c = 1; c < 0x80; ++c) all += static_cast<char>(c);
  const auto parsed = ParseJsonObject("{" + JsonString(all) + ":" + JsonString(all + "é") + "}");
  REQUIRE(parsed);
  CHECK(*parsed == std::map<std::string, std::string>{{all, all + "é"}});
}

constexpr std::string_view kKey = "\xff\xfe\xfd/+==0123456789abcdefghijkl";

// The key that was taken, or the code of the failure; `text` is what is left of it.
std::string Take(std::string& text) {
  SecretArena arena(4);
  const auto key = TakeSecretMember(std::as_writable_bytes(std::span(text)), "Plaintext", arena);
  if (!key) return key.error().code == Code::kInvalid ? "invalid" : "other";
  return std::string(AsText(key->view()));
}

TEST_CASE("JSON: a key is taken out of the text, and blanks are left") {
  const std::string base64 = Base64Encode(AsBytes(kKey));
  for (const std::string& before : {std::string("{"), std::string(R"({"a":"Plaintext",)"),
                                    std::string(R"({"x":{"Plaintext":"AAAA"},"\"":[1,"{"],)")}) {
    for (const std::string& after : {std::string("}"), std::string(R"( , "z":"\\"} )")}) {
      std::string text = before + "\"Plaintext\" : \"" + base64 + "\"" + after;
      CHECK(Take(text) == kKey);
      CHECK(text == before + "\"Plaintext\" : \"" + std::string(base64.size(), ' ') + "\"" + after);
      CHECK(ParseJsonObject(text));
    }
  }
}

TEST_CASE("JSON: a key that was written with escapes is the same key") {
  std::string text = "{\"Plaintext\":\"";
  for (const char c : Base64Encode(AsBytes(kKey))) {
    if (c == '/')
      text += "\\/";
    else if (c == '+')
      text += "\\u002b";
    else if (c == '=')
      text += "\\u003D";
    else
      text += c;
  }
  text += "\"}";
  CHECK(Take(text) == kKey);
  CHECK(text.find_first_not_of(' ', 14) == text.size() - 2);
}

TEST_CASE("JSON: what is no key, or more than one, is refused and does not stay") {
  const std::string base64 = Base64Encode(AsBytes(kKey));
  for (const std::string& value :
       {base64 + "!", base64 + "\\n", base64.substr(1), std::string(), base64 + "\\u01",
        base64 + base64 + base64, "\\u0141" + base64.substr(1)}) {
    CAPTURE(value);
    std::string text = "{\"Plaintext\":\"" + value + "\"}";
    CHECK(Take(text) == "invalid");
    CHECK(text.find(base64.substr(2, 8)) == std::string::npos);
  }
  std::string twice = "{\"Plaintext\":\"" + base64 + "\",\"Plaintext\":\"" + base64 + "\"}";
  CHECK(Take(twice) == "invalid");
  CHECK(twice.find(base64.substr(0, 8)) == std::string::npos);
  for (std::string text :
       {std::string(), std::string("{}"), std::string(R"({"Plaintext":7})"),
        std::string(R"({"Plaintext")"), std::string(R"({"Plaintext":)"),
        std::string(R"({"Plaintext":"AAAA)"), std::string(R"("Plaintext":"AAAA")"),
        std::string(R"({"x":{"Plaintext":"AAAA"}})"), std::string(R"({"plaintext":"AAAA"})")}) {
    CAPTURE(text);
    CHECK(Take(text) == "invalid");
  }
}

}  // namespace coffer::s3::json_test
