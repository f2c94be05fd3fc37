// What KMS answers: a key comes out of the reply, or nothing does, and never stays in it.

#include "s3client/kms.h"

#include "s3client/json.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/fake_transport.h"

namespace coffer::test {
namespace {

const EncryptionContext kContext{{"coffer", "1"}, {"vol", "8a\"1c"}};

void CheckReply(const Result<s3::KmsReply>& reply, bool plaintext, bool ciphertext) {
  if (!reply) {
    Must(reply.error().what.find('\n') == std::string::npos, "an error is one line");
    return;
  }
  Must(reply->plaintext.empty() != plaintext, "a key comes where it was asked for");
  Must(reply->plaintext.size() <= kMaxSecret, "a key has a key's size");
  Must(reply->ciphertext.empty() != ciphertext, "a wrapped key comes where it was asked for");
  Must(reply->ciphertext.size() <= 6144, "a wrapped key is no longer than KMS's");
}

void CheckTaken(std::string text) {
  SecretArena arena(2);
  const std::string before = text;
  const auto key =
      s3::TakeSecretMember(std::as_writable_bytes(std::span(text)), "Plaintext", arena);
  Must(text.size() == before.size(), "taking a key moves nothing");
  std::size_t blanked = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == before[i]) continue;
    Must(text[i] == ' ', "blanks replace a key, and nothing else changes");
    ++blanked;
  }
  if (key) Must(blanked * 3 / 4 >= key->size(), "all of a key that was taken is gone");
}

}  // namespace

void FuzzKms(ByteView input) {
  Pieces pieces(input);
  const std::uint8_t kind = pieces.Byte();
  const std::string body = pieces.Rest();
  CheckTaken(body);
  SecretArena arena(16);
  s3::FakeTransport wire;
  s3::KmsClient kms(wire, s3::MakeKmsAddress("eu-west-1", "", false).value(), arena);
  constexpr int kStatus[] = {200, 400, 500, 200};
  wire.Then(s3::Reply(kStatus[kind % 4], {{"x-amzn-RequestId", "R"}}, body));
  CheckReply(kms.GenerateDataKey("alias/x", kContext), true, true);
  CheckReply(kms.Decrypt("alias/x", "blob", kContext), true, false);
  const Secret key = arena.Copy(AsBytes(std::string(32, 'k'))).value();
  CheckReply(kms.Encrypt("alias/x", key, kContext), false, true);
  Must(arena.in_use() == 1, "no key is left behind");
}

}  // namespace coffer::test
