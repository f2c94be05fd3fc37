#include "crypto/name_tag.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::name_tag_test {

constexpr auto kVolume = "0b5e1f6a-8f6b-4c1e-9d55-2f7f4b1c7a10";

struct Fixture {
  SecretArena arena{4};
  // The bytes 0 to 31.
  Secret key =
      arena
          .Copy(
              HexDecode("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").value())
          .value();

  Result<std::string> Tag(std::string_view name, const BoundAttributes& attributes,
                          std::string_view volume = kVolume) {
    return BindTag(key, {volume, name, attributes});
  }
};

// The expected tags were computed by another implementation; tests/format/read_message.py gives the
// same.
TEST_CASE("bind tag: vectors") {
  Fixture f;
  CHECK(f.Tag("", {}).value() == "1:2_VHCwSR-lTWeXUpZC0oUQ");
  CHECK(f.Tag("a/b", {{"mode", "33188"}, {"mtime", "1700000000.5"}, {"uid", "0"}}).value() ==
        "1:rEzX9kYidPApqHhfSpCLJQ");
  CHECK(f.Tag("\xc3\xa4/\xc3\x9f", {{"gid", ""}, {"xattr", std::string(300, 'x')}}).value() ==
        "1:qsumKNtiSHf4x4FUPFY01w");
}

TEST_CASE("bind tag: canonical attributes, byte by byte") {
  CHECK(CanonicalAttributes({})->empty());
  CHECK(HexEncode(*CanonicalAttributes({{"uid", "0"}, {"gid", ""}, {"Gid", "7"}})) ==
        "0003"
        "476964"
        "0001"
        "37"
        "0003"
        "676964"
        "0000"
        "0003"
        "756964"
        "0001"
        "30");
}

TEST_CASE("bind tag: volume, name, attributes and key each matter, and none runs into the next") {
  Fixture f;
  const BoundAttributes attributes{{"mode", "33188"}};
  const std::string tag = f.Tag("ab", attributes).value();
  const NameBinding binding{kVolume, "ab", attributes};
  CHECK(CheckBindTag(f.key, binding, tag));

  const BoundAttributes other{{"mode", "33189"}};
  const BoundAttributes more{{"mode", "33188"}, {"uid", ""}};
  const BoundAttributes moved{{"mode3", "3188"}};
  const BoundAttributes none;
  const NameBinding others[] = {
      {kVolume, "ab ", attributes},
      {kVolume, "a", attributes},
      {kVolume, "", attributes},
      {"0b5e1f6a-8f6b-4c1e-9d55-2f7f4b1c7a11", "ab", attributes},
      {std::string_view(kVolume).substr(0, 35), "0ab", attributes},
      {kVolume, "ab", other},
      {kVolume, "ab", more},
      {kVolume, "ab", moved},
      {kVolume, "ab", none},
  };
  for (const NameBinding& wrong : others) {
    CAPTURE(wrong.volume_id, wrong.name);
    CHECK(CheckBindTag(f.key, wrong, tag).error().code == Code::kCorrupt);
  }
  const Secret other_key = f.arena.Random(32).value();
  CHECK(CheckBindTag(other_key, binding, tag).error().code == Code::kCorrupt);
}

TEST_CASE("bind tag: only its own text is accepted") {
  Fixture f;
  const BoundAttributes attributes;
  const NameBinding binding{kVolume, "a", attributes};
  const std::string tag = f.Tag("a", attributes).value();
  CHECK(tag.size() == 24);
  for (const std::string& wrong :
       {std::string(), std::string("1:"), tag.substr(1), tag.substr(0, 23), tag + "=", tag + "A",
        "2" + tag.substr(1), " " + tag, tag + "\n"}) {
    CAPTURE(wrong);
    CHECK(CheckBindTag(f.key, binding, wrong).error().code == Code::kCorrupt);
  }
  for (std::size_t at = 0; at < tag.size(); ++at) {
    CAPTURE(at);
    std::string wrong = tag;
    wrong[at] = wrong[at] == 'A' ? 'B' : 'A';
    CHECK(CheckBindTag(f.key, binding, wrong).error().code == Code::kCorrupt);
  }
}

TEST_CASE("bind tag: what its lengths cannot say is refused") {
  Fixture f;
  const std::string longest(65535, 'x');
  CHECK(f.Tag(longest, {}));
  CHECK(f.Tag(longest + "x", {}).error().code == Code::kTooLarge);
  CHECK(f.Tag("a", {{"n", longest + "x"}}).error().code == Code::kTooLarge);
  CHECK(f.Tag("a", {{"n", std::string(65535 - 5, 'x')}}));
  CHECK(f.Tag("a", {{"n", std::string(65535 - 4, 'x')}}).error().code == Code::kTooLarge);
}

}  // namespace coffer::name_tag_test
