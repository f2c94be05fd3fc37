#include "crypto/whole_message_opener.h"

#include <algorithm>
#include <utility>

#include "crypto/cursor.h"
#include "crypto/encoding.h"
#include "crypto/header_tag.h"

namespace coffer {
namespace {

// No honest header comes near: three fields of 64 KiB for each of many keys.
constexpr std::size_t kLargestHeader = std::size_t{16} << 20;

// Whether a parser met the end of the bytes that are here.
template <typename T>
bool WantsMore(const Result<T>& result) {
  return !result && result.error().code == Code::kRange;
}

}  // namespace

WholeMessageOpener::WholeMessageOpener(KeySource& keys, SecretArena& arena, OpenRules rules,
                                       PlaintextSink& sink)
    : keys_(keys), arena_(arena), rules_(std::move(rules)), sink_(sink) {}

Status WholeMessageOpener::Write(ByteView bytes) {
  if (failed_) return *failed_;
  Append(buffer_, bytes);
  return Run();
}

Status WholeMessageOpener::Finish() {
  if (failed_) return *failed_;
  ended_ = true;
  COFFER_TRY(Run());
  // Held back until now, so that nothing is released of a message with trailing bytes either.
  if (state_ == State::kDone) return held_.empty() ? Ok() : sink_.Write(std::exchange(held_, {}));
  failed_ = Corrupt(state_ == State::kHeader
                        ? "the header of the message is cut off, or this is no message"
                        : "the message is cut off: its end is missing");
  return *failed_;
}

Status WholeMessageOpener::Run() {
  for (;;) {
    const Result<bool> stepped = Step();
    if (!stepped) {
      failed_ = stepped.error();
      held_.clear();
      return *failed_;
    }
    if (!*stepped) break;
  }
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(consumed_));
  consumed_ = 0;
  return Ok();
}

Result<bool> WholeMessageOpener::Step() {
  switch (state_) {
    case State::kHeader:
      return ReadHeader();
    case State::kFrames:
      return ReadFrame();
    case State::kWhole:
      return ReadWhole();
    case State::kSignature:
      return ReadSignature();
    case State::kDone:
      break;
  }
  if (!pending().empty()) return Corrupt("bytes follow the end of the message");
  return false;
}

Result<bool> WholeMessageOpener::ReadHeader() {
  if (pending().size() < header_wanted_ && !ended_) return false;
  auto parsed = ParseHeader(pending(), rules_.limits);
  if (WantsMore(parsed)) {
    if (pending().size() > kLargestHeader) return Error{Code::kTooLarge, "a header over 16 MiB"};
    // Twice as many: else a header that trickles in would be parsed for each byte of it.
    header_wanted_ = 2 * pending().size();
    return false;
  }
  COFFER_ASSIGN(header_, std::move(parsed));
  COFFER_TRY(AcceptHeader());
  COFFER_TRY(Consume(header_.size));
  state_ = header_.content == ContentType::kFramed ? State::kFrames : State::kWhole;
  return true;
}

Status WholeMessageOpener::AcceptHeader() {
  COFFER_TRY(CheckOpening(rules_.policy, header_.suite));
  COFFER_ASSIGN(const EncryptionContext unstored, Unstored());
  EncryptionContext all = header_.context;
  all.insert(unstored.begin(), unstored.end());
  COFFER_ASSIGN(const DataKeyPtr key,
                keys_.ForOpening(header_.encrypted, all, header_.suite.key_size));
  COFFER_ASSIGN(const Secret content_key, VerifyHeader(header_, pending(), *key, unstored, arena_));
  if (header_.suite.signs()) {
    auto point = Base64Decode(header_.context.at(std::string(kPublicKeyName)));
    if (!point) return Corrupt("the public key of the signature is not base64");
    COFFER_ASSIGN(signature_, EcdsaVerifier::Make(header_.suite.signature, *point));
  }
  COFFER_ASSIGN(cipher_, AesGcm::ForOpening(content_key.view()));
  return Ok();
}

Result<EncryptionContext> WholeMessageOpener::Unstored() const {
  COFFER_TRY(CheckUserContext(rules_.context));
  EncryptionContext unstored;
  for (const auto& [name, value] : rules_.context) {
    const auto stored = header_.context.find(name);
    if (stored == header_.context.end()) {
      unstored.emplace(name, value);
    } else if (stored->second != value) {
      return Error{Code::kNotPermitted,
                   "the message was sealed under another encryption context: its " + name +
                       " is not the one that was asked for"};
    }
  }
  return unstored;
}

Result<bool> WholeMessageOpener::ReadFrame() {
  ByteReader reader(pending());
  const auto head = ParseFrameHead(reader, header_.frame_size);
  if (WantsMore(head)) return false;
  if (!head) return head.error();
  COFFER_TRY(CheckFrame(*head));
  COFFER_ASSIGN(const bool opened, OpenPiece(*head, reader.position()));
  if (!opened) return false;
  ++next_frame_;
  if (head->kind == FrameKind::kFinal) {
    state_ = signature_ ? State::kSignature : State::kDone;
  }
  return true;
}

Status WholeMessageOpener::CheckFrame(const FrameHead& head) const {
  if (head.number != next_frame_) {
    return Corrupt("frame " + std::to_string(head.number) + " where frame " +
                   std::to_string(next_frame_) + " should be");
  }
  if (header_.pad > 0 && head.nonce != FrameNonce(head.number)) {
    return Corrupt("frame " + std::to_string(head.number) + " has another nonce than its number");
  }
  return Ok();
}

Result<bool> WholeMessageOpener::ReadWhole() {
  ByteReader reader(pending());
  const auto head = ParseWholeHead(reader);
  if (WantsMore(head)) return false;
  if (!head) return head.error();
  COFFER_ASSIGN(const bool opened, OpenPiece(*head, reader.position()));
  if (!opened) return false;
  state_ = signature_ ? State::kSignature : State::kDone;
  return true;
}

Result<bool> WholeMessageOpener::OpenPiece(const FrameHead& head, std::size_t head_size) {
  if (head.size > rules_.max_held_bytes) {
    return Error{Code::kTooLarge,
                 "a piece of " + std::to_string(head.size) +
                     " bytes, none of which can be released before all are here: over the limit"};
  }
  const ByteView rest = pending().subspan(head_size);
  if (rest.size() < head.size + kTagSize) return false;
  Bytes plaintext(head.size);
  COFFER_TRY(
      OpenFrame(*cipher_, header_.message_id, head, rest.first(head.size + kTagSize), plaintext));
  COFFER_TRY(Consume(head_size + head.size + kTagSize));
  COFFER_TRY(Release(std::move(plaintext)));
  return true;
}

Status WholeMessageOpener::Release(Bytes plaintext) {
  if (!signature_ || sink_.CanWithdraw()) return sink_.Write(plaintext);
  if (plaintext.size() > rules_.max_held_bytes - held_.size()) {
    return Error{Code::kTooLarge,
                 "a message with a signature that is too long to be held back until its end: open "
                 "it into a file"};
  }
  Append(held_, plaintext);
  return Ok();
}

Result<bool> WholeMessageOpener::ReadSignature() {
  ByteReader reader(pending());
  const auto signature = reader.ShortText();
  if (!signature) return false;
  COFFER_TRY(signature_->Finish(AsBytes(*signature)));
  consumed_ += reader.position();
  state_ = State::kDone;
  return true;
}

Status WholeMessageOpener::Consume(std::size_t size) {
  if (signature_) COFFER_TRY(signature_->Update(pending().first(size)));
  consumed_ += size;
  return Ok();
}

}  // namespace coffer
