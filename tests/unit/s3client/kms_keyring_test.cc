#include "s3client/kms_keyring.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/kms_replies.h"

namespace coffer::s3::kms_keyring_test {

const EncryptionContext kContext{{"vol", "v"}};
const std::string kOther = "arn:aws:kms:eu-west-1:123456789012:key/other";
const std::string kMrk = "arn:aws:kms:eu-west-1:123456789012:key/mrk-12ab";
const std::string kReplica = "arn:aws:kms:us-east-1:123456789012:key/mrk-12ab";

struct Bench {
  explicit Bench(const std::string& key = kKmsArn)
      : ring(ParseKmsKeyId(key, "eu-west-1").value(), kms) {}

  Result<Secret> Unwrap(const std::string& arn, std::size_t size = 32) {
    return ring.Unwrap({"aws-kms", arn, std::string(kKmsBlob)}, kContext, size);
  }

  SecretArena arena{16};
  FakeTransport wire;
  KmsClient kms{wire, MakeKmsAddress("eu-west-1", "", false).value(), arena};
  KmsKeyring ring;
};

bool Asks(const SeenRequest& seen, const std::string& key) {
  return seen.body.starts_with("{\"KeyId\":\"" + key + "\"");
}

TEST_CASE("KMS keyring: generates, wraps and unwraps by its ARN") {
  Bench bench;
  bench.wire.Then(KmsGenerated()).Then(KmsEncrypted()).Then(KmsDecrypted());
  const auto made = bench.ring.Generate(kContext);
  REQUIRE(made);
  CHECK(AsText(made->key.view()) == kKmsPlaintext);
  const EncryptedDataKey expected{"aws-kms", kKmsArn, std::string(kKmsBlob)};
  CHECK(made->encrypted == expected);
  CHECK(bench.ring.Wrap(made->key, kContext).value() == expected);
  CHECK(AsText(bench.Unwrap(kKmsArn)->view()) == kKmsPlaintext);
  for (const SeenRequest& seen : bench.wire.seen()) CHECK(Asks(seen, kKmsArn));
  CHECK(bench.ring.Name() == "KMS key " + std::string(kKmsArn));
}

TEST_CASE("KMS keyring: a reply of another key is refused, whatever was asked") {
  Bench bench;
  bench.wire.Then(KmsGenerated(kOther))
      .Then(KmsEncrypted(kOther))
      .Then(KmsDecrypted(kOther))
      .Then(KmsDecrypted("not an arn"));
  const auto made = bench.ring.Generate(kContext);
  CHECK(made.error().code == Code::kCorrupt);
  CHECK(made.error().what == "KMS answered with another key: " + kOther);
  const Secret key = bench.arena.Random(32).value();
  CHECK(bench.ring.Wrap(key, kContext).error().code == Code::kCorrupt);
  CHECK(bench.Unwrap(kKmsArn).error().code == Code::kCorrupt);
  CHECK(bench.Unwrap(kKmsArn).error().code == Code::kCorrupt);
  CHECK(bench.arena.in_use() == 1);
}

TEST_CASE("KMS keyring: data keys of a wrong size are refused") {
  Bench bench;
  bench.wire.Then(KmsGenerated(kKmsArn, "sixteen bytes 16"))
      .Then(KmsDecrypted(kKmsArn, "sixteen bytes 16"));
  CHECK(bench.ring.Generate(kContext).error().code == Code::kCorrupt);
  CHECK(bench.Unwrap(kKmsArn).error().code == Code::kCorrupt);
  CHECK(bench.Unwrap(kKmsArn, 16));
}

TEST_CASE("KMS keyring: owns what names its ARN") {
  Bench bench;
  CHECK(bench.ring.Owns({"aws-kms", kKmsArn, ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms", kOther, ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms-hierarchy", kKmsArn, ""}));
  CHECK_FALSE(bench.ring.Owns({"coffer", kKmsArn, ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms", "", ""}));
}

TEST_CASE("KMS keyring: a multi-Region key opens what its replica wrapped, in its own Region") {
  Bench bench(kMrk);
  CHECK(bench.ring.Owns({"aws-kms", kReplica, ""}));
  bench.wire.Then(KmsDecrypted(kMrk)).Then(KmsDecrypted(kReplica));
  CHECK(bench.Unwrap(kReplica));
  CHECK(Asks(bench.wire.seen().at(0), kMrk));
  CHECK(bench.Unwrap(kReplica).error().code == Code::kCorrupt);
}

TEST_CASE("KMS keyring: an alias becomes the key that the first reply names, for good") {
  Bench bench("alias/backup");
  CHECK(bench.ring.Arn() == "");
  CHECK(bench.ring.Name() == "KMS key alias/backup");
  bench.wire.Then(KmsGenerated()).Then(KmsGenerated()).Then(KmsGenerated(kOther));
  REQUIRE(bench.ring.Generate(kContext));
  CHECK(bench.ring.Arn() == kKmsArn);
  CHECK(bench.ring.Name() == "KMS key alias/backup (" + std::string(kKmsArn) + ")");
  REQUIRE(bench.ring.Generate(kContext));
  CHECK(Asks(bench.wire.seen().at(0), "alias/backup"));
  CHECK(Asks(bench.wire.seen().at(1), kKmsArn));
  CHECK(bench.ring.Generate(kContext).error().code == Code::kCorrupt);
  CHECK_FALSE(bench.ring.Owns({"aws-kms", kOther, ""}));
}

TEST_CASE("KMS keyring: an alias without a key yet leaves it to KMS whether it opens this") {
  Bench bench("arn:aws:kms:eu-west-1:123456789012:alias/backup");
  CHECK(bench.ring.Owns({"aws-kms", kOther, ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms", kReplica, ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms", "arn:aws:kms:eu-west-1:210987654321:key/1", ""}));
  CHECK_FALSE(bench.ring.Owns({"aws-kms", "arn:aws:kms:eu-west-1:123456789012:alias/backup", ""}));
  bench.wire.Then(KmsDecrypted(kReplica)).Then(KmsDecrypted());
  // Of another Region than the alias: nothing is learned from that.
  CHECK(bench.Unwrap(kOther).error().code == Code::kCorrupt);
  CHECK(bench.ring.Arn() == "");
  // The message names one key and KMS used another.
  CHECK(bench.Unwrap(kOther).error().code == Code::kCorrupt);
  CHECK(bench.ring.Arn() == kKmsArn);
  CHECK(bench.Unwrap(kKmsArn));
}

TEST_CASE("KMS keyring: a wrapped key that names no key is opened by this one or not at all") {
  for (const std::string& key : {std::string(kKmsArn), std::string("alias/a")}) {
    Bench bench(key);
    bench.wire.Then(KmsDecrypted()).Then(KmsDecrypted(kOther)).Then(KmsDecrypted());
    const auto opened = bench.ring.UnwrapBlob(kKmsBlob, kContext, 32);
    REQUIRE(opened);
    CHECK(AsText(opened->view()) == kKmsPlaintext);
    CHECK(Asks(bench.wire.seen()[0], key));
    CHECK(bench.ring.UnwrapBlob(kKmsBlob, kContext, 32).error().code == Code::kCorrupt);
    CHECK(Asks(bench.wire.seen()[1], kKmsArn));  // what an alias stood for first
    CHECK(bench.ring.UnwrapBlob(kKmsBlob, kContext, 16).error().code == Code::kCorrupt);
  }
}

}  // namespace coffer::s3::kms_keyring_test
