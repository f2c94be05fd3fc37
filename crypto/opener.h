// Opens any frames of one message, in any order: what a range of a sealed object is read with.
//
// For messages of the suite that is written, 0x0478, by whoever wrote them; other suites are read
// whole (crypto/whole_message_opener.h). No byte is released before its tag has been found to fit,
// and each byte is proved to stand at its place of this message. What the size of the object says
// about its end is proved by opening the final frame, and by nothing else.
//
// Immutable: safe from any thread. Does not block.

#pragma once

#include "crypto/bytes.h"
#include "crypto/frame.h"
#include "crypto/header.h"
#include "crypto/key_source.h"
#include "crypto/layout.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

class Opener {
 public:
  // `header` was parsed from the beginning of `bytes`, which hold all of it; `key` came from the
  // KeySource for its encrypted keys and its context. kUnsupported for other suites and for
  // unframed messages; kCorrupt when the header does not authenticate. The arena must outlive the
  // Opener, which takes one key of it.
  static Result<Opener> Make(const Header& header, ByteView bytes, const DataKey& key,
                             SecretArena& arena);

  // As the header says, so true: compare it with the volume's, from which sizes were computed.
  const Layout& layout() const { return layout_; }
  ByteView message_id() const { return message_id_; }

  // Opens frames `run` of a message of this layout with that shape: `sealed` are the bytes at
  // shape.SealedOf(run), and `out` has shape.PlainOf(run).size bytes. kCorrupt, in words that say
  // what is wrong with which frame, and then `out` has been wiped. Nobody else may look at `out`
  // before this returns.
  Status Open(const Shape& shape, FrameRun run, ByteView sealed, MutableByteView out) const;
  // The same where they lie: `bytes` holds the frames before, and what they say afterwards; nothing
  // when it fails.
  Status OpenInPlace(const Shape& shape, FrameRun run, Bytes& bytes) const;

 private:
  Opener(const Layout& layout, const Header& header, Secret content_key)
      : layout_(layout),
        message_id_(header.message_id),
        ours_(header.pad > 0),
        content_key_(std::move(content_key)) {}
  struct Placed {
    FrameHead head;
    std::size_t begin = 0;  // of the ciphertext, in its frame
  };
  Result<Placed> HeadOf(const Shape& shape, FrameNumber number, ByteView frame) const;
  Status OpenAll(const Shape& shape, FrameRun run, ByteView sealed, MutableByteView out) const;
  Status OpenAllInPlace(const Shape& shape, FrameRun run, MutableByteView bytes) const;

  Layout layout_;
  Bytes message_id_;
  bool ours_;  // with coffer-pad: then nonces are as we write them
  Secret content_key_;
};

}  // namespace coffer
