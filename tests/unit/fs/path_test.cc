#include "fs/path.h"

#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <set>
#include <string>

namespace coffer::fs::path_test {

std::string Repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

struct KeyCase {
  std::string key;
  bool visible;
};

// The keys of a hostile bucket: shown as they are when every component is a name, else hidden.
std::vector<KeyCase> HostileKeys() {
  using namespace std::string_literals;
  return {
      {"a//b", false},
      {"/a", false},
      {"//", false},
      {"/", false},
      {"a/./b", false},
      {"a/../b", false},
      {".", false},
      {"..", false},
      {"./", false},
      {"../", false},
      {"../x", false},
      {"a/..", false},
      {"a/.", false},
      {"a//", false},
      {"a/", true},
      {"a", true},
      {"a/b", true},
      {"..."s, true},
      {"..a", true},
      {".a", true},
      {"\0"s, false},
      {"a\0b"s, false},
      {"a/\0"s, false},
      {"\x01", true},
      {"\x7f", true},
      {"\n", true},
      {"\r\n", true},
      {" ", true},
      {"a ", true},
      {" a", true},
      {"a\\b", true},
      {"%2F", true},
      {"%00", true},
      {"+", true},
      {"&lt;", true},
      {"&#0;", true},
      {"<a>", true},
      {"]]>", true},
      {"\xc3\xa9", true},          // e acute, composed
      {"e\xcc\x81", true},         // and decomposed: another name
      {"\xf0\x9f\x98\x80", true},  // emoji
      {"\xed\xa0\x80", true},      // lone surrogate: names are bytes
      {"\xff\xfe", true},          // not UTF-8
      {"a\xc0\xaf"
       "b",
       true},  // an overlong '/' is not a '/'
      {"a\xe2\x80\xae"
       "b",
       true},  // bidi override
      {std::string(255, 'n'), true},
      {std::string(256, 'n'), false},
      {"d/" + std::string(256, 'n'), false},
      {std::string(256, 'n') + "/f", false},
      {std::string(255, 'n') + "/", true},
      {Repeat(std::string(203, 'k') + "/", 5) + "1234", true},    // 1,024 bytes
      {Repeat(std::string(203, 'k') + "/", 5) + "12345", false},  // 1,025
      {Repeat("d/", 500) + "f", true},
      {".fuse_hidden0000000100000001", true},
      {"a_$folder$", true},
      {"$(rm -rf ~);`x`|&*?[]{}'\"", true},
      {"-rf", true},
      {"Case", true},
      {"case", true},
      {"dot.", true},
  };
}

TEST_CASE("keys of a hostile bucket: what is a name is shown, what is not is hidden") {
  for (const KeyCase& one : HostileKeys()) {
    INFO("key of " << one.key.size() << " bytes: " << one.key);
    CHECK(IsVisibleKey("", one.key) == one.visible);
    if (one.key.size() > 1000) continue;  // with a prefix the whole key is too long
    CHECK(IsVisibleKey("p/q/", "p/q/" + one.key) == one.visible);
    CHECK_FALSE(IsVisibleKey("p/q/", "p/x/" + one.key));
  }
  CHECK(IsVisibleKey("p/", "p/"));         // the root's own marker
  CHECK(IsVisibleKey("a//b/", "a//b/c"));  // only what is below the prefix has to be names
}

TEST_CASE("random keys: visible exactly when splitting at '/' gives names") {
  std::mt19937 random(20240601);
  const std::string alphabet("/.ab\0", 5);
  for (int i = 0; i < 100'000; ++i) {
    std::string key;
    const auto length = random() % 9;
    for (unsigned j = 0; j < length; ++j) key += alphabet[random() % alphabet.size()];
    // The other way round: build the components first, then ask whether each is harmless.
    std::vector<std::string> parts{""};
    for (const char c : key) {
      if (c == '/') {
        parts.emplace_back();
      } else {
        parts.back() += c;
      }
    }
    if (parts.size() > 1 && parts.back().empty()) parts.pop_back();
    bool expected = true;
    for (const std::string& part : parts) {
      expected =
          expected && !part.empty() && part != "." && part != ".." && part.find('\0') == part.npos;
    }
    if (key.empty()) expected = true;
    INFO(key);
    REQUIRE(IsVisibleKey("", key) == expected);
  }
}

TEST_CASE("names") {
  CHECK(IsName("a"));
  CHECK(IsName(std::string(255, 'x')));
  CHECK_FALSE(IsName(std::string(256, 'x')));
  CHECK_FALSE(IsName(""));
  CHECK_FALSE(IsName("."));
  CHECK_FALSE(IsName(".."));
  CHECK_FALSE(IsName("a/b"));
  CHECK_FALSE(IsName(std::string_view("a\0b", 3)));
}

TEST_CASE("inode numbers are the first eight bytes of SHA-256, for ever") {
  // FIPS 180-2's own examples.
  CHECK(InodeNumber("abc") == 0xba7816bf8f01cfea);
  CHECK(InodeNumber("") == 0xe3b0c44298fc1c14);
  CHECK(InodeNumber("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        0x248d6a61d20638b8);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t number = InodeNumber("key" + std::to_string(i));
    CHECK(number > 1);
    seen.insert(number);
  }
  CHECK(seen.size() == 10'000);
  CHECK(InodeNumber("a") != InodeNumber("a/"));
}

TEST_CASE("the parent of a key") {
  CHECK(ParentPrefix("a/b/c") == "a/b/");
  CHECK(ParentPrefix("a/b/c/") == "a/b/");
  CHECK(ParentPrefix("a") == "");
  CHECK(ParentPrefix("a/") == "");
  CHECK(ParentPrefix("") == "");
}

}  // namespace coffer::fs::path_test
