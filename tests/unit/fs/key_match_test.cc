#include "fs/key_match.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::fs::key_match_test {

constexpr const char* kArn = "arn:aws:kms:eu-west-1:123456789012:key/11112222";

EncryptedDataKey Kms(const std::string& arn) { return {"aws-kms", arn, "wrapped"}; }
EncryptedDataKey Aes(const std::string& name) {
  return {"ns", name + std::string("\0\0\0\x80\0\0\0\x0c", 8) + std::string(12, 'n'), "wrapped"};
}
KeyName Name(KeyName::Kind kind, const std::string& provider, const std::string& name) {
  return {kind, provider, name, "", ""};
}

TEST_CASE("key match: by provider and whole name", "[keys]") {
  const KeyName kms = Name(KeyName::Kind::kKms, "aws-kms", kArn);
  const KeyName aes = Name(KeyName::Kind::kAes, "ns", "k");
  const KeyName rsa = Name(KeyName::Kind::kRsa, "ns", "k");
  CHECK(IsWrappedBy(Kms(kArn), kms));
  CHECK_FALSE(IsWrappedBy(Kms(std::string(kArn) + "2"), kms));
  CHECK_FALSE(IsWrappedBy({"other", kArn, "x"}, kms));
  CHECK(IsWrappedBy(Aes("k"), aes));
  CHECK_FALSE(IsWrappedBy(Aes("kk"), aes));
  CHECK_FALSE(IsWrappedBy(Aes("k"), rsa));
  CHECK(IsWrappedBy({"ns", "k", "x"}, rsa));
  CHECK(Describe(ClaimedKey(Aes("k"))) == "AES key ns/k");
  CHECK(Describe(ClaimedKey({"ns", "k", "x"})) == "RSA key ns/k");
  CHECK(Describe(ClaimedKey(Kms(kArn))) == kArn);
}

TEST_CASE("key match: a replica of a multi-Region key is the key", "[keys]") {
  const KeyName key =
      Name(KeyName::Kind::kKms, "aws-kms", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1");
  CHECK(IsWrappedBy(Kms("arn:aws:kms:us-east-1:123456789012:key/mrk-1"), key));
  CHECK_FALSE(IsWrappedBy(Kms("arn:aws:kms:us-east-1:999956789012:key/mrk-1"), key));
}

TEST_CASE("key match: sealed under exactly a set of keys", "[keys]") {
  const KeyName kms = Name(KeyName::Kind::kKms, "aws-kms", kArn);
  const KeyName aes = Name(KeyName::Kind::kAes, "ns", "k");
  CHECK(IsSealedUnder({Kms(kArn), Aes("k")}, {kms, aes}));
  CHECK(IsSealedUnder({Aes("k"), Kms(kArn)}, {kms, aes}));
  CHECK_FALSE(IsSealedUnder({Kms(kArn)}, {kms, aes}));
  CHECK_FALSE(IsSealedUnder({Kms(kArn), Aes("k")}, {kms}));
  // One of them twice is not both.
  CHECK_FALSE(IsSealedUnder({Kms(kArn), Kms(kArn)}, {kms, aes}));
  // Nor is one replica of a multi-Region key the other, beside a key that was removed.
  const std::string east = "arn:aws:kms:us-east-1:123456789012:key/mrk-1234";
  const std::string west = "arn:aws:kms:eu-west-1:123456789012:key/mrk-1234";
  const KeyName one = Name(KeyName::Kind::kKms, "aws-kms", east);
  const KeyName other = Name(KeyName::Kind::kKms, "aws-kms", west);
  CHECK_FALSE(IsSealedUnder({Kms(east), Kms(kArn)}, {one, other}));
  CHECK(IsSealedUnder({Kms(east), Kms(west)}, {one, other}));
}

}  // namespace coffer::fs::key_match_test
