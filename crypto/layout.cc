#include "crypto/layout.h"

#include <algorithm>

namespace coffer {
namespace {

constexpr std::uint64_t kMaxFrames = 0xffffffff;

Error TooLarge(std::uint64_t size) {
  return {Code::kTooLarge, "a message cannot hold " + std::to_string(size) + " bytes"};
}

Error NoMessage(CipherSize sealed) {
  return {Code::kCorrupt, "no sealed object has " + std::to_string(sealed.bytes) +
                              " bytes: it was cut off, or it is no message of this volume"};
}

}  // namespace

Result<Layout> Layout::Make(std::uint32_t header_size, std::uint32_t frame_size) {
  if (header_size == 0) return Error{Code::kInvalid, "a header of no bytes"};
  if (frame_size == 0) return Error{Code::kInvalid, "a frame length of 0"};
  return Layout(header_size, frame_size);
}

Result<Shape> Layout::ShapeOf(PlainSize plain) const {
  const std::uint64_t full = plain.bytes == 0 ? 0 : (plain.bytes - 1) / frame_size_;
  if (full >= kMaxFrames) return TooLarge(plain.bytes);
  // At most 2^37: neither sum nor difference overflows.
  const std::uint64_t overhead = header_size_ + full * kFrameOverhead + kFinalOverhead;
  if (plain.bytes > kMaxMessage - overhead) return TooLarge(plain.bytes);
  return Shape(*this, static_cast<FrameNumber>(full + 1),
               static_cast<std::uint32_t>(plain.bytes - full * frame_size_));
}

Result<Shape> Layout::ShapeOf(CipherSize sealed) const {
  if (sealed.bytes > kMaxMessage || sealed.bytes < header_size_ + kFinalOverhead) {
    return NoMessage(sealed);
  }
  const std::uint64_t body = sealed.bytes - header_size_ - kFinalOverhead;
  const std::uint64_t full = body / sealed_frame_size();
  const std::uint64_t rest = body % sealed_frame_size();
  if (rest > frame_size_ || full >= kMaxFrames) return NoMessage(sealed);
  return Shape(*this, static_cast<FrameNumber>(full + 1), static_cast<std::uint32_t>(rest));
}

Shape::Shape(const Layout& layout, FrameNumber final_frame, std::uint32_t final_size)
    : layout_(layout),
      final_frame_(final_frame),
      final_size_(final_size),
      plain_{(final_frame - std::uint64_t{1}) * layout.frame_size() + final_size},
      sealed_{layout.header_size() + (final_frame - std::uint64_t{1}) * layout.sealed_frame_size() +
              kFinalOverhead + final_size} {}

FrameRun Shape::FramesOf(PlainRange range) const {
  if (range.size == 0 || range.offset >= plain_.bytes) return {1, 0};
  const std::uint64_t end = range.offset + std::min(range.size, plain_.bytes - range.offset);
  const std::uint64_t first = range.offset / layout_.frame_size();
  const std::uint64_t last = (end - 1) / layout_.frame_size();
  return {static_cast<FrameNumber>(first + 1), static_cast<std::uint32_t>(last - first + 1)};
}

PlainRange Shape::PlainOf(FrameRun run) const {
  const std::uint64_t begin = (run.first - std::uint64_t{1}) * layout_.frame_size();
  const std::uint64_t end = begin + std::uint64_t{run.count} * layout_.frame_size();
  return {begin, std::min(end, plain_.bytes) - begin};
}

CipherRange Shape::SealedOf(FrameRun run) const {
  const std::uint64_t size = layout_.sealed_frame_size();
  const std::uint64_t begin = layout_.header_size() + (run.first - std::uint64_t{1}) * size;
  const bool to_the_end = run.count > 0 && run.first - std::uint64_t{1} + run.count == final_frame_;
  return {begin, to_the_end ? sealed_.bytes - begin : std::uint64_t{run.count} * size};
}

Status Shape::Check(FrameRun run) const {
  if (run.first == 0 || run.count == 0 ||
      run.first - std::uint64_t{1} + run.count > std::uint64_t{final_frame_}) {
    return Error{Code::kInvalid, "frames that this message does not have"};
  }
  return Ok();
}

}  // namespace coffer
