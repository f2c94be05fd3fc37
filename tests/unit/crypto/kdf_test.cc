#include "crypto/kdf.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::kdf_test {

Bytes Hex(std::string_view text) { return HexDecode(text).value(); }

// The bytes 0, 1, 2, ... and 0x80, 0x81, ...: the expected values below were computed by another
// implementation (Python's hmac and hashlib).
Bytes CountFrom(int first, std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(first + i);
  return out;
}

TEST_CASE("HKDF: RFC 5869 with and without a salt, and another hash") {
  SecretArena arena(4);
  const Bytes key(22, std::byte{0x0b});
  CHECK(HexEncode(Hkdf(arena, Hash::kSha256, Hex("000102030405060708090a0b0c"), key,
                       Hex("f0f1f2f3f4f5f6f7f8f9"), 42)
                      ->view()) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  CHECK(HexEncode(Hkdf(arena, Hash::kSha256, {}, key, {}, 42)->view()) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  CHECK(HexEncode(Hkdf(arena, Hash::kSha384, AsBytes("salt"), AsBytes("key"), AsBytes("info"), 42)
                      ->view()) ==
        "415163ccceef9d7e2325f45cf2c21989d3a3eb6078e7e48dc8ba6b35c8b75db92006a301c61af4564a6c");
  CHECK(Hkdf(arena, Hash::kNone, {}, key, {}, 32).error().code == Code::kInvalid);
  CHECK(arena.in_use() == 0);
}

TEST_CASE("message keys: suites that commit") {
  SecretArena arena(8);
  const Bytes data_key = CountFrom(0, 32);
  const Bytes id = CountFrom(0x80, 32);
  const auto keys = DeriveMessageKeys(SealingSuite(), data_key, id, arena);
  REQUIRE(keys);
  CHECK(HexEncode(keys->content.view()) ==
        "b77ee1b57bc95efeb71e69efe41543e39a7abf24e4b7fdd82b07cc96b077d900");
  CHECK(HexEncode(keys->commitment) ==
        "0044369f73b68422adb8d8a412a5689edcdd493729fc8187d2d6a9d00cd16357");
  const auto signing = DeriveMessageKeys(*FindSuite(0x0578), data_key, id, arena);
  REQUIRE(signing);
  CHECK(HexEncode(signing->content.view()) ==
        "1430b916d65f9b0d7cd301babe1ca4e2d666f8363be55c01aedf5a04fdcac00b");
  CHECK(signing->commitment == keys->commitment);
  CHECK(HexEncode(DeriveBindKey(data_key, id, arena)->view()) ==
        "d4bc67b8fc7b269fdb607e42e6bd7a0ae6ce9cf99e4bc5fae7db5b2a93598e58");
  CHECK(HexEncode(DeriveXattrKey(data_key, id, arena)->view()) ==
        "bbb6ee0e810866fd8469022ed085e63ba604a5790ab5777630a3bfcaaece1899");
  CHECK(arena.in_use() == 2);
}

TEST_CASE("message keys: suites of format 1") {
  SecretArena arena(4);
  const std::pair<std::uint16_t, std::string> rows[] = {
      {0x0014, "000102030405060708090a0b0c0d0e0f"},
      {0x0046, "000102030405060708090a0b0c0d0e0f1011121314151617"},
      {0x0078, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"},
      {0x0114, "8cebd821cdb258ee495dba2c95eabc89"},
      {0x0146, "5cc231e80d8cdcd3efcde27fff9194768aaaa4436fd25c7d"},
      {0x0178, "c4b650ec327f4e6b11a91102a32e9cce5a4076ddc5b8c2502e63094f8427879c"},
      {0x0214, "ddaf960a86f9cbde872ba606a725ac2a"},
      {0x0346, "581db82f0db3ceb061ec69aafff3f72c436969d6db9938fd"},
      {0x0378, "9ee3b2918e4aaf1c7af649ea37f872632814772dee2d4ddc5ac698700e529edf"},
  };
  for (const auto& [id, content] : rows) {
    CAPTURE(id);
    const Suite& suite = *FindSuite(id);
    const auto keys =
        DeriveMessageKeys(suite, CountFrom(0, suite.key_size), CountFrom(0x80, 16), arena);
    REQUIRE(keys);
    CHECK(HexEncode(keys->content.view()) == content);
    CHECK(keys->commitment == Commitment{});
  }
}

TEST_CASE("message keys: lengths that are not the suite's are refused") {
  SecretArena arena(4);
  const Bytes thirty_two = CountFrom(0, 32);
  const Bytes sixteen = CountFrom(0, 16);
  const auto refused = [&](std::uint16_t suite, const Bytes& key, const Bytes& id) {
    return DeriveMessageKeys(*FindSuite(suite), key, id, arena).error().code == Code::kInvalid;
  };
  CHECK(refused(0x0478, sixteen, thirty_two));
  CHECK(refused(0x0478, thirty_two, sixteen));
  CHECK(refused(0x0114, thirty_two, sixteen));
  CHECK(refused(0x0178, thirty_two, thirty_two));
  CHECK(refused(0x0014, sixteen, thirty_two));
  CHECK(DeriveBindKey(sixteen, thirty_two, arena).error().code == Code::kInvalid);
  CHECK(DeriveXattrKey(thirty_two, sixteen, arena).error().code == Code::kInvalid);
}

}  // namespace coffer::kdf_test
