// What a sealed volume adds to its store: keys for files that are about to be written, and a safe
// form for bytes that could not be.

#pragma once

#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// All block on KMS without a key at hand; safe from any thread. SealedStore implements it.
class ContentSealer {
 public:
  virtual ~ContentSealer() = default;
  // For a file that is about to be written: a refusal comes before the first byte.
  virtual Result<DataKeyPtr> TakeKey() = 0;
  // What the object of this version (of whatever is current, for "") says of itself, proved: what
  // is sealed again, by a copy or a new version, must come from here. kCorrupt when it is not
  // proved. A marker of another tool, which is no message, has no metadata. Blocks on the network.
  virtual Result<s3::ObjectInfo> Prove(const std::string& key, const std::string& etag) = 0;
  // The wrapped data keys of an object's message, as its header says them: one ranged read where
  // the message was not opened yet, and no key. A claim, unless it was opened. kCorrupt for what is
  // no message of the volume.
  virtual Result<std::vector<EncryptedDataKey>> KeysOf(const std::string& key,
                                                       const std::string& etag) = 0;
  // Bytes that could not be stored, as a message that `coffer open` reads; null takes a key.
  virtual Result<Bytes> SealAlone(ByteView plain, DataKeyPtr key) = 0;
};

}  // namespace coffer::fs
