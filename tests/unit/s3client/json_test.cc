#include "s3client/json.h"

#include <catch2/catch.hpp>

namespace coffer::s3 {

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

}  // namespace coffer::s3
