#include "crypto/aead.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::aead_test {

Nonce NonceOf(std::string_view hex) {
  const Bytes bytes = HexDecode(hex).value();
  Nonce nonce{};
  REQUIRE(bytes.size() == nonce.size());
  std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

// The test cases 4, 10 and 16 of McGrew and Viega's "The Galois/Counter Mode of Operation": one
// plaintext under three sizes of key.
constexpr auto kKey = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
constexpr auto kPlain =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr auto kAuthenticated = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
constexpr auto kNonce = "cafebabefacedbaddecaf888";

struct Case {
  std::size_t key_size;
  std::string sealed;
};
const Case kCases[] = {
    {16,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e0915bc94fbc3221a5db94fae95ae7121a47"},
    {24,
     "3980ca0b3c00e841eb06fac4872a2757859e1ceaa6efd984628593b40ca1e19c"
     "7d773d00c144c525ac619d18c84a3f4718e2448b2fe324d9ccda27102519498e80f1478f37ba55bd6d27618c"},
    {32,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST_CASE("AES-GCM: published vectors, both ways, with one context for many pieces") {
  const Bytes plain = HexDecode(kPlain).value();
  const Bytes authenticated = HexDecode(kAuthenticated).value();
  for (const Case& row : kCases) {
    CAPTURE(row.key_size);
    const Bytes key = HexDecode(std::string_view(kKey).substr(0, 2 * row.key_size)).value();
    auto sealing = AesGcm::ForSealing(key);
    auto opening = AesGcm::ForOpening(key);
    REQUIRE(sealing);
    REQUIRE(opening);
    for (int round = 0; round < 3; ++round) {
      Bytes sealed(plain.size() + kTagSize);
      REQUIRE(sealing->Seal(NonceOf(kNonce), authenticated, plain, sealed));
      CHECK(HexEncode(sealed) == row.sealed);
      Bytes opened(plain.size());
      REQUIRE(opening->Open(NonceOf(kNonce), authenticated, sealed, opened));
      CHECK(opened == plain);
    }
  }
}

TEST_CASE("AES-GCM: nothing sealed, and nothing authenticated beside it") {
  const Bytes key(32, std::byte{});
  auto sealing = AesGcm::ForSealing(key);
  auto opening = AesGcm::ForOpening(key);
  Bytes tag(kTagSize);
  REQUIRE(sealing->Seal({}, {}, {}, tag));
  CHECK(opening->Open({}, {}, tag, {}));
  CHECK(opening->Open({}, AsBytes("x"), tag, {}).error().code == Code::kCorrupt);
}

TEST_CASE("AES-GCM: in place") {
  const Bytes key(32, std::byte{7});
  auto sealing = AesGcm::ForSealing(key);
  auto opening = AesGcm::ForOpening(key);
  const Bytes plain(1000, std::byte{'p'});
  Bytes there = plain;
  there.resize(plain.size() + kTagSize);
  REQUIRE(sealing->Seal({}, {}, MutableByteView(there).first(plain.size()), there));
  CHECK_FALSE(std::equal(plain.begin(), plain.end(), there.begin()));
  REQUIRE(opening->Open({}, {}, there, MutableByteView(there).first(plain.size())));
  CHECK(std::equal(plain.begin(), plain.end(), there.begin()));
}

TEST_CASE("AES-GCM: every changed bit is refused, and what was deciphered is wiped") {
  const Bytes key(32, std::byte{7});
  auto sealing = AesGcm::ForSealing(key);
  auto opening = AesGcm::ForOpening(key);
  const Bytes plain(20, std::byte{'p'});
  Bytes sealed(plain.size() + kTagSize);
  REQUIRE(sealing->Seal(NonceOf(kNonce), AsBytes("about it"), plain, sealed));
  for (std::size_t bit = 0; bit < 8 * sealed.size(); ++bit) {
    CAPTURE(bit);
    Bytes damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    Bytes out(plain.size(), std::byte{0xee});
    CHECK(opening->Open(NonceOf(kNonce), AsBytes("about it"), damaged, out).error().code ==
          Code::kCorrupt);
    CHECK(out == Bytes(plain.size(), std::byte{0}));
  }
  Bytes out(plain.size());
  CHECK_FALSE(opening->Open({}, AsBytes("about it"), sealed, out));
  CHECK_FALSE(opening->Open(NonceOf(kNonce), AsBytes("about IT"), sealed, out));
  CHECK(opening->Open(NonceOf(kNonce), AsBytes("about it"), sealed, out));
}

TEST_CASE("AES-GCM: keys of other sizes are refused") {
  for (const std::size_t size : {0, 1, 15, 17, 31, 33, 64}) {
    CAPTURE(size);
    CHECK(AesGcm::ForSealing(Bytes(size, std::byte{})).error().code == Code::kInvalid);
  }
}

}  // namespace coffer::aead_test
