// Seals one message from its beginning to its end, in pieces of any size: what `coffer seal`
// writes. The suite is 0x0478, and the header is not padded.
//
// Belongs to one thread at a time. Does not block.

#pragma once

#include <memory>

#include "crypto/bytes.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/sealer.h"
#include "crypto/secret.h"

namespace coffer {

class WholeMessageSealer {
 public:
  // Errors as Sealer::MakeUnpadded gives them. The arena outlives the sealer.
  static Result<WholeMessageSealer> Make(const DataKey& key, const EncryptionContext& context,
                                         std::uint32_t frame_size, SecretArena& arena);

  // Appends to `out` what is sealed of the message so far: first the header, then frames. After an
  // error (kTooLarge over 2^32-1 frames) the message cannot be finished.
  Status Write(ByteView plaintext, Bytes& out);
  // Appends the rest. Once.
  Status Finish(Bytes& out);

 private:
  WholeMessageSealer(std::unique_ptr<Sealer> sealer) : sealer_(std::move(sealer)) {}
  void BeginWith(Bytes& out);
  Status SealFrames(ByteView plaintext, Bytes& out);

  std::unique_ptr<Sealer> sealer_;
  bool began_ = false;
  FrameNumber next_ = 1;
  Bytes held_;  // up to a full frame, which may be the final one
};

}  // namespace coffer
