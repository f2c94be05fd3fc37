#include "s3client/sigv4a.h"

#include <algorithm>
#include <array>
#include <string>

#include "crypto/digest.h"

namespace coffer::s3 {
namespace {

using Scalar = std::array<std::byte, 32>;

// The order n of P-256 minus two: a candidate above it is thrown away.
constexpr std::array<unsigned char, 32> kOrderMinusTwo{
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x4f};

bool InRange(const Scalar& candidate) {
  for (std::size_t i = 0; i < candidate.size(); ++i) {
    const auto limit = static_cast<std::byte>(kOrderMinusTwo[i]);
    if (candidate[i] != limit) return candidate[i] < limit;
  }
  return true;
}

void AddOne(Scalar& number) {
  for (std::size_t i = number.size(); i-- > 0;) {
    number[i] = static_cast<std::byte>(std::to_integer<unsigned>(number[i]) + 1);
    if (number[i] != std::byte{0}) return;
  }
}

// NIST SP 800-108 in counter mode, as AWS's SDKs do: i=1, label, 0, context, length 256.
std::string KdfInput(const Credentials& credentials, unsigned char counter) {
  std::string input("\0\0\0\1", 4);
  input += "AWS4-ECDSA-P256-SHA256";
  input += '\0';
  input += credentials.access_key_id;
  input += static_cast<char>(counter);
  input.append("\0\0\1\0", 4);
  return input;
}

}  // namespace

Result<P256Key> DeriveSigV4aKey(const Credentials& credentials) {
  std::string secret = "AWS4A" + credentials.secret_access_key;
  for (int counter = 1; counter <= 254; ++counter) {
    Scalar scalar = HmacSha256(AsBytes(secret),
                               AsBytes(KdfInput(credentials, static_cast<unsigned char>(counter))));
    if (!InRange(scalar)) continue;
    AddOne(scalar);
    auto key = P256Key::FromScalar(scalar);
    Wipe(scalar);
    Wipe(std::as_writable_bytes(std::span(secret)));
    return key;
  }
  return Error{Code::kInvalid, "no SigV4A key can be derived from these credentials"};
}

}  // namespace coffer::s3
