// What a sealed volume adds to its store: keys for files that are about to be written, and a safe
// form for bytes that could not be.

#pragma once

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"

namespace coffer::fs {

// Both block on KMS without a key at hand; safe from any thread. SealedStore implements it.
class ContentSealer {
 public:
  virtual ~ContentSealer() = default;
  // For a file that is about to be written: a refusal comes before the first byte.
  virtual Result<DataKeyPtr> TakeKey() = 0;
  // Bytes that could not be stored, as a message that `coffer open` reads; null takes a key.
  virtual Result<Bytes> SealAlone(ByteView plain, DataKeyPtr key) = 0;
};

}  // namespace coffer::fs
