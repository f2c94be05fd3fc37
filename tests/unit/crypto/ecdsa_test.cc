#include "crypto/ecdsa.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::ecdsa_test {

Result<P256Key> Key(std::string_view hex) { return P256Key::FromScalar(HexDecode(hex).value()); }

// RFC 6979, appendix A.2.5.
constexpr auto kScalar = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
constexpr auto kPoint =
    "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
constexpr auto kSignatureOfSample =
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

TEST_CASE("P-256: the public point and a signature of RFC 6979") {
  const auto key = Key(kScalar);
  REQUIRE(key);
  CHECK(HexEncode(key->public_point()) == kPoint);
  CHECK(key->Verify(AsBytes("sample"), HexDecode(kSignatureOfSample).value()));
}

TEST_CASE("P-256: what was signed verifies, and nothing else does") {
  const auto key = Key(kScalar);
  REQUIRE(key);
  const auto signature = key->Sign(AsBytes("message"));
  REQUIRE(signature);
  CHECK(key->Verify(AsBytes("message"), *signature));
  CHECK(key->Verify(AsBytes("massage"), *signature).error().code == Code::kCorrupt);
  Bytes damaged = *signature;
  damaged.back() ^= std::byte{1};
  CHECK(key->Verify(AsBytes("message"), damaged).error().code == Code::kCorrupt);
  CHECK(key->Verify(AsBytes("message"), {}).error().code == Code::kCorrupt);
}

TEST_CASE("P-256: scalars outside [1, n-1] are refused") {
  CHECK(Key(std::string(63, '0') + "1"));
  CHECK(Key("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550"));
  for (const auto& hex :
       {std::string(64, '0'), std::string(64, 'f'), std::string(62, '1'), std::string(),
        std::string("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")}) {
    CAPTURE(hex);
    CHECK(Key(hex).error().code == Code::kInvalid);
  }
}

}  // namespace coffer::ecdsa_test
