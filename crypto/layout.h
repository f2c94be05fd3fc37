// Where the bytes of a sealed object lie: plaintext ranges, frames and ranges of the object, and
// the sizes of both (coffer-format(5)). Pure arithmetic, checked for overflow, without allocation.
//
// A position in the plaintext and one in the object are different types, so that mixing them does
// not compile. Values; safe from any thread.

#pragma once

#include <compare>
#include <cstdint>

#include "crypto/result.h"

namespace coffer {

// Frames are numbered from 1; kFinalMarker stands before the number of the last one instead.
using FrameNumber = std::uint32_t;
inline constexpr FrameNumber kFinalMarker = 0xffffffff;

// Number, nonce and tag of a frame; the final one has marker and content length too.
inline constexpr std::uint64_t kFrameOverhead = 4 + 12 + 16;
inline constexpr std::uint64_t kFinalOverhead = 4 + kFrameOverhead + 4;

struct PlainSize {
  std::uint64_t bytes;
  auto operator<=>(const PlainSize&) const = default;
};
struct CipherSize {
  std::uint64_t bytes;
  auto operator<=>(const CipherSize&) const = default;
};
// A range of the plaintext, and one of the object.
struct PlainRange {
  std::uint64_t offset;
  std::uint64_t size;
  bool operator==(const PlainRange&) const = default;
};
struct CipherRange {
  std::uint64_t offset;
  std::uint64_t size;
  bool operator==(const CipherRange&) const = default;
};
// Consecutive frames; a count of 0 is none.
struct FrameRun {
  FrameNumber first;
  std::uint32_t count;
  bool operator==(const FrameRun&) const = default;
};

// No message is larger, sealed: what a file offset can hold.
inline constexpr std::uint64_t kMaxMessage = 0x7fffffffffffffff;

class Shape;

// What all messages of a volume have in common: the size of the header, H, and of a full frame's
// plaintext, F, in bytes.
class Layout {
 public:
  // kInvalid when one of them is 0.
  static Result<Layout> Make(std::uint32_t header_size, std::uint32_t frame_size);

  std::uint32_t header_size() const { return header_size_; }
  std::uint32_t frame_size() const { return frame_size_; }
  std::uint64_t sealed_frame_size() const { return frame_size_ + kFrameOverhead; }
  // The final frame lies in as many last bytes of any message.
  std::uint64_t tail_size() const { return frame_size_ + kFinalOverhead; }

  // The message that `plain` bytes become: full frames, and a final one that is empty only for an
  // empty plaintext. kTooLarge over 2^32-1 frames or kMaxMessage.
  Result<Shape> ShapeOf(PlainSize plain) const;
  // What an object of that size must be, if it is a message at all. kCorrupt when no message has
  // that size. Only opening the final frame proves it.
  Result<Shape> ShapeOf(CipherSize sealed) const;

  bool operator==(const Layout&) const = default;

 private:
  Layout(std::uint32_t header_size, std::uint32_t frame_size)
      : header_size_(header_size), frame_size_(frame_size) {}

  std::uint32_t header_size_;
  std::uint32_t frame_size_;
};

// One message of a known size.
class Shape {
 public:
  const Layout& layout() const { return layout_; }
  PlainSize plain_size() const { return plain_; }
  CipherSize sealed_size() const { return sealed_; }
  // The final frame's number, and so the count of frames: at least 1.
  FrameNumber final_frame() const { return final_frame_; }
  // Bytes of plaintext in the final frame: 0 to F.
  std::uint32_t final_size() const { return final_size_; }

  // The frames that hold `range`, which may reach beyond the end: there is nothing there.
  FrameRun FramesOf(PlainRange range) const;
  // Where frames lie; `run` must be frames of this message. The last run ends with the object.
  PlainRange PlainOf(FrameRun run) const;
  CipherRange SealedOf(FrameRun run) const;
  FrameRun FinalFrame() const { return {final_frame_, 1}; }
  // kInvalid unless `run` is one frame or more of this message.
  Status Check(FrameRun run) const;

 private:
  friend class Layout;
  Shape(const Layout& layout, FrameNumber final_frame, std::uint32_t final_size);

  Layout layout_;
  FrameNumber final_frame_;
  std::uint32_t final_size_;
  PlainSize plain_;
  CipherSize sealed_;
};

}  // namespace coffer
