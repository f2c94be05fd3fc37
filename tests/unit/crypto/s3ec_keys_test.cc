#include "crypto/s3ec_keys.h"

#include "tests/support/s3ec_bench.h"

namespace coffer::test::s3ec_keys_test {

struct Bench {
  explicit Bench(EncryptionContext context = {}) : made(arena) {
    made.held.context = std::move(context);
    keys = std::make_unique<S3ecKeys>(std::move(made.held), arena);
  }
  const S3ecKeys& Keys() const { return *keys; }

  SecretArena arena{64};
  HeldS3ecKeys made;
  std::unique_ptr<S3ecKeys> keys;
};

EncryptionContext CallersPart(EncryptionContext context) {
  context.erase("aws:x-amz-cek-alg");
  context.erase("kms_cmk_id");
  return context;
}

Code CodeOf(const Result<Secret>& key) { return key ? Code::kExists : key.error().code; }

TEST_CASE("S3EC keys: every wrapping gives the data key") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    INFO(vector.name);
    Bench bench(CallersPart(vector.context));
    const auto key = bench.Keys().Unwrap(vector.Object());
    REQUIRE(key);
    CHECK(AsText(key->view()) == vector.data_key);
  }
}

TEST_CASE("S3EC keys: any other bit of a wrapped key is refused") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    if (vector.plain.size() != 300) continue;
    INFO(vector.name);
    // Whether such padding fits must not show: a key always comes out.
    const bool pkcs1 = vector.name.find("RSA/PKCS1") != vector.name.npos;
    Bench bench(CallersPart(vector.context));
    const S3ecKeys& keys = bench.Keys();
    S3ecObject object = vector.Object();
    for (std::size_t at = 0; at < object.wrapped_key.size(); at += 7) {
      object.wrapped_key[at] = static_cast<char>(object.wrapped_key[at] ^ 4);
      const auto key = keys.Unwrap(object);
      // ECB authenticates nothing: another key comes out, or none.
      if (object.wrap == S3ecWrap::kUnnamed && key) CHECK(AsText(key->view()) != vector.data_key);
      if (object.wrap != S3ecWrap::kUnnamed) CHECK(CodeOf(key) == Code::kCorrupt);
      if (pkcs1) CHECK(key);
      object.wrapped_key[at] = static_cast<char>(object.wrapped_key[at] ^ 4);
    }
    object.wrapped_key.pop_back();
    const auto cut = keys.Unwrap(object);
    CHECK(cut.has_value() == pkcs1);
    if (cut) CHECK(AsText(cut->view()) != vector.data_key);
  }
}

TEST_CASE("S3EC keys: an algorithm that the wrapping does not confirm is a downgrade") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    if (vector.needs == S3ecVersion::kV1 || !vector.name.ends_with(" 300")) continue;
    INFO(vector.name);
    Bench bench;
    const S3ecKeys& keys = bench.Keys();
    S3ecObject object = vector.Object();
    object.algorithm = "AES/CBC/PKCS5Padding";
    CHECK(CodeOf(keys.Unwrap(object)) == Code::kCorrupt);
    // KMS is not even asked.
    CHECK(bench.made.kms->calls == 0);
  }
  Bench bench;
  const S3ecKeys& keys = bench.Keys();
  S3ecObject object = TheS3ecVectors().Find("V2 kms+context AES/GCM/NoPadding 300").Object();
  object.context.erase("aws:x-amz-cek-alg");
  CHECK(CodeOf(keys.Unwrap(object)) == Code::kCorrupt);
  // The old wrapping for what was wrapped with a context.
  object = TheS3ecVectors().Find("V2 kms+context AES/GCM/NoPadding 300").Object();
  object.wrap = S3ecWrap::kKms;
  CHECK(CodeOf(keys.Unwrap(object)) == Code::kCorrupt);
  CHECK(bench.made.kms->calls == 0);
}

TEST_CASE("S3EC keys: the context is exactly what the caller expects") {
  const S3ecVector& vector = TheS3ecVectors().Find("V3 kms+context 115 300 context");
  const EncryptionContext right = CallersPart(vector.context);
  EncryptionContext less = right;
  less.erase("where");
  EncryptionContext more = right;
  more["x"] = "y";
  EncryptionContext other = right;
  other["purpose"] = "production";
  for (const EncryptionContext& wrong : {EncryptionContext{}, less, more, other}) {
    Bench bench(wrong);
    const auto key = bench.Keys().Unwrap(vector.Object());
    CHECK(CodeOf(key) == Code::kCorrupt);
    CHECK(key.error().what.find("--encryption-context") != std::string::npos);
    CHECK(bench.made.kms->calls == 0);
  }
  Bench bench(right);
  CHECK(CodeOf(bench.Keys().Unwrap(TheS3ecVectors().Find("V3 kms+context 115 300").Object())) ==
        Code::kCorrupt);
  Bench old(EncryptionContext{{"a", "b"}});
  CHECK(CodeOf(old.Keys().Unwrap(
            TheS3ecVectors().Find("V2 kms AES/CBC/PKCS5Padding 300").Object())) == Code::kCorrupt);
  CHECK(old.made.kms->calls == 0);
}

TEST_CASE("S3EC keys: without a key of the kind it is missing, with another one it is damaged") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    INFO(vector.name);
    SecretArena arena(16);
    S3ecKeys::Held nothing;
    nothing.context = CallersPart(vector.context);
    const S3ecKeys none(std::move(nothing), arena);
    const auto missing = none.Unwrap(vector.Object());
    CHECK(CodeOf(missing) == Code::kKeyMissing);
    CHECK(missing.error().what.find("-key") != std::string::npos);
  }
  SecretArena arena(16);
  S3ecKeys::Held held;
  held.aes.push_back(arena.Copy(AsBytes(std::string(32, 'o'))).value());
  const S3ecKeys other(std::move(held), arena);
  for (const char* name : {"V3 AES/GCM 115 300", "V2 AESWrap AES/GCM/NoPadding 300",
                           "V1 AES/ECB AES/CBC/PKCS5Padding 300"}) {
    CHECK(CodeOf(other.Unwrap(TheS3ecVectors().Find(name).Object())) == Code::kCorrupt);
  }
}

TEST_CASE("S3EC keys: what KMS says of one key counts more than that another did not wrap this") {
  SecretArena arena(16);
  S3ecKeys::Held held;
  std::vector<VectorKms*> kms;
  for (int i = 0; i < 2; ++i) {
    auto one = std::make_unique<VectorKms>(arena);
    kms.push_back(one.get());
    held.kms.push_back(std::move(one));
  }
  const S3ecKeys keys(std::move(held), arena);
  const S3ecObject object = TheS3ecVectors().Find("V3 kms+context 115 300").Object();
  kms[0]->refusal = Error{Code::kDenied, "no"};
  CHECK(keys.Unwrap(object));  // by the second
  kms[1]->refusal = Error{Code::kCorrupt, "not mine"};
  CHECK(CodeOf(keys.Unwrap(object)) == Code::kDenied);
  std::swap(kms[0]->refusal, kms[1]->refusal);
  CHECK(CodeOf(keys.Unwrap(object)) == Code::kDenied);
}

}  // namespace coffer::test::s3ec_keys_test
