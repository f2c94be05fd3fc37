#include "crypto/s3ec_object.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "crypto/aead.h"
#include "crypto/encoding.h"
#include "crypto/string_map.h"

namespace coffer {
namespace {

constexpr const char* kKey1 = "x-amz-key";
constexpr const char* kKey2 = "x-amz-key-v2";
constexpr const char* kKey3 = "x-amz-3";
constexpr const char* kIv = "x-amz-iv";
constexpr const char* kDescription = "x-amz-matdesc";
constexpr const char* kWrap = "x-amz-wrap-alg";
constexpr const char* kCipher = "x-amz-cek-alg";
constexpr const char* kTagLength = "x-amz-tag-len";
constexpr const char* kPlainLength = "x-amz-unencrypted-content-length";
constexpr const char* kCipher3 = "x-amz-c";
constexpr const char* kMessageId3 = "x-amz-i";
constexpr const char* kCommitment3 = "x-amz-d";
constexpr const char* kContext3 = "x-amz-t";
constexpr const char* kDescription3 = "x-amz-m";
constexpr const char* kWrap3 = "x-amz-w";

constexpr std::string_view kCbcName = "AES/CBC/PKCS5Padding";
constexpr std::string_view kGcmName = "AES/GCM/NoPadding";
constexpr std::string_view kCommittingName = "115";

constexpr std::size_t kCbcIv = 16;
constexpr std::size_t kMessageId = 28;
constexpr std::size_t kCommitment = 28;

Error Bad(std::string why) {
  return {Code::kCorrupt,
          "what is said of its S3 Encryption Client format cannot be: " + std::move(why)};
}

bool Has(const S3ecFields& fields, const char* name) { return fields.contains(name); }

template <typename... Names>
bool HasAny(const S3ecFields& fields, Names... names) {
  return (Has(fields, names) || ...);
}

Result<std::string> Text(const S3ecFields& fields, const char* name) {
  const auto found = fields.find(name);
  if (found == fields.end()) return Bad(std::string("there is no ") + name);
  return found->second;
}

Result<std::string> Base64Field(const S3ecFields& fields, const char* name) {
  COFFER_ASSIGN(const std::string text, Text(fields, name));
  const auto bytes = Base64Decode(text);
  if (!bytes || bytes->empty()) return Bad(std::string(name) + " is no base64");
  return std::string(AsText(*bytes));
}

Result<std::string> SizedField(const S3ecFields& fields, const char* name, std::size_t size) {
  COFFER_ASSIGN(std::string bytes, Base64Field(fields, name));
  if (bytes.size() != size) return Bad(std::string(name) + " has a wrong length");
  return bytes;
}

// S3 shows UTF-8 in metadata as an RFC 2047 word (which whoever read the reply has decoded) of what
// may have been taken for Latin-1 and encoded once more. The bytes before that, where it can have
// happened. A text that was meant as it stands and is undone all the same opens nothing: the
// context is authenticated.
std::string Undouble(std::string_view text) {
  std::string once;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x80) {
      once += text[i];
      continue;
    }
    // U+0080 to U+00FF are two bytes, C2 or C3 first.
    if ((byte != 0xC2 && byte != 0xC3) || i + 1 == text.size()) return std::string(text);
    once += static_cast<char>((byte & 3u) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3Fu));
  }
  return once;
}

Result<EncryptionContext> ContextField(const S3ecFields& fields, const char* name) {
  COFFER_ASSIGN(const std::string text, Text(fields, name));
  // The parser takes valid UTF-8 only.
  if (auto undone = ParseStringMap(Undouble(text))) return undone;
  if (auto as_it_is = ParseStringMap(text)) return as_it_is;
  return Bad(std::string(name) + " is not a JSON object of strings");
}

