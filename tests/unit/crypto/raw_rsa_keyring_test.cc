#include "crypto/raw_rsa_keyring.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/rsa_test_keys.h"

namespace coffer::raw_rsa_keyring_test {

const EncryptionContext kContext{{"vol", "v"}};

std::unique_ptr<RawRsaKeyring> Ring(SecretArena& arena, std::string_view pem) {
  return RawRsaKeyring::Make({"coffer-recovery", "id"}, RsaKey::FromPem(pem).value(),
                             RsaPadding::kOaepSha256, arena)
      .value();
}

TEST_CASE("raw RSA: the public half seals, the private half opens") {
  SecretArena arena(8);
  const auto sealing = Ring(arena, test::kRsaPublic);
  const auto opening = Ring(arena, test::kRsaPrivate);
  const auto made = sealing->Generate(kContext);
  REQUIRE(made);
  CHECK(made->key.size() == 32);
  CHECK(made->encrypted.provider == "coffer-recovery");
  CHECK(made->encrypted.info == "id");
  CHECK(made->encrypted.ciphertext.size() == 256);
  const auto opened = opening->Unwrap(made->encrypted, kContext, 32);
  REQUIRE(opened);
  CHECK(AsText(opened->view()) == AsText(made->key.view()));
  CHECK(sealing->Unwrap(made->encrypted, kContext, 32).error().code == Code::kUnsupported);
  const auto wrapped = sealing->Wrap(made->key, kContext);
  REQUIRE(wrapped);
  CHECK(AsText(opening->Unwrap(*wrapped, {}, 32)->view()) == AsText(made->key.view()));
}

TEST_CASE("raw RSA: another size, another name and altered bytes are refused") {
  SecretArena arena(8);
  const auto ring = Ring(arena, test::kRsaPrivate);
  auto made = ring->Generate(kContext);
  REQUIRE(made);
  CHECK(ring->Unwrap(made->encrypted, kContext, 16).error().code == Code::kCorrupt);
  CHECK(ring->Owns(made->encrypted));
  CHECK_FALSE(ring->Owns({"coffer-recovery", "id2", ""}));
  CHECK_FALSE(ring->Owns({"coffer-recovery", "i", ""}));
  CHECK_FALSE(ring->Owns({"coffer", "id", ""}));
  made->encrypted.ciphertext[7] ^= 1;
  CHECK(ring->Unwrap(made->encrypted, kContext, 32).error().code == Code::kCorrupt);
  CHECK(ring->Name() == "RSA key coffer-recovery/id (oaep-sha256)");
  CHECK(RawRsaKeyring::Make({"aws-kms", "n"}, RsaKey::FromPem(test::kRsaPublic).value(),
                            RsaPadding::kPkcs1, arena)
            .error()
            .code == Code::kInvalid);
}

}  // namespace coffer::raw_rsa_keyring_test
