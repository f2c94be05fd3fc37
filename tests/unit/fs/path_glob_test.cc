#include "fs/path_glob.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace coffer::fs::path_glob_test {

struct Row {
  const char* glob;
  std::vector<std::string> matches;
  std::vector<std::string> misses;
};

TEST_CASE("path_glob: anchored, and what crosses slashes") {
  const std::vector<Row> rows = {
      {"config", {"config"}, {"a/config", "configs", "confi", ""}},
      {"/config", {"config"}, {"a/config"}},
      {"data/**", {"data/a", "data/a/b", "data/.x"}, {"data", "xdata/a", "a/data/b"}},
      {"data/*", {"data/a", "data/.x"}, {"data/a/b", "data"}},
      {"**", {"a", "a/b", ".a/.b"}, {}},
      {"*", {"a", ".a"}, {"a/b"}},
      {"*.iso", {"x.iso", ".iso"}, {"a/x.iso", "x.iso.part"}},
      {"**/*.iso", {"x.iso", "a/x.iso", "a/b/x.iso"}, {"x.iso/y"}},
      {"a/**/b", {"a/b", "a/x/b", "a/x/y/b"}, {"ab", "a/xb", "xa/b", "a/b/c"}},
      {"a**b", {"ab", "a/b", "axx/yb"}, {"a", "b"}},
      {"a/**/**/b", {"a/b", "a/x/b", "a/x/y/b"}, {"ab"}},
      {"snap-????", {"snap-2030"}, {"snap-203", "snap-20300", "snap-2/30"}},
      {"[a-c]x", {"ax", "cx"}, {"dx", "x"}},
      {"[!a]x", {"bx"}, {"ax", "/x"}},
      {"[^a]x", {"bx"}, {"ax"}},
      {"a[b/]c", {"abc"}, {"a/c"}},
      {"[]]x", {"]x"}, {"[x"}},
      {"[a-]x", {"-x", "ax"}, {"bx"}},
      {"[\\]a]x", {"]x", "ax"}, {"\\x"}},
      {"\\*", {"*"}, {"a"}},
      {"\\{a\\}", {"{a}"}, {"a"}},
  };
  for (const Row& row : rows) {
    INFO(row.glob);
    const auto glob = PathGlob::Parse(row.glob);
    REQUIRE(glob);
    for (const std::string& path : row.matches) CHECK((glob->Matches(path) ? "" : path) == "");
    for (const std::string& path : row.misses) CHECK((glob->Matches(path) ? path : "") == "");
  }
}

TEST_CASE("path_glob: characters, not bytes; bytes that are none count for themselves") {
  CHECK(PathGlob::Parse("?")->Matches("\xc3\xa4"));
  CHECK(PathGlob::Parse("[\xc3\xa4-\xc3\xbc]")->Matches("\xc3\xb6"));
  CHECK_FALSE(PathGlob::Parse("??")->Matches("\xc3\xa4"));
  CHECK(PathGlob::Parse("?")->Matches("\xff"));
  CHECK(PathGlob::Parse("\xff")->Matches("\xff"));
  CHECK_FALSE(PathGlob::Parse("\xff")->Matches("\xfe"));
  CHECK(PathGlob::Parse("??")->Matches("\xc3x"));
}

TEST_CASE("path_glob: what would silently match nothing is refused") {
  for (const char* pattern : {"", "/", "data/", "a//b", "//a", "./a", "a/../b", "{a,b}", "a}", "[a",
                              "[", "[]", "[z-a]", "a\\"}) {
    INFO(pattern);
    const auto glob = PathGlob::Parse(pattern);
    REQUIRE_FALSE(glob);
    CHECK(glob.error().code == Code::kInvalid);
  }
}

TEST_CASE("path_glob: what a listing can be narrowed to") {
  CHECK(PathGlob::Parse("data/**")->literal_prefix() == "data/");
  CHECK(PathGlob::Parse("/a/b*c")->literal_prefix() == "a/b");
  CHECK(PathGlob::Parse("**")->literal_prefix().empty());
  CHECK(PathGlob::Parse("a\\*b")->literal_prefix() == "a*b");
  CHECK(PathGlob::Parse("a\\*b")->literal());
  CHECK_FALSE(PathGlob::Parse("a*")->literal());
}

TEST_CASE("path_glob: no pattern takes forever") {
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "**a*";
  const auto glob = PathGlob::Parse(pattern + "b");
  REQUIRE(glob);
  CHECK_FALSE(glob->Matches(std::string(1000, 'a')));
  CHECK(glob->Matches(std::string(1000, 'a') + "b"));
}

}  // namespace coffer::fs::path_glob_test
