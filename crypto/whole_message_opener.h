// Opens one AWS Encryption SDK message of any suite and format from its beginning to its end, in
// pieces of any size (coffer-format(5)).
//
// Belongs to one thread at a time. Blocks while the key source asks for the data key, once, and as
// the sink does.

#pragma once

#include <cstdint>
#include <optional>

#include "crypto/aead.h"
#include "crypto/bytes.h"
#include "crypto/commitment_policy.h"
#include "crypto/ecdsa_verifier.h"
#include "crypto/frame.h"
#include "crypto/header.h"
#include "crypto/key_source.h"
#include "crypto/plaintext_sink.h"
#include "crypto/result.h"
#include "crypto/secret.h"

namespace coffer {

struct OpenRules {
  CommitmentPolicy policy = CommitmentPolicy::kRequireEncryptRequireDecrypt;
  HeaderLimits limits;
  // What the message must have been sealed under. Pairs that its header has must be the same; those
  // that it lacks must have been authenticated with it (a "required" context).
  EncryptionContext context;
  // Bytes that may be kept in memory because they cannot be released yet: a frame, an unframed
  // body, or a message with a signature for a sink that cannot take back.
  std::uint64_t max_held_bytes = std::uint64_t{256} << 20;
};

class WholeMessageOpener {
 public:
  // `keys` and `sink` outlive the opener. Suites without key derivation use the data key itself, so
  // that no cache may stand in `keys` where such messages are let in.
  WholeMessageOpener(KeySource& keys, SecretArena& arena, OpenRules rules, PlaintextSink& sink);

  // The next bytes of the message. kCorrupt as soon as something does not authenticate or stands
  // where nothing may; kNotPermitted by the rules; kTooLarge over max_held_bytes; what the key
  // source and the sink say. An error stays: every later call gives it again, and nothing more is
  // released.
  Status Write(ByteView bytes);
  // No more bytes: kCorrupt unless the message is complete. Only then is what the sink has true.
  Status Finish();

  // Once the header has been authenticated; null before.
  const Header* header() const { return cipher_ ? &header_ : nullptr; }

 private:
  enum class State { kHeader, kFrames, kWhole, kSignature, kDone };

  Status Run();
  // These go on where the pending bytes begin. false: more are needed.
  Result<bool> Step();
  Result<bool> ReadHeader();
  Result<bool> ReadFrame();
  Result<bool> ReadWhole();
  Result<bool> ReadSignature();

  Status AcceptHeader();
  Result<EncryptionContext> Unstored() const;
  Result<bool> OpenPiece(const FrameHead& head, std::size_t head_size);
  Status CheckFrame(const FrameHead& head) const;
  Status Release(Bytes plaintext);
  Status Consume(std::size_t size);
  ByteView pending() const { return ByteView(buffer_).subspan(consumed_); }

  KeySource& keys_;
  SecretArena& arena_;
  const OpenRules rules_;
  PlaintextSink& sink_;

  State state_ = State::kHeader;
  std::optional<Error> failed_;
  bool ended_ = false;             // no more bytes will come
  Bytes buffer_;                   // what came, less what was dropped
  std::size_t consumed_ = 0;       // of buffer_
  std::size_t header_wanted_ = 0;  // parsing it again is no use before so many bytes are here

  Header header_;
  std::optional<AesGcm> cipher_;
  FrameNumber next_frame_ = 1;
  std::optional<EcdsaVerifier> signature_;
  Bytes held_;  // until the signature was verified
};

}  // namespace coffer
