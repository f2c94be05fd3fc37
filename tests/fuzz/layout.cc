// Layout arithmetic, against the same in 128 bits.

#include "crypto/layout.h"

#include <algorithm>

#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

__extension__ using Wide = unsigned __int128;

struct Numbers {
  Wide header;
  Wide frame;

  // The object that `plain` bytes become.
  Wide Sealed(Wide plain) const { return header + 40 + plain + 32 * (Frames(plain) - 1); }
  Wide Frames(Wide plain) const { return plain == 0 ? 1 : (plain + frame - 1) / frame; }
};

void CheckShape(const Shape& shape, const Numbers& numbers) {
  const Wide plain = shape.plain_size().bytes;
  const Wide full = Wide{shape.final_frame()} - 1;
  Must(full * numbers.frame + shape.final_size() == plain, "frames hold the plaintext");
  Must(numbers.header + full * (numbers.frame + 32) + 40 + shape.final_size() ==
           shape.sealed_size().bytes,
       "header and frames are the object");
  Must(shape.sealed_size().bytes <= kMaxMessage, "an object has a file's size");
}

void CheckRange(const Shape& shape, PlainRange range) {
  const FrameRun run = shape.FramesOf(range);
  const Wide end = std::min(Wide{range.offset} + range.size, Wide{shape.plain_size().bytes});
  if (range.size == 0 || range.offset >= end) {
    Must(run.count == 0, "nothing is in no frame");
    return;
  }
  Must(shape.Check(run).has_value(), "a range lies in frames of the message");
  const PlainRange plain = shape.PlainOf(run);
  const CipherRange sealed = shape.SealedOf(run);
  Must(plain.offset <= range.offset && Wide{plain.offset} + plain.size >= end,
       "the frames of a range hold it");
  Must(range.offset - plain.offset < shape.layout().frame_size(), "and none before it");
  Must(Wide{plain.offset} + plain.size < end + shape.layout().frame_size(), "and none behind it");
  Must(Wide{sealed.offset} + sealed.size <= shape.sealed_size().bytes,
       "sealed frames lie in the object");
  const bool last = Wide{run.first} - 1 + run.count == shape.final_frame();
  Must(Wide{sealed.size} == Wide{plain.size} + Wide{32} * run.count + (last ? 8 : 0),
       "a sealed frame is as long as its parts");
}

}  // namespace

void FuzzLayout(ByteView input) {
  Pieces pieces(input);
  const std::uint32_t header_size = pieces.Word();
  const std::uint32_t frame_size = pieces.Word();
  const std::uint64_t size = pieces.Long();
  const PlainRange range{pieces.Long(), pieces.Long()};
  const auto layout = Layout::Make(header_size, frame_size);
  Must(layout.has_value() == (header_size > 0 && frame_size > 0), "a layout has sizes");
  if (!layout) return;
  const Numbers numbers{header_size, frame_size};

  const auto sealing = layout->ShapeOf(PlainSize{size});
  const bool fits = numbers.Frames(size) <= 0xffffffff && numbers.Sealed(size) <= kMaxMessage;
  Must(sealing.has_value() == fits, "what fits into a message has a shape");
  if (sealing) {
    Must(sealing->plain_size().bytes == size, "a shape is of its plaintext");
    Must(sealing->sealed_size().bytes == numbers.Sealed(size), "an object has the size it should");
    CheckShape(*sealing, numbers);
    CheckRange(*sealing, range);
    const auto opening = layout->ShapeOf(sealing->sealed_size());
    Must(opening && opening->plain_size() == sealing->plain_size() &&
             opening->final_frame() == sealing->final_frame(),
         "the size of an object tells its plaintext's");
  }
  const auto opening = layout->ShapeOf(CipherSize{size});
  if (!opening) return;
  Must(opening->sealed_size().bytes == size, "a shape is of its object");
  CheckShape(*opening, numbers);
  CheckRange(*opening, range);
}

}  // namespace coffer::test
