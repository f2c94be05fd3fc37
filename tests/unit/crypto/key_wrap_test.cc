#include "crypto/key_wrap.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::key_wrap_test {

Bytes Hex(std::string_view text) { return HexDecode(text).value(); }

TEST_CASE("key wrap: the example of RFC 3394 4.6") {
  SecretArena arena(4);
  const Bytes key = Hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  const Bytes wrapped =
      Hex("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21");
  const auto opened = UnwrapAesKeyWrap(key, wrapped, arena);
  REQUIRE(opened);
  CHECK(HexEncode(opened->view()) ==
        "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
}

TEST_CASE("key wrap: whatever is wrong is refused in one way") {
  SecretArena arena(4);
  const Bytes key(32);
  for (const auto unwrap : {UnwrapAesKeyWrap, UnwrapAesEcb}) {
    for (const std::size_t size : {0, 1, 15, 17, 40, 65, 1000}) {
      const auto opened = unwrap(key, Bytes(size, std::byte{7}), arena);
      REQUIRE_FALSE(opened);
      CHECK(opened.error().code == Code::kCorrupt);
      CHECK(opened.error().what == "the AES key does not unwrap this");
    }
    CHECK_FALSE(unwrap(Bytes(5), Bytes(48), arena));
  }
  for (const std::size_t size : {0, 12, 28, 60, 1000}) {
    const auto opened = UnwrapAesGcm(key, {}, Bytes(size, std::byte{7}), arena);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kCorrupt);
  }
  CHECK(arena.in_use() == 0);
}

}  // namespace coffer::key_wrap_test
