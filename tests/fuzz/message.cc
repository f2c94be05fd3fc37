// Whole messages, put together by the input from frames of good ones, from frames that it seals
// itself under the right key, and from bytes: nothing comes out that is not what an independent
// look at the same pieces allows, and nothing ever comes out of a frame that was not sealed.

#include <algorithm>
#include <optional>

#include "crypto/frame.h"
#include "crypto/header_tag.h"
#include "crypto/opener.h"
#include "crypto/whole_message_opener.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/opened_message.h"
#include "tests/support/test_keys.h"

namespace coffer::test {
namespace {

constexpr std::uint32_t kFrameSize = 16;

// What was appended to the message, as the oracle knows it.
struct Frame {
  FrameHead head;
  std::string plain;
};

std::size_t SealedSize(const Frame& frame) {
  return frame.plain.size() +
         (frame.head.kind == FrameKind::kFinal ? kFinalOverhead : kFrameOverhead);
}

// One message under construction.
class Forge {
 public:
  Forge(SecretArena& arena, bool ours) : key_(MakeDataKey(arena)), ours_(ours) {
    header_.message_id = Bytes(32, std::byte{1});
    header_.encrypted = key_->encrypted;
    header_.frame_size = kFrameSize;
    constexpr std::size_t kHeaderSize = 256;
    if (ours) PadHeader(header_, kHeaderSize).value();
    SealedHeader sealed = SealHeader(header_, *key_, arena).value();
    content_key_ = std::move(sealed.content_key);
    bytes_ = std::move(sealed.bytes);
    header_size_ = bytes_.size();
  }

  // A frame under the message's own key, whatever its place. Only the nonce is always the number's.
  void Append(FrameKind kind, FrameNumber number, std::string plain) {
    plain.resize(
        kind == FrameKind::kRegular ? kFrameSize : std::min<std::size_t>(plain.size(), kFrameSize),
        '.');
    const FrameHead head{kind, number, FrameNonce(number), plain.size()};
    frames_.push_back({head, std::move(plain)});
    Bytes out(SealedSize(frames_.back()));
    AesGcm cipher = AesGcm::ForSealing(content_key_.view()).value();
    SealFrame(cipher, header_.message_id, head, AsBytes(frames_.back().plain), out).value();
    bytes_.insert(bytes_.end(), out.begin(), out.end());
  }
  void AppendBytes(std::string_view text) {
    const ByteView view = AsBytes(text);
    bytes_.insert(bytes_.end(), view.begin(), view.end());
    if (!text.empty()) whole_ = false;
  }
  void Flip(std::size_t at, std::uint8_t bits) {
    if (bits == 0) return;
    const std::size_t place = at % bytes_.size();
    bytes_[place] ^= std::byte{bits};
    broken_from_ = std::min(broken_from_, place);
    flipped_ = true;
  }
  // A cut between two frames leaves the message of the frames before it.
  void Cut(std::size_t size) {
    if (size >= bytes_.size()) return;
    bytes_.resize(size);
    std::size_t end = header_size_;
    std::size_t kept = 0;
    while (kept < frames_.size() && end + SealedSize(frames_[kept]) <= size)
      end += SealedSize(frames_[kept++]);
    frames_.resize(kept);
    cut_ = end != size;
  }

  const Bytes& bytes() const { return bytes_; }
  const DataKeyPtr& key() const { return key_; }
  std::size_t header_size() const { return header_size_; }
  bool ours() const { return ours_; }

  // The plaintext that may come out in the end, if any may.
  std::optional<std::string> Allowed() const {
    if (flipped_ || cut_ || !whole_ || frames_.empty()) return std::nullopt;
    std::string plain;
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      const bool last = i + 1 == frames_.size();
      if (frames_[i].head.number != i + 1) return std::nullopt;
      if ((frames_[i].head.kind == FrameKind::kFinal) != last) return std::nullopt;
      plain += frames_[i].plain;
    }
    return plain;
  }
  // What may have come out by then at most: frames in order, none of them behind the first flaw.
  std::string Releasable() const {
    std::string plain;
    std::size_t end = header_size_;
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      const Frame& frame = frames_[i];
      const bool last = frame.head.kind == FrameKind::kFinal;
      end += SealedSize(frame);
      if (frame.head.number != i + 1 || end > broken_from_) break;
      plain += frame.plain;
      if (last) break;
    }
    return plain;
  }