struct WrapName {
  std::string_view name;
  std::string_view number;  // in version 3
  S3ecWrap wrap;
};
constexpr std::array kWraps = {
    WrapName{"kms+context", "12", S3ecWrap::kKmsContext},
    WrapName{"kms", "", S3ecWrap::kKms},
    WrapName{"AES/GCM", "02", S3ecWrap::kAesGcm},
    WrapName{"RSA-OAEP-SHA1", "22", S3ecWrap::kRsaOaepSha1},
    WrapName{"AESWrap", "", S3ecWrap::kAesKeyWrap},
    WrapName{"RSA/ECB/OAEPWithSHA-256AndMGF1Padding", "", S3ecWrap::kRsaOaepSha256},
};

Result<S3ecWrap> WrapOf(const S3ecFields& fields, const char* field,
                        std::string_view WrapName::*name) {
  COFFER_ASSIGN(const std::string text, Text(fields, field));
  for (const WrapName& row : kWraps) {
    if (!text.empty() && row.*name == text) return row.wrap;
  }
  return Bad(std::string(field) + " is none that is known");
}

bool IsKms(S3ecWrap wrap) { return wrap == S3ecWrap::kKmsContext || wrap == S3ecWrap::kKms; }

Status ReadCipher(const S3ecFields& fields, S3ecObject& object) {
  if (object.version == S3ecVersion::kV1 && !Has(fields, kCipher)) {
    object.algorithm = kCbcName;
  } else {
    COFFER_ASSIGN(object.algorithm, Text(fields, kCipher));
  }
  if (object.algorithm == kCbcName) {
    object.cipher = S3ecCipher::kCbc;
    COFFER_ASSIGN(object.nonce, SizedField(fields, kIv, kCbcIv));
    return Ok();
  }
  if (object.algorithm != kGcmName || object.version == S3ecVersion::kV1) {
    return Bad(std::string(kCipher) + " is none that is known");
  }
  object.cipher = S3ecCipher::kGcm;
  if (Has(fields, kTagLength) && fields.at(kTagLength) != "128") {
    return Bad(std::string(kTagLength) + " is not 128");
  }
  COFFER_ASSIGN(object.nonce, SizedField(fields, kIv, std::tuple_size_v<Nonce>));
  return Ok();
}

Result<S3ecObject> ReadOld(const S3ecFields& fields) {
  S3ecObject object;
  const bool first = Has(fields, kKey1);
  object.version = first ? S3ecVersion::kV1 : S3ecVersion::kV2;
  COFFER_ASSIGN(object.wrapped_key, Base64Field(fields, first ? kKey1 : kKey2));
  COFFER_TRY(ReadCipher(fields, object));
  if (!first || Has(fields, kWrap)) {
    COFFER_ASSIGN(object.wrap, WrapOf(fields, kWrap, &WrapName::name));
  }
  if (IsKms(object.wrap)) {
    COFFER_ASSIGN(object.context, ContextField(fields, kDescription));
  }
  return object;
}

Result<S3ecObject> ReadNew(const S3ecFields& fields) {
  S3ecObject object;
  object.version = S3ecVersion::kV3;
  object.cipher = S3ecCipher::kCommitting;
  COFFER_ASSIGN(object.algorithm, Text(fields, kCipher3));
  if (object.algorithm != kCommittingName) {
    return Bad(std::string(kCipher3) + " is none that is known");
  }
  COFFER_ASSIGN(object.wrapped_key, Base64Field(fields, kKey3));
  COFFER_ASSIGN(object.nonce, SizedField(fields, kMessageId3, kMessageId));
  COFFER_ASSIGN(object.commitment, SizedField(fields, kCommitment3, kCommitment));
  COFFER_ASSIGN(object.wrap, WrapOf(fields, kWrap3, &WrapName::number));
  if (IsKms(object.wrap)) {
    COFFER_ASSIGN(object.context, ContextField(fields, kContext3));
  }
  return object;
}

// "If the object matches none", before its instruction file is asked for.
bool IsHalf(const S3ecFields& fields) {
  return HasAny(fields, kIv, kWrap, kCipher, kCipher3, kMessageId3, kCommitment3, kWrap3, kContext3,
                kDescription3);
}

