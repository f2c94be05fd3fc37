#include "fs/key_operand.h"

#include <catch2/catch.hpp>

namespace coffer::fs::key_operand_test {

TEST_CASE("key operands: each form of a key to add", "[keys]") {
  const std::vector<std::string> operands = {
      "arn:aws:kms:eu-west-1:1:key/1", "kms-key=alias/x", "key-file=/k=1", "aes-key=ns/n=/file",
      "rsa-key=ns/n:pkcs1=/p",         "recovery-key=/r"};
  const auto added = ParseKeysToAdd(operands);
  REQUIRE(added);
  CHECK(added->keys.kms_keys ==
        std::vector<std::string>{"arn:aws:kms:eu-west-1:1:key/1", "alias/x"});
  CHECK(added->keys.key_file == "/k=1");
  CHECK(added->keys.aes_keys == std::vector<std::string>{"ns/n=/file"});
  CHECK(added->keys.rsa_keys == std::vector<std::string>{"ns/n:pkcs1=/p"});
  CHECK(added->keys.recovery_key == "/r");
  for (const std::vector<std::string>& bad :
       std::vector<std::vector<std::string>>{{"kms=arn"},
                                             {"x"},
                                             {"kms-key="},
                                             {"key-file=/a", "key-file=/b"},
                                             {"recovery-key=/a", "new-recovery-key=/b"}}) {
    const auto refused = ParseKeysToAdd(bad);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kInvalid);
  }
}

TEST_CASE("key operands: a key to remove, as the list shows it", "[keys]") {
  const std::string arn = "arn:aws:kms:eu-west-1:123456789012:key/11112222";
  const std::vector<KeyName> keys = {
      {KeyName::Kind::kKms, "aws-kms", arn, "", ""},
      {KeyName::Kind::kKms, "aws-kms", "arn:aws:kms:us-east-1:123456789012:key/mrk-1", "", ""},
      {KeyName::Kind::kKms, "aws-kms", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1", "", ""},
      {KeyName::Kind::kAes, "coffer", "0123", "", ""}};
  CHECK(*FindKey(keys, arn) == 0);
  CHECK(*FindKey(keys, "11112222") == 0);
  CHECK(*FindKey(keys, "coffer/0123") == 3);
  for (const char* none : {"mrk-1", "2222", "0123", "alias/x", "", "coffer/"}) {
    CAPTURE(none);
    CHECK(FindKey(keys, none).error().code == Code::kInvalid);
  }
}

}  // namespace coffer::fs::key_operand_test