 private:
  DataKeyPtr key_;
  const bool ours_;
  Header header_;
  Secret content_key_;
  Bytes bytes_;
  std::size_t header_size_ = 0;
  std::vector<Frame> frames_;
  std::size_t broken_from_ = ~std::size_t{0};
  bool flipped_ = false;
  bool cut_ = false;
  bool whole_ = true;
};

void Build(Forge& forge, Pieces& pieces) {
  FrameNumber next = 1;
  for (int steps = 0; steps < 40 && !pieces.done(); ++steps) {
    switch (pieces.Byte() % 8) {
      case 0:
      case 1:
        forge.Append(FrameKind::kRegular, next++, pieces.Text());
        break;
      case 2:
        forge.Append(FrameKind::kFinal, next++, pieces.Text());
        break;
      case 3:
        forge.Append(FrameKind::kRegular, std::max<FrameNumber>(1, pieces.Byte() % 6),
                     pieces.Text());
        break;
      case 4:
        forge.Append(FrameKind::kFinal, std::max<FrameNumber>(1, pieces.Byte() % 6), pieces.Text());
        break;
      case 5:
        return forge.AppendBytes(pieces.Text());
      case 6: {
        const std::size_t at = pieces.Word();
        return forge.Flip(at, pieces.Byte());
      }
      default:
        return forge.Cut(pieces.Word() % 1024);
    }
  }
}

void CheckWhole(const Forge& forge, SecretArena& arena, std::size_t piece) {
  OneKey keys(forge.key());
  StringSink sink;
  const Status opened = OpenInto(sink, forge.bytes(), keys, arena, {}, piece);
  const auto allowed = forge.Allowed();
  Must(opened.has_value() == allowed.has_value(), "what is a message opens, and nothing else");
  if (opened) Must(sink.text() == *allowed, "it opens to what was sealed");
  Must(forge.Releasable().starts_with(sink.text()), "nothing comes out that was not sealed");
}

// As a volume reads: sizes first, then frames.
void CheckByFrames(const Forge& forge, SecretArena& arena) {
  const auto header = ParseHeader(forge.bytes(), {});
  if (!header) return;
  const auto opener = Opener::Make(*header, forge.bytes(), *forge.key(), arena);
  if (!opener) return;
  const auto shape = opener->layout().ShapeOf(CipherSize{forge.bytes().size()});
  if (!shape) return Must(!forge.Allowed(), "a message has a message's size");
  const FrameRun all{1, shape->final_frame()};
  Bytes out(shape->plain_size().bytes, std::byte{0xee});
  const Status opened =
      opener->Open(*shape, all, ByteView(forge.bytes()).subspan(forge.header_size()), out);
  const auto allowed = forge.Allowed();
  if (opened) {
    Must(allowed && AsText(out) == *allowed, "frames open to what was sealed");
  } else {
    Must(std::all_of(out.begin(), out.end(), [](std::byte b) { return b == std::byte{0}; }),
         "what does not authenticate is wiped");
    Must(!allowed, "what is a message opens");
  }
}

}  // namespace

void FuzzMessage(ByteView input) {
  Pieces pieces(input);
  SecretArena arena(32);
  const std::uint8_t kind = pieces.Byte();
  Forge forge(arena, (kind & 1) == 0);
  const std::size_t piece = 1 + pieces.Byte();
  Build(forge, pieces);
  CheckWhole(forge, arena, piece);
  CheckByFrames(forge, arena);
}

}  // namespace coffer::test
