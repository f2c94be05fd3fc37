#include "crypto/string_map.h"

#include <catch2/catch.hpp>

namespace coffer::string_map_test {

TEST_CASE("string map: one JSON object of strings") {
  using Map = std::map<std::string, std::string>;
  CHECK(*ParseStringMap("{}") == Map{});
  CHECK(*ParseStringMap(R"( {"a":"b", "\u00e4":"\"x\""} )") == Map{{"a", "b"}, {"ä", "\"x\""}});
}

TEST_CASE("string map: whatever two readers could take for two things is refused") {
  for (const char* text :
       {"", "[]", "\"a\"", "null", R"({"a":1})", R"({"a":null})", R"({"a":true})", R"({"a":{}})",
        R"({"a":["b"]})", R"({"a":"b","a":"c"})", R"({"a":"b","\u0061":"b"})", R"({"a":"b"} x)",
        R"({"a":"b"}{})", R"({"a":"b",})", R"({"a":"b)", "{\"a\":\"\xff\"}", R"({"a":-1.5})"}) {
    INFO(text);
    const auto read = ParseStringMap(text);
    REQUIRE_FALSE(read);
    CHECK(read.error().code == Code::kInvalid);
  }
  CHECK_FALSE(ParseStringMap(std::string(100'000, '{')));
}

}  // namespace coffer::string_map_test
