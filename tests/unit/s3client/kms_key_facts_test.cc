#include "s3client/kms_key_facts.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/fake_transport.h"
#include "tests/support/kms_replies.h"

namespace coffer::s3::kms_key_facts_test {

KmsAddress Address() { return MakeKmsAddress("eu-west-1", "", false).value(); }

TEST_CASE("KMS: what DescribeKey tells") {
  FakeTransport wire;
  wire.Then(
      Reply(200, {}, R"({"KeyMetadata":{"Arn":"arn:x","AWSAccountId":"123456789012","Enabled":false,
      "KeyState":"PendingDeletion","KeyManager":"CUSTOMER","DeletionDate":1.7326656E9,
      "EncryptionAlgorithms":["SYMMETRIC_DEFAULT"]}})"));
  const auto facts = DescribeKmsKey(wire, Address(), "alias/\"a");
  REQUIRE(facts);
  CHECK(facts->arn == "arn:x");
  CHECK(facts->account == "123456789012");
  CHECK(facts->state == "PendingDeletion");
  CHECK_FALSE(facts->aws_managed);
  CHECK(facts->deleted_at_s == 1732665600);
  const SeenRequest& seen = wire.seen().at(0);
  CHECK(seen.operation == Operation::kKmsDescribeKey);
  CHECK(seen.url.ToString() == "https://kms.eu-west-1.amazonaws.com/");
  CHECK(seen.headers.Get("X-Amz-Target") == "TrentService.DescribeKey");
  CHECK(seen.body == R"({"KeyId":"alias/\"a"})");
}

TEST_CASE("KMS: a description that is none") {
  for (const std::string body :
       {"", "[]", "{}", R"({"KeyMetadata":1})", R"({"KeyMetadata":{"Arn":"arn:x"}})",
        R"({"KeyMetadata":{"KeyState":"Enabled"}})"}) {
    FakeTransport wire;
    wire.Then(Reply(200, {}, body));
    const auto facts = DescribeKmsKey(wire, Address(), kKmsArn);
    REQUIRE_FALSE(facts);
    CHECK(facts.error().code == Code::kUnavailable);
    CHECK(facts.error().what.find("check --kms-endpoint-url") != std::string::npos);
  }
}

TEST_CASE("KMS: odd dates of deletion are none") {
  for (const std::string date : {"-1", "1e300", "\"soon\"", "true"}) {
    FakeTransport wire;
    wire.Then(Reply(
        200, {},
        R"({"KeyMetadata":{"Arn":"a","KeyState":"PendingDeletion","DeletionDate":)" + date + "}}"));
    const auto facts = DescribeKmsKey(wire, Address(), kKmsArn);
    REQUIRE(facts);
    CHECK_FALSE(facts->deleted_at_s);
  }
}

TEST_CASE("KMS: the policy of a key") {
  FakeTransport wire;
  wire.Then(Reply(200, {}, R"({"Policy":"{\"Statement\":[]}","PolicyName":"default"})"))
      .Then(Reply(200, {}, "{}"))
      .Then(KmsRefused("AccessDeniedException"));
  CHECK(GetKmsKeyPolicy(wire, Address(), kKmsArn).value() == R"({"Statement":[]})");
  CHECK(wire.seen().at(0).headers.Get("X-Amz-Target") == "TrentService.GetKeyPolicy");
  CHECK(wire.seen().at(0).body ==
        "{\"KeyId\":\"" + std::string(kKmsArn) + "\",\"PolicyName\":\"default\"}");
  CHECK_FALSE(GetKmsKeyPolicy(wire, Address(), kKmsArn));
  const auto denied = GetKmsKeyPolicy(wire, Address(), kKmsArn);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code == Code::kDenied);
  CHECK(denied.error().what.find("it takes kms:GetKeyPolicy on this key") != std::string::npos);
}

}  // namespace coffer::s3::kms_key_facts_test
