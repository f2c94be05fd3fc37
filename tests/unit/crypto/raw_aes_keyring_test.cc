#include "crypto/raw_aes_keyring.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "crypto/encoding.h"

namespace coffer::raw_aes_keyring_test {

const EncryptionContext kContext{{"coffer", "1"}, {"vol", "8a1c"}, {"é", "ü"}, {"Z", ""}};

Secret Counting(SecretArena& arena, std::size_t size, int first = 0) {
  Secret key = arena.Make(size).value();
  for (std::size_t i = 0; i < size; ++i) key.fill()[i] = static_cast<std::byte>(first + i);
  return key;
}

std::unique_ptr<RawAesKeyring> Ring(SecretArena& arena, std::string name = "name",
                                    std::size_t size = 32) {
  return RawAesKeyring::Make({"coffer", std::move(name)}, Counting(arena, size), arena).value();
}

std::string FromHex(std::string_view hex) { return std::string(AsText(HexDecode(hex).value())); }

// name || 128 || 12 || nonce
const std::string kInfo = FromHex("6e616d65000000800000000cc0c1c2c3c4c5c6c7c8c9cacb");

// Made by Python's cryptography: the data key 80 81 .. 9f under the keys 00 01 .., the nonce
// c0 .. cb, with kContext and without one.
TEST_CASE("raw AES: opens what another implementation wrapped, with keys of three sizes") {
  struct Row {
    std::size_t key_size;
    const char* wrapped;
    const char* without_context;
  };
  const Row rows[] = {
      {16,
       "3fa55788d2923992b47740117a951c86da5251d808cc38730724e797ef958e3dfeaabce443f34d3691ba493216"
       "e46086",
       "3fa55788d2923992b47740117a951c86da5251d808cc38730724e797ef958e3dd3f3bbd721e47b0ab109b65131"
       "9d105d"},
      {24,
       "385fce7157fc12f083d740d90e0d7ae40b1c11325ab8f6bf2526ecdbecdc0daa25e3dfa5ac6834e4170b62f68e"
       "4ab46c",
       "385fce7157fc12f083d740d90e0d7ae40b1c11325ab8f6bf2526ecdbecdc0daac3a74a6f375756c37d4e634508"
       "c7b068"},
      {32,
       "80c9a5e4f3fd10d910507729be2166d9dce271aca877892db25ad191abe0e129d36a5fbb27f8a5457495cf542a"
       "6f6ee2",
       "80c9a5e4f3fd10d910507729be2166d9dce271aca877892db25ad191abe0e1291ccb3be85b1f4bcaea453e9d2c"
       "b11644"},
  };
  SecretArena arena(8);
  const Secret data_key = Counting(arena, 32, 0x80);
  for (const Row& row : rows) {
    CAPTURE(row.key_size);
    const auto ring = Ring(arena, "name", row.key_size);
    const EncryptedDataKey wrapped{"coffer", kInfo, FromHex(row.wrapped)};
    CHECK(ring->Owns(wrapped));
    const auto key = ring->Unwrap(wrapped, kContext, 32);
    REQUIRE(key);
    CHECK(AsText(key->view()) == AsText(data_key.view()));
    CHECK(ring->Unwrap({"coffer", kInfo, FromHex(row.without_context)}, {}, 32));
    CHECK(ring->Unwrap(wrapped, {}, 32).error().code == Code::kCorrupt);
    CHECK(ring->Unwrap(wrapped, kContext, 16).error().code == Code::kCorrupt);
  }
}

TEST_CASE("raw AES: what it wraps has that form, a nonce of its own, and opens") {
  SecretArena arena(64);
  const auto ring = Ring(arena);
  std::set<std::string> nonces;
  for (int i = 0; i < 20; ++i) {
    const auto made = ring->Generate(kContext);
    REQUIRE(made);
    CHECK(made->key.size() == 32);
    CHECK(made->encrypted.provider == "coffer");
    CHECK(made->encrypted.info.substr(0, 12) == kInfo.substr(0, 12));
    CHECK(made->encrypted.info.size() == kInfo.size());
    CHECK(made->encrypted.ciphertext.size() == 48);
    nonces.insert(made->encrypted.info.substr(12));
    const auto opened = ring->Unwrap(made->encrypted, kContext, 32);
    REQUIRE(opened);
    CHECK(AsText(opened->view()) == AsText(made->key.view()));
  }
  CHECK(nonces.size() == 20);
  const Secret short_key = Counting(arena, 16);
  const auto wrapped = ring->Wrap(short_key, kContext);
  REQUIRE(wrapped);
  CHECK(AsText(ring->Unwrap(*wrapped, kContext, 16)->view()) == AsText(short_key.view()));
}

TEST_CASE("raw AES: every bit of a wrapped key counts") {
  SecretArena arena(8);
  const auto ring = Ring(arena);
  const auto made = ring->Generate(kContext);
  REQUIRE(made);
  for (std::size_t i = 0; i < made->encrypted.ciphertext.size(); ++i) {
    EncryptedDataKey bad = made->encrypted;
    bad.ciphertext[i] ^= 1;
    CHECK(ring->Unwrap(bad, kContext, 32).error().code == Code::kCorrupt);
  }
  for (std::size_t i = 4; i < made->encrypted.info.size(); ++i) {
    EncryptedDataKey bad = made->encrypted;
    bad.info[i] ^= 1;
    CHECK(ring->Unwrap(bad, kContext, 32).error().code == Code::kCorrupt);
  }
  EncryptedDataKey cut = made->encrypted;
  cut.ciphertext.pop_back();
  CHECK(ring->Unwrap(cut, kContext, 32).error().code == Code::kCorrupt);
  CHECK(arena.in_use() == 2);
}

TEST_CASE("raw AES: a name is matched whole, by length") {
  SecretArena arena(8);
  const auto ring = Ring(arena);
  CHECK(ring->Owns({"coffer", kInfo, ""}));
  CHECK_FALSE(ring->Owns({"Coffer", kInfo, ""}));
  CHECK_FALSE(ring->Owns({"coffer", kInfo + "x", ""}));
  CHECK_FALSE(ring->Owns({"coffer", kInfo.substr(0, kInfo.size() - 1), ""}));
  CHECK_FALSE(ring->Owns({"coffer", "nam" + kInfo.substr(3, 1) + "2" + kInfo.substr(4), ""}));
  CHECK_FALSE(Ring(arena, "names")->Owns({"coffer", kInfo, ""}));
  CHECK_FALSE(Ring(arena, "nam")->Owns({"coffer", kInfo, ""}));
  CHECK(ring->Name() == "AES key coffer/name");
}

TEST_CASE("raw AES: other names and sizes are refused") {
  SecretArena arena(8);
  CHECK(RawAesKeyring::Make({"aws-kms", "n"}, Counting(arena, 32), arena).error().code ==
        Code::kInvalid);
  CHECK(RawAesKeyring::Make({"p", "n"}, Counting(arena, 31), arena).error().code == Code::kInvalid);
  CHECK(arena.in_use() == 0);
}

}  // namespace coffer::raw_aes_keyring_test