Result<S3ecObject> ReadSplit(const S3ecFields& metadata, const S3ecFields& file) {
  if (HasAny(file, kCipher3, kMessageId3, kCommitment3)) {
    return Bad("its instruction file speaks of the content, which only the object itself may");
  }
  if (HasAny(file, kKey1, kKey2, kIv, kWrap, kCipher)) {
    return Bad("its instruction file is of another version");
  }
  if (HasAny(metadata, kWrap3, kContext3, kDescription3)) {
    return Bad("the object speaks of the wrapped key, which its instruction file holds");
  }
  S3ecFields both = file;
  for (const char* name : {kCipher3, kMessageId3, kCommitment3}) both[name] = metadata.at(name);
  return ReadNew(both);
}

}  // namespace

S3ecVersion S3ecObject::Needs() const {
  const bool modern =
      wrap == S3ecWrap::kKmsContext || wrap == S3ecWrap::kAesGcm || wrap == S3ecWrap::kRsaOaepSha1;
  if (cipher == S3ecCipher::kCbc || !modern) return S3ecVersion::kV1;
  return version;
}

Result<S3ecPlace> LocateS3ec(const S3ecFields& metadata) {
  const bool v1 = Has(metadata, kKey1);
  const bool v2 = Has(metadata, kKey2);
  const bool v3 = Has(metadata, kKey3);
  const bool any3 = v3 || HasAny(metadata, kCipher3, kMessageId3, kCommitment3, kWrap3);
  const bool content3 =
      Has(metadata, kCipher3) && Has(metadata, kMessageId3) && Has(metadata, kCommitment3);
  if ((v1 && v2) || ((v1 || v2) && any3) || (any3 && HasAny(metadata, kIv, kWrap, kCipher))) {
    return Bad("it is of two versions at once");
  }
  if ((v1 || v2) && !Has(metadata, kIv)) return Bad(std::string("there is no ") + kIv);
  if (v3 && !content3) return Bad("there is a key, but no message id or commitment");
  if (v1 || v2 || v3) return S3ecPlace::kHere;
  if (content3) return S3ecPlace::kSplit;
  if (IsHalf(metadata)) return Bad("a half of it is missing");
  return S3ecPlace::kElsewhere;
}

Result<S3ecObject> ReadS3ec(const S3ecFields& metadata) {
  if (Has(metadata, kKey3)) return ReadNew(metadata);
  return ReadOld(metadata);
}

Result<S3ecObject> ReadS3ec(const S3ecFields& metadata, const S3ecFields& file) {
  COFFER_ASSIGN(const S3ecPlace place, LocateS3ec(metadata));
  if (place == S3ecPlace::kSplit) return ReadSplit(metadata, file);
  COFFER_ASSIGN(const S3ecPlace in_file, LocateS3ec(file));
  if (in_file != S3ecPlace::kHere || Has(file, kKey3)) {
    return Bad("its instruction file does not describe it");
  }
  return ReadOld(file);
}

bool HasS3ecFields(const S3ecFields& fields) {
  return HasAny(fields, kKey1, kKey2, kKey3, kDescription, kTagLength) || IsHalf(fields);
}

std::uint64_t S3ecPlainSize(const S3ecObject& object, const S3ecFields& metadata,
                            std::uint64_t stored_size) {
  if (object.cipher != S3ecCipher::kCbc)
    return stored_size - std::min<std::uint64_t>(stored_size, kTagSize);
  const auto said = metadata.find(kPlainLength);
  if (said == metadata.end()) return stored_size;
  std::uint64_t size = 0;
  const char* end = said->second.data() + said->second.size();
  const auto [stop, error] = std::from_chars(said->second.data(), end, size);
  // A padding of 1 to 16 bytes.
  const bool fits =
      error == std::errc() && stop == end && size < stored_size && stored_size - size <= kCbcIv;
  return fits ? size : stored_size;
}

}  // namespace coffer
