// A key service that opens wrapped keys which do not say under which key they were wrapped: those
// of the S3 Encryption Client. s3client/ implements it with KMS.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "crypto/key_source.h"

namespace coffer {

// Safe to share between threads.
class BlobUnwrapper {
 public:
  virtual ~BlobUnwrapper() = default;

  // Opens `blob` with the one key that this stands for and no other. May block on the network.
  // kCorrupt when that key did not wrap it, or not under this context, when another key answered,
  // or when it does not hold `size` bytes; kDenied, kKeyMissing, kKeyDisabled, kUnavailable,
  // kTimeout, kInterrupted.
  virtual Result<Secret> UnwrapBlob(std::string_view blob, const EncryptionContext& context,
                                    std::size_t size) = 0;
};

}  // namespace coffer
