// Keys as people have them in files, and how they are named.

#include "crypto/aes_key_file.h"
#include "crypto/encoding.h"
#include "crypto/rsa_key.h"
#include "s3client/arn.h"
#include "s3client/kms_key.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

void CheckArn(const std::string& text) {
  const auto arn = s3::ParseArn(text);
  if (arn && s3::LooksLikeArn(text)) {
    Must(arn->Head() + arn->resource == text, "an ARN is its parts");
    const auto split = s3::SplitResource(arn->resource, 3);
    Must(split.components.size() <= 3, "no more components than were asked for");
    std::size_t size = split.rest.size();
    for (const std::string& component : split.components) size += component.size() + 1;
    Must(size <= arn->resource.size() + 1, "components are of the resource");
  }
  if (const auto key = s3::ParseKmsKeyId(text, "eu-west-1")) {
    Must(!key->region.empty() && !key->resource.empty(), "a KMS key is somewhere");
    Must(key->resource.starts_with("key/") || key->is_alias(), "a KMS key is a key or an alias");
    if (!key->is_alias()) Must(s3::SameKmsKey(*key, key->text), "a KMS key is itself");
    Must(key->text.find_first_of("\r\n") == std::string::npos, "a KMS key is one line");
  }
}

void CheckAesKey(std::string_view text) {
  SecretArena arena(8);
  const auto key = ParseAesKeyFile(text, arena);
  if (!key) return;
  Must(key->size() == 16 || key->size() == 24 || key->size() == 32, "AES keys have three sizes");
  Must(AesKeyId(*key).size() == 16, "a key has an id");
  const auto again = ParseAesKeyFile(HexEncode(key->view()) + "\n", arena);
  Must(again && AsText(again->view()) == AsText(key->view()), "a key in hex is that key");
  const std::string text_form = Base64Encode(key->view());
  if (HexDecode(text_form)) return;  // as the header says: 32 hex digits are a key of 128 bits
  const auto base64 = ParseAesKeyFile(text_form, arena);
  Must(base64 && AsText(base64->view()) == AsText(key->view()), "a key in base64 is that key");
}

}  // namespace

void FuzzKeys(ByteView input) {
  const std::string text(AsText(input));
  CheckArn(text);
  CheckAesKey(text);
  const auto pem = RsaKey::FromPem(text);
  if (!pem) return;
  Must(pem->size() >= 256, "RSA keys have 2,048 bits at least");
  const auto half = RsaKey::FromPem(pem->PublicPem().value());
  Must(half && !half->is_private() && half->Id().value() == pem->Id().value(),
       "both halves of a key have one name");
}

}  // namespace coffer::test
