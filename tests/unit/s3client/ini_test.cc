#include "s3client/ini.h"

#include <catch2/catch.hpp>

namespace coffer::s3::ini_test {

TEST_CASE("INI: what one line may mean") {
  struct Row {
    const char* name;
    std::string_view text;
    IniFile expected;
  };
  const Row rows[] = {
      {"nothing", "", {}},
      {"comments and blank lines", "# one\n; two\n\n  # three\n", {}},
      {"a section without settings", "[default]\n", {{"default", {}}}},
      {"white space around everything",
       "[ profile \t x ]\n key\t= a b \n",
       {{"profile x", {{"key", "a b"}}}}},
      {"a comment after a value needs white space",
       "[a]\nk = v # c\nl = v#c\nm = v;c ;d\n",
       {{"a", {{"k", "v"}, {"l", "v#c"}, {"m", "v;c"}}}}},
      {"form feeds and vertical tabs are white space",
       "\f\v\n[\fa\v]\n\fk\v=\f1\v\n",
       {{"a", {{"k", "1"}}}}},
      {"keys have no case, sections do",
       "[A]\nKey = 1\n[a]\nKEY = 2\n",
       {{"A", {{"key", "1"}}}, {"a", {{"key", "2"}}}}},
      {"a later duplicate wins, and sections merge",
       "[a]\nk = 1\nl = 1\n[b]\n[a]\nk = 2\nk = 3\n",
       {{"a", {{"k", "3"}, {"l", "1"}}}, {"b", {}}}},
      {"sub-keys",
       "[a]\ns3 =\n  use_arn_region = true\n\n\taddressing_style=path\nregion = r\n",
       {{"a",
         {{"s3", ""},
          {"s3.use_arn_region", "true"},
          {"s3.addressing_style", "path"},
          {"region", "r"}}}}},
      {"a value goes on", "[a]\nk = one\n  two = 2\n", {{"a", {{"k", "one\ntwo = 2"}}}}},
      {"the first setting may be indented", "[a]\n  k = v\n", {{"a", {{"k", "v"}}}}},
      {"an equals sign in a value", "[a]\nk = a=b==\n", {{"a", {{"k", "a=b=="}}}}},
      {"carriage returns", "[a]\r\nk = v\r\n", {{"a", {{"k", "v"}}}}},
      {"a byte order mark", "\xef\xbb\xbf[a]\nk = v", {{"a", {{"k", "v"}}}}},
      {"a comment after a section", "[a] # x\nk=v\n", {{"a", {{"k", "v"}}}}},
  };
  for (const auto& row : rows) {
    CAPTURE(row.name);
    const auto parsed = ParseIni(row.text);
    REQUIRE(parsed);
    CHECK(*parsed == row.expected);
  }
}

TEST_CASE("INI: what cannot be understood names its line and quotes nothing") {
  const std::pair<std::string_view, std::string_view> rows[] = {
      {"k = secret\n", "line 1"},          {"[a]\nsecret\n", "line 2"},
      {"[a]\n= secret\n", "line 2"},       {"[a\n", "line 1"},
      {"[a]\ns3 =\n  secret\n", "line 3"}, {"[a]\ns3 =\n  = secret\n", "line 3"},
  };
  for (const auto& [text, line] : rows) {
    CAPTURE(text);
    const auto parsed = ParseIni(text);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == Code::kInvalid);
    CHECK(parsed.error().what.find(line) != std::string::npos);
    CHECK(parsed.error().what.find("secret") == std::string::npos);
  }
}

}  // namespace coffer::s3::ini_test
