#include "crypto/rsa_key.h"

#include <catch2/catch.hpp>
#include <string>

#include "crypto/encoding.h"
#include "tests/support/rsa_test_keys.h"

namespace coffer::rsa_key_test {

std::string Counting() {
  std::string bytes;
  for (int i = 0x80; i < 0xa0; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST_CASE("RSA: both halves in both forms are one key") {
  for (const auto pem :
       {test::kRsaPrivate, test::kRsaPrivatePkcs1, test::kRsaPublic, test::kRsaPublicPkcs1}) {
    const auto key = RsaKey::FromPem(pem);
    REQUIRE(key);
    CHECK(key->Id().value() == test::kRsaId);
    CHECK(key->size() == 256);
    CHECK(key->is_private() == (pem == test::kRsaPrivate || pem == test::kRsaPrivatePkcs1));
  }
}

TEST_CASE("RSA: opens what another implementation encrypted, in five paddings") {
  SecretArena arena(8);
  const RsaKey key = RsaKey::FromPem(test::kRsaPrivate).value();
  const RsaKey half = RsaKey::FromPem(test::kRsaPublic).value();
  for (const test::RsaVector& row : test::kRsaVectors) {
    CAPTURE(row.padding);
    const auto padding = ParseRsaPadding(row.padding);
    REQUIRE(padding);
    CHECK(Name(*padding) == row.padding);
    const Bytes encrypted = Base64Decode(row.base64).value();
    const auto opened = key.Decrypt(*padding, encrypted, arena);
    REQUIRE(opened);
    CHECK(AsText(opened->view()) == Counting());
    CHECK(half.Decrypt(*padding, encrypted, arena).error().code == Code::kUnsupported);
    const auto again = half.Encrypt(*padding, AsBytes(Counting()));
    REQUIRE(again);
    CHECK(again->size() == 256);
    CHECK(AsText(key.Decrypt(*padding, *again, arena)->view()) == Counting());
  }
  CHECK(ParseRsaPadding("oaep").error().code == Code::kInvalid);
}

TEST_CASE("RSA: paddings do not open each other, nor what was altered or is no key") {
  SecretArena arena(8);
  const RsaKey key = RsaKey::FromPem(test::kRsaPrivate).value();
  for (int made = 0; made < 5; ++made) {
    Bytes encrypted = key.Encrypt(static_cast<RsaPadding>(made), AsBytes(Counting())).value();
    for (int opened = 0; opened < 5; ++opened) {
      // PKCS#1 v1.5 opens to nonsense by chance, or on purpose in newer OpenSSLs.
      if (opened == made || opened == 0) continue;
      CHECK(key.Decrypt(static_cast<RsaPadding>(opened), encrypted, arena).error().code ==
            Code::kCorrupt);
    }
    if (made == 0) continue;
    encrypted[100] ^= std::byte{1};
    CHECK(key.Decrypt(static_cast<RsaPadding>(made), encrypted, arena).error().code ==
          Code::kCorrupt);
  }
  CHECK(key.Decrypt(RsaPadding::kOaepSha256, {}, arena).error().code == Code::kCorrupt);
  const Bytes large = key.Encrypt(RsaPadding::kOaepSha256, AsBytes(std::string(65, 'x'))).value();
  CHECK(key.Decrypt(RsaPadding::kOaepSha256, large, arena).error().code == Code::kCorrupt);
  CHECK(arena.in_use() == 0);
}

TEST_CASE("RSA: a key file that cannot serve says what to do") {
  const auto refusal = [](std::string_view pem) {
    const auto key = RsaKey::FromPem(pem);
    REQUIRE_FALSE(key);
    CHECK(key.error().code == Code::kInvalid);
    return key.error().what;
  };
  CHECK(refusal(test::kRsaEncrypted).find("decrypt it") != std::string::npos);
  CHECK(refusal("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n")
            .find("decrypt it") != std::string::npos);
  CHECK(refusal(test::kRsaShort).find("1024 bits") != std::string::npos);
  CHECK(refusal(test::kEcPublic).find("not an RSA key") != std::string::npos);
  CHECK(refusal(test::kEcPrivate).find("not an RSA key") != std::string::npos);
  CHECK(refusal("").find("not a key in PEM") != std::string::npos);
  CHECK(refusal("-----BEGIN CERTIFICATE-----\n").find("openssl x509") != std::string::npos);
  const std::string broken =
      refusal("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n");
  CHECK(broken.find("cannot be read") != std::string::npos);
  CHECK(broken.find("c2VjcmV0") == std::string::npos);
}

}  // namespace coffer::rsa_key_test
