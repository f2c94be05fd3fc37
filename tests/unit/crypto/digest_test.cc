#include "crypto/digest.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::digest_test {

TEST_CASE("digests of \"hello\" and of nothing") {
  CHECK(Base64Encode(Sha256(AsBytes("hello"))) == "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
  CHECK(Base64Encode(Md5(AsBytes("hello")).value()) == "XUFAKrxLKna5cZ2REBfFkg==");
  CHECK(HexEncode(Sha1(AsBytes("hello")).value()) == "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
  CHECK(HexEncode(Sha256({})) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(HexEncode(Md5({}).value()) == "d41d8cd98f00b204e9800998ecf8427e");
}

TEST_CASE("a stream of pieces has the digest of the whole, and begins anew") {
  Sha256Stream stream;
  for (int round = 0; round < 2; ++round) {
    stream.Update(AsBytes("hel"));
    stream.Update({});
    stream.Update(AsBytes("lo"));
    CHECK(stream.Finish() == Sha256(AsBytes("hello")));
  }
  CHECK(stream.Finish() == Sha256({}));
}

TEST_CASE("HMAC-SHA256: RFC 4231") {
  struct Row {
    std::string key, data, mac;
  };
  const std::string aa(131, '\xaa');
  const Row rows[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {aa, "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {aa,
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
      {"", "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"},
  };
  for (const auto& row : rows) {
    CHECK(HexEncode(HmacSha256(AsBytes(row.key), AsBytes(row.data))) == row.mac);
  }
}

TEST_CASE("CRC32: check value, in pieces, joined, and as a header") {
  CHECK(Crc32(AsBytes("123456789")) == 0xcbf43926);
  CHECK(Crc32({}) == 0);
  CHECK(Crc32Text(Crc32(AsBytes("hello"))) == "NhCmhg==");
  CHECK(Crc32(AsBytes("lo"), Crc32({}, Crc32(AsBytes("hel")))) == Crc32(AsBytes("hello")));
  CHECK(Crc32Combine(Crc32(AsBytes("hel")), Crc32(AsBytes("lo")), 2) == Crc32(AsBytes("hello")));
}

TEST_CASE("random bytes differ") {
  std::array<std::byte, 32> a{}, b{};
  REQUIRE(RandomBytes(a));
  REQUIRE(RandomBytes(b));
  CHECK(a != b);
}

}  // namespace coffer::digest_test
