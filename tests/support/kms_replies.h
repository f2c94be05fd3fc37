// Replies of KMS as tests write them down.

#pragma once

#include <string>
#include <string_view>

#include "crypto/encoding.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3 {

inline constexpr const char* kKmsArn = "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd";
// 32 bytes that no other text holds.
inline constexpr std::string_view kKmsPlaintext = "\xff\xfesecret of thirty-two bytes!!\x01\x80";
inline constexpr std::string_view kKmsBlob = "\x01\x02\x02\x00blob";

inline std::string Base64Of(std::string_view text) { return Base64Encode(AsBytes(text)); }

inline Response KmsGenerated(const std::string& arn = kKmsArn,
                             std::string_view plaintext = kKmsPlaintext) {
  return Reply(200, {},
               "{\"CiphertextBlob\":\"" + Base64Of(kKmsBlob) + "\",\"KeyId\":\"" + arn +
                   "\",\"Plaintext\":\"" + Base64Of(plaintext) + "\",\"KeyMaterialId\":\"x\"}");
}
inline Response KmsEncrypted(const std::string& arn = kKmsArn) {
  return Reply(200, {},
               "{\"CiphertextBlob\":\"" + Base64Of(kKmsBlob) + "\",\"KeyId\":\"" + arn +
                   "\",\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\"}");
}
inline Response KmsDecrypted(const std::string& arn = kKmsArn,
                             std::string_view plaintext = kKmsPlaintext) {
  return Reply(200, {},
               "{\"EncryptionAlgorithm\":\"SYMMETRIC_DEFAULT\",\"KeyId\":\"" + arn +
                   "\",\"Plaintext\":\"" + Base64Of(plaintext) + "\"}");
}
inline Response KmsRefused(const std::string& code, int status = 400,
                           const std::string& message = "in words") {
  return Reply(status, {{"x-amzn-RequestId", "R-9"}},
               "{\"__type\":\"" + code + "\",\"message\":\"" + message + "\"}");
}

}  // namespace coffer::s3
