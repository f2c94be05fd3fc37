#include "crypto/s3ec_content.h"

#include "tests/support/s3ec_bench.h"

namespace coffer::test::s3ec_content_test {

Result<std::string> Opened(const S3ecObject& object, const S3ecVector& vector) {
  SecretArena arena(8);
  const Secret key = arena.Copy(AsBytes(vector.data_key)).value();
  COFFER_ASSIGN(DecryptStream stream, OpenS3ecContent(object, key, vector.body.size(), arena));
  Bytes out(vector.body.size() + DecryptStream::kSpare);
  COFFER_ASSIGN(const std::size_t most, stream.Update(AsBytes(vector.body), out));
  std::string plain(AsText(ByteView(out).first(most)));
  COFFER_ASSIGN(const std::size_t rest, stream.Finish(out));
  return plain + std::string(AsText(ByteView(out).first(rest)));
}

TEST_CASE("S3EC content: every cipher, under its data key") {
  for (const S3ecVector& vector : TheS3ecVectors().objects) {
    INFO(vector.name);
    CHECK(*Opened(vector.Object(), vector) == vector.plain);
  }
}

TEST_CASE("S3EC content: the commitment is compared before anything is deciphered") {
  const S3ecVector& vector = TheS3ecVectors().Find("V3 AES/GCM 115 16");
  SecretArena arena(8);
  const Secret key = arena.Copy(AsBytes(vector.data_key)).value();
  for (std::string S3ecObject::*field : {&S3ecObject::commitment, &S3ecObject::nonce}) {
    for (std::size_t at = 0; at < 28; ++at) {
      S3ecObject object = vector.Object();
      (object.*field)[at] = static_cast<char>((object.*field)[at] ^ 1);
      const auto opened = OpenS3ecContent(object, key, vector.body.size(), arena);
      REQUIRE_FALSE(opened);
      CHECK(opened.error().code == Code::kCorrupt);
      CHECK(opened.error().what.find("commitment") != std::string::npos);
    }
  }
  const Secret other = arena.Copy(AsBytes(std::string(32, 'o'))).value();
  CHECK_FALSE(OpenS3ecContent(vector.Object(), other, vector.body.size(), arena));
  CHECK(arena.in_use() == 2);
}

}  // namespace coffer::test::s3ec_content_test
