// What the metadata of an object of the S3 Encryption Client says: which of its three versions, and
// how key and content are encrypted.
//
// Pure functions, safe from any thread. All of it is the bucket's word: S3ecKeys and S3ecContent
// prove or refuse it. Nothing is guessed: whatever is of two versions at once, is half there or
// contradicts itself is kCorrupt.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"

namespace coffer {

// User metadata, names in lower case without "x-amz-meta-"; or the members of an instruction file.
using S3ecFields = std::map<std::string, std::string>;

// Whatever is newer is safer.
enum class S3ecVersion { kV1 = 1, kV2 = 2, kV3 = 3 };

enum class S3ecWrap {
  kKmsContext,     // "kms+context"
  kKms,            // "kms": without a context of the caller's
  kAesGcm,         // "AES/GCM"
  kRsaOaepSha1,    // "RSA-OAEP-SHA1"
  kAesKeyWrap,     // "AESWrap"
  kRsaOaepSha256,  // "RSA/ECB/OAEPWithSHA-256AndMGF1Padding"
  kUnnamed,        // version 1 does not say: RSA PKCS#1 v1.5, or AES in ECB mode
};

enum class S3ecCipher {
  kCbc,         // no authentication
  kGcm,         // no commitment
  kCommitting,  // suite 0x0073
};

struct S3ecObject {
  S3ecVersion version = S3ecVersion::kV3;
  S3ecWrap wrap = S3ecWrap::kUnnamed;
  S3ecCipher cipher = S3ecCipher::kCbc;
  std::string algorithm;      // the content's, as the wrapped key is bound to it
  std::string wrapped_key;    // bytes
  std::string nonce;          // IV, or the message id of version 3
  std::string commitment;     // version 3
  EncryptionContext context;  // of the KMS wraps, as stored

  // The policy that reads it: version 1 for all that is not authenticated or is wrapped as today's
  // clients wrap no more.
  S3ecVersion Needs() const;
};

// Where the description of an object is.
enum class S3ecPlace {
  kHere,       // in its metadata
  kSplit,      // version 3: the rest is in its instruction file, which must exist
  kElsewhere,  // in its instruction file if there is one; else it is a plain object
};
Result<S3ecPlace> LocateS3ec(const S3ecFields& metadata);

// kHere.
Result<S3ecObject> ReadS3ec(const S3ecFields& metadata);
// kSplit and kElsewhere: `file` is the parsed instruction file.
Result<S3ecObject> ReadS3ec(const S3ecFields& metadata, const S3ecFields& file);

// The instruction file of `key`: a suffix, and the name by which its metadata tells what it is.
inline constexpr std::string_view kS3ecInstructionSuffix = ".instruction";
inline constexpr std::string_view kS3ecInstructionMark = "x-amz-crypto-instr-file";
// Whether the members have any name that the client gives.
bool HasS3ecFields(const S3ecFields& fields);

// The plaintext's size as it seems, before anything is proved: from that of the stored object, or,
// where that does not tell, from the metadata; the stored size where nothing does.
std::uint64_t S3ecPlainSize(const S3ecObject& object, const S3ecFields& metadata,
                            std::uint64_t stored_size);

}  // namespace coffer
