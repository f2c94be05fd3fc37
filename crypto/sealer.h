// Seals one message: a header, regular frames of F bytes, and a final one (coffer-format(5)).
//
// One Sealer is one message id, drawn when it is made, and seals every frame number once, ever:
// whoever must send a frame again keeps the sealed bytes. What changes after it was sealed, and
// what is appended to a message, needs a new Sealer (the data key may stay).
//
// Safe from any thread: frames may be sealed in parallel and in any order. Does not block.

#pragma once

#include <memory>
#include <mutex>

#include "crypto/bytes.h"
#include "crypto/frame_ledger.h"
#include "crypto/header_tag.h"
#include "crypto/key_source.h"
#include "crypto/layout.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

class Sealer {
 public:
  // A message of a volume: its header is padded to layout.header_size(). kTooLarge when keys and
  // context do not fit. The arena must outlive the Sealer, which takes one key of it.
  static Result<std::unique_ptr<Sealer>> Make(const DataKey& key, const EncryptionContext& context,
                                              const Layout& layout, SecretArena& arena);
  // A message of its own: the header is as long as it is.
  static Result<std::unique_ptr<Sealer>> MakeUnpadded(const DataKey& key,
                                                      const EncryptionContext& context,
                                                      std::uint32_t frame_size, SecretArena& arena);

  // The first bytes of the object.
  ByteView header() const { return header_; }
  ByteView message_id() const { return message_id_; }
  const Layout& layout() const { return layout_; }
  // Every frame was sealed, the final one among them: what was sealed is a whole message.
  bool complete() const;

  // Seals regular frames, `first` and those after it: `plaintext` is one or more times F bytes, and
  // `out` has layout().sealed_frame_size() bytes for each. kInvalid, and nothing sealed, when one
  // of the numbers was sealed before. A regular frame is never the last one: keep the last F bytes
  // back until it is known whether more follow.
  Status Seal(FrameNumber first, ByteView plaintext, MutableByteView out);

  // Seals the final frame, while frames before it may still be under way: 1 to F bytes, or none
  // where the whole plaintext is empty. `out` has plaintext.size() + kFinalOverhead bytes. kInvalid
  // as above, and when a frame after it was sealed.
  Status SealFinal(FrameNumber number, ByteView plaintext, MutableByteView out);

 private:
  Sealer(const Layout& layout, Bytes message_id, SealedHeader sealed)
      : layout_(layout),
        message_id_(std::move(message_id)),
        header_(std::move(sealed.bytes)),
        content_key_(std::move(sealed.content_key)) {}
  static Result<std::unique_ptr<Sealer>> Begin(Header header, const DataKey& key,
                                               SecretArena& arena);

  const Layout layout_;
  const Bytes message_id_;
  const Bytes header_;
  const Secret content_key_;
  mutable std::mutex mu_;  // guards ledger_
  FrameLedger ledger_;
};

}  // namespace coffer
