#include "crypto/whole_message_sealer.h"

#include <algorithm>

namespace coffer {
namespace {

// `size` bytes more of `out`, to be written.
MutableByteView More(Bytes& out, std::size_t size) {
  out.resize(out.size() + size);
  return MutableByteView(out).last(size);
}

}  // namespace

Result<WholeMessageSealer> WholeMessageSealer::Make(const DataKey& key,
                                                    const EncryptionContext& context,
                                                    std::uint32_t frame_size, SecretArena& arena) {
  COFFER_ASSIGN(auto sealer, Sealer::MakeUnpadded(key, context, frame_size, arena));
  return WholeMessageSealer(std::move(sealer));
}

void WholeMessageSealer::BeginWith(Bytes& out) {
  if (!began_) Append(out, sealer_->header());
  began_ = true;
}

Status WholeMessageSealer::SealFrames(ByteView plaintext, Bytes& out) {
  const std::size_t count = plaintext.size() / sealer_->layout().frame_size();
  if (count == 0) return Ok();
  COFFER_TRY(
      sealer_->Seal(next_, plaintext, More(out, count * sealer_->layout().sealed_frame_size())));
  next_ += static_cast<FrameNumber>(count);
  return Ok();
}

Status WholeMessageSealer::Write(ByteView plaintext, Bytes& out) {
  BeginWith(out);
  const std::size_t frame_size = sealer_->layout().frame_size();
  // A frame is sealed when a byte follows it: the last one, full or not, is the final frame.
  if (!held_.empty()) {
    const std::size_t filling = std::min(frame_size - held_.size(), plaintext.size());
    Append(held_, plaintext.first(filling));
    plaintext = plaintext.subspan(filling);
  }
  if (plaintext.empty()) return Ok();
  COFFER_TRY(SealFrames(held_, out));
  const std::size_t sealed = (plaintext.size() - 1) / frame_size * frame_size;
  COFFER_TRY(SealFrames(plaintext.first(sealed), out));
  plaintext = plaintext.subspan(sealed);
  held_.clear();
  Append(held_, plaintext);
  return Ok();
}

Status WholeMessageSealer::Finish(Bytes& out) {
  BeginWith(out);
  return sealer_->SealFinal(next_, held_, More(out, held_.size() + kFinalOverhead));
}

}  // namespace coffer
