#include "crypto/ecdsa_verifier.h"

#include <catch2/catch.hpp>

#include "crypto/ecdsa.h"
#include "crypto/encoding.h"

namespace coffer::ecdsa_verifier_test {

// RFC 6979, appendix A.2.6: P-384, the message "sample" with SHA-384. Its y is even.
constexpr auto kPoint384 =
    "02ec3a4e415b4e19a4568618029f427fa5da9a8bc4ae92e02e06aae5286b300c64"
    "def8f0ea9055866064a254515480bc13";
constexpr auto kSignature384 =
    "3066"
    "02310094edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e"
    "80fabe46"
    "02310099ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c7"
    "1a38628ac8";

// Of "sample" with SHA-256 under the key of appendix A.2.5.
constexpr auto kPoint256 = "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6";
constexpr auto kSignature256 =
    "3046022100efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "022100f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

Status Verify(Curve curve, std::string_view point, std::string_view signature,
              std::string_view message) {
  COFFER_ASSIGN(EcdsaVerifier verifier, EcdsaVerifier::Make(curve, HexDecode(point).value()));
  for (const char c : message) COFFER_TRY(verifier.Update(AsBytes({&c, 1})));
  return verifier.Finish(HexDecode(signature).value());
}

TEST_CASE("ECDSA verifier: RFC 6979 on both curves, from a compressed point, in pieces") {
  CHECK(Verify(Curve::kP256, kPoint256, kSignature256, "sample"));
  CHECK(Verify(Curve::kP384, kPoint384, kSignature384, "sample"));
}

TEST_CASE("ECDSA verifier: another message, signature, key or curve") {
  const std::string flipped = "03" + std::string(kPoint384).substr(2);
  CHECK(Verify(Curve::kP384, kPoint384, kSignature384, "simple").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kP384, kPoint384, "", "sample").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kP384, kPoint384, kSignature256, "sample").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kP384, flipped, kSignature384, "sample").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kP256, kPoint384, kSignature384, "sample").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kP384, "", kSignature384, "sample").error().code == Code::kCorrupt);
  CHECK(Verify(Curve::kNone, kPoint384, kSignature384, "sample").error().code == Code::kInvalid);
  std::string changed = kSignature384;
  changed.back() = '9';
  CHECK(Verify(Curve::kP384, kPoint384, changed, "sample").error().code == Code::kCorrupt);
}

}  // namespace coffer::ecdsa_verifier_test
