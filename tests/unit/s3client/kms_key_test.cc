#include "s3client/kms_key.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::s3::kms_key_test {

const std::string kArn = "arn:aws:kms:eu-west-1:123456789012:key/1234-abcd";
const std::string kMrk = "arn:aws:kms:eu-west-1:123456789012:key/mrk-12ab";

std::string Where(std::string_view region, std::string_view url, bool fips) {
  const auto address = MakeKmsAddress(region, url, fips);
  return address ? address->endpoint.ToString() + " " + address->region : address.error().what;
}

TEST_CASE("KMS key: by ARN, alias ARN and alias") {
  const auto key = ParseKmsKeyId(kArn, "us-east-1");
  REQUIRE(key);
  CHECK(key->text == kArn);
  CHECK(key->region == "eu-west-1");
  CHECK(key->account == "123456789012");
  CHECK(key->partition == "aws");
  CHECK_FALSE(key->is_alias());
  CHECK_FALSE(key->is_multi_region());
  CHECK(ParseKmsKeyId(kMrk, "")->is_multi_region());
  const auto alias = ParseKmsKeyId("arn:aws-cn:kms:cn-north-1:123456789012:alias/a/b_c-1", "");
  REQUIRE(alias);
  CHECK(alias->is_alias());
  CHECK(alias->region == "cn-north-1");
  const auto bare = ParseKmsKeyId("alias/backup", "us-gov-west-1");
  REQUIRE(bare);
  CHECK(bare->is_alias());
  CHECK(bare->region == "us-gov-west-1");
  CHECK(bare->partition == "aws-us-gov");
  CHECK(bare->account == "");
  CHECK(ParseKmsKeyId("alias/backup", "").error().what.find("which Region") != std::string::npos);
}

TEST_CASE("KMS key: anything else is refused, and says what to give") {
  for (const std::string& text :
       {std::string(), std::string("1234-abcd"), std::string("key/1234"), std::string("alias/"),
        std::string("alias/a b"), std::string("arn:aws:kms:eu-west-1:123456789012"),
        std::string("arn:aws:s3:eu-west-1:123456789012:key/1"),
        std::string("arn:aws:kms::123456789012:key/1"), std::string("arn:aws:kms:eu-west-1::key/1"),
        std::string("arn:aws:kms:eu-west-1:123456789012:key/"),
        std::string("arn:aws:kms:eu-west-1:123456789012:key/a/b"),
        std::string("arn:aws:kms:eu-west-1:123456789012:key/a\n"),
        std::string("arn:aws:kms:eu-west-1:123456789012:grant/a"), kArn + std::string(3000, 'a')}) {
    CAPTURE(text);
    const auto key = ParseKmsKeyId(text, "eu-west-1");
    REQUIRE_FALSE(key);
    CHECK(key.error().code == Code::kInvalid);
    CHECK(key.error().what.find("give arn:aws:kms:REGION") != std::string::npos);
    CHECK(key.error().what.find('\n') == std::string::npos);
  }
}

TEST_CASE("KMS key: a multi-Region key is the same in another Region, others are not") {
  const KmsKeyId key = ParseKmsKeyId(kArn, "").value();
  CHECK(SameKmsKey(key, kArn));
  CHECK_FALSE(SameKmsKey(key, "arn:aws:kms:us-east-1:123456789012:key/1234-abcd"));
  CHECK_FALSE(SameKmsKey(key, kArn + "1"));
  CHECK_FALSE(SameKmsKey(key, ""));
  const KmsKeyId many = ParseKmsKeyId(kMrk, "").value();
  CHECK(SameKmsKey(many, kMrk));
  CHECK(SameKmsKey(many, "arn:aws:kms:us-east-1:123456789012:key/mrk-12ab"));
  CHECK_FALSE(SameKmsKey(many, "arn:aws:kms:us-east-1:210987654321:key/mrk-12ab"));
  CHECK_FALSE(SameKmsKey(many, "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-12ab"));
  CHECK_FALSE(SameKmsKey(many, "arn:aws:kms:us-east-1:123456789012:key/mrk-12ac"));
  CHECK_FALSE(SameKmsKey(many, "arn:aws:s3:us-east-1:123456789012:key/mrk-12ab"));
}

TEST_CASE("KMS: where it is") {
  CHECK(Where("eu-west-1", "", false) == "https://kms.eu-west-1.amazonaws.com eu-west-1");
  CHECK(Where("us-east-1", "", true) == "https://kms-fips.us-east-1.amazonaws.com us-east-1");
  CHECK(Where("cn-north-1", "", false) == "https://kms.cn-north-1.amazonaws.com.cn cn-north-1");
  CHECK(Where("us-gov-west-1", "", true) ==
        "https://kms-fips.us-gov-west-1.amazonaws.com us-gov-west-1");
  CHECK(Where("eu-west-1", "http://127.0.0.1:8080", true) == "http://127.0.0.1:8080 eu-west-1");
  CHECK(MakeKmsAddress("cn-north-1", "", true).error().code == Code::kUnsupported);
  CHECK(MakeKmsAddress("eu-west-1", "localhost", false).error().code == Code::kInvalid);
}

}  // namespace coffer::s3::kms_key_test
