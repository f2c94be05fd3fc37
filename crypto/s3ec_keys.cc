#include "crypto/s3ec_keys.h"

#include <optional>
#include <string>
#include <utility>

#include "crypto/key_wrap.h"
#include "crypto/openssl.h"

namespace coffer {
namespace {

constexpr std::size_t kDataKey = 32;
// Of version 1, where no name tells: a key of 32 bytes in ECB mode with its padding has 48.
constexpr std::size_t kLargestEcb = 48;
constexpr const char* kAlgorithmPair = "aws:x-amz-cek-alg";
constexpr const char* kKeyIdPair = "kms_cmk_id";

Error None(std::string_view kind, std::string_view option) {
  std::string what = "its key is wrapped by ";
  what.append(kind).append(", and none was named: ").append(option);
  return {Code::kKeyMissing, std::move(what)};
}

Error DoesNotFit() {
  return {Code::kCorrupt,
          "none of the keys that were named unwraps its key: another one did, or it is damaged"};
}

Error WrongContext(std::string what) { return {Code::kCorrupt, std::move(what)}; }

bool IsDataKey(const Result<Secret>& key) { return key && key->size() == kDataKey; }

// len(1) || key || the content's algorithm
Result<Secret> WithoutAlgorithm(const Secret& opened, std::string_view algorithm,
                                SecretArena& arena) {
  const ByteView bytes = opened.view();
  if (bytes.size() != 1 + kDataKey + algorithm.size() || bytes[0] != std::byte{kDataKey} ||
      !SameSecret(bytes.subspan(1 + kDataKey), AsBytes(algorithm))) {
    return DoesNotFit();
  }
  return arena.Copy(bytes.subspan(1, kDataKey));
}

Result<Secret> TryAes(const S3ecObject& object, const Secret& key, SecretArena& arena) {
  const ByteView wrapped = AsBytes(object.wrapped_key);
  switch (object.wrap) {
    case S3ecWrap::kAesGcm:
      return UnwrapAesGcm(key.view(), AsBytes(object.algorithm), wrapped, arena);
    case S3ecWrap::kAesKeyWrap:
      return UnwrapAesKeyWrap(key.view(), wrapped, arena);
    default:
      return UnwrapAesEcb(key.view(), wrapped, arena);
  }
}

Result<Secret> TryRsa(const S3ecObject& object, const RsaKey& key, SecretArena& arena) {
  const ByteView wrapped = AsBytes(object.wrapped_key);
  if (object.wrap == S3ecWrap::kRsaOaepSha1) {
    COFFER_ASSIGN(const Secret opened, key.Decrypt(RsaPadding::kOaepSha1, wrapped, arena));
    return WithoutAlgorithm(opened, object.algorithm, arena);
  }
  if (object.wrap == S3ecWrap::kUnnamed) return key.Decrypt(RsaPadding::kPkcs1, wrapped, arena);
  // Java's own provider first, then BouncyCastle.
  auto opened = key.Decrypt(RsaPadding::kOaepSha256Mgf1Sha1, wrapped, arena);
  if (opened) return opened;
  return key.Decrypt(RsaPadding::kOaepSha256, wrapped, arena);
}

}  // namespace

// The wrapped key says for which algorithm it was made: metadata that names another one, or a
// context that the caller did not expect, is a downgrade or a mix-up.
Status S3ecKeys::CheckContext(const S3ecObject& object) const {
  EncryptionContext rest = object.context;
  const auto algorithm = rest.find(kAlgorithmPair);
  const bool said = algorithm != rest.end();
  if ((object.wrap == S3ecWrap::kKmsContext && !said) ||
      (said && algorithm->second != object.algorithm)) {
    return WrongContext("its key was wrapped for another algorithm than the metadata names");
  }
  if (object.wrap == S3ecWrap::kKms) {
    if (!rest.contains(kKeyIdPair)) return WrongContext("its context names no KMS key");
    if (held_.context.empty()) return Ok();
    return WrongContext("the old KMS wrapping has no --encryption-context: leave it out");
  }
  rest.erase(kAlgorithmPair);
  rest.erase(kKeyIdPair);
  if (rest == held_.context) return Ok();
  return WrongContext("its encryption context is not exactly what --encryption-context names");
}

Result<Secret> S3ecKeys::ByKms(const S3ecObject& object) const {
  if (held_.kms.empty()) return None("KMS", "--kms-key");
  COFFER_TRY(CheckContext(object));
  std::optional<Error> refused;
  for (const auto& key : held_.kms) {
    auto opened = key->UnwrapBlob(object.wrapped_key, object.context, kDataKey);
    if (opened) return opened;
    // What one key says of itself counts more than that others did not wrap this.
    if (!refused || refused->code == Code::kCorrupt) refused = std::move(opened).error();
  }
  return std::move(*refused);
}

Result<Secret> S3ecKeys::ByAes(const S3ecObject& object) const {
  if (held_.aes.empty()) return None("an AES key", "--aes-key or --key-file");
  for (const Secret& key : held_.aes) {
    auto opened = TryAes(object, key, arena_);
    if (IsDataKey(opened)) return opened;
    if (!opened && opened.error().code != Code::kCorrupt) return opened;
  }
  return DoesNotFit();
}

Result<Secret> S3ecKeys::ByRsa(const S3ecObject& object) const {
  if (held_.rsa.empty()) return None("an RSA key", "--rsa-key, with its private half");
  for (const RsaKey& key : held_.rsa) {
    auto opened = TryRsa(object, key, arena_);
    if (IsDataKey(opened)) return opened;
    if (!opened && opened.error().code != Code::kCorrupt) return opened;
  }
  // What becomes of PKCS #1 padding that does not fit must not show, to who sees our requests least
  // of all (Bleichenbacher): a key that fits nothing fails where a wrong content does.
  if (object.wrap == S3ecWrap::kUnnamed) return arena_.Random(kDataKey);
  return DoesNotFit();
}

Result<Secret> S3ecKeys::Unwrap(const S3ecObject& object) const {
  switch (object.wrap) {
    case S3ecWrap::kKmsContext:
    case S3ecWrap::kKms:
      return ByKms(object);
    case S3ecWrap::kAesGcm:
    case S3ecWrap::kAesKeyWrap:
      return ByAes(object);
    case S3ecWrap::kRsaOaepSha1:
    case S3ecWrap::kRsaOaepSha256:
      return ByRsa(object);
    case S3ecWrap::kUnnamed:
      return object.wrapped_key.size() > kLargestEcb ? ByRsa(object) : ByAes(object);
  }
  return DoesNotFit();
}

}  // namespace coffer
