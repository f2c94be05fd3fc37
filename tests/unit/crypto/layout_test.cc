#include "crypto/layout.h"

#include <catch2/catch.hpp>
#include <type_traits>
#include <vector>

namespace coffer::layout_test {

constexpr std::uint64_t kF = 65536;
constexpr std::uint64_t kH = 1024;

Layout Of(std::uint32_t header_size, std::uint32_t frame_size) {
  return Layout::Make(header_size, frame_size).value();
}

TEST_CASE("layout: plaintext and object do not mix") {
  STATIC_REQUIRE_FALSE(std::is_convertible_v<PlainSize, CipherSize>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<PlainRange, CipherRange>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::uint64_t, PlainSize>);
}

TEST_CASE("layout: sizes, both ways") {
  struct Row {
    std::uint64_t plain, sealed;
    FrameNumber final_frame;
    std::uint32_t final_size;
  };
  const Row rows[] = {
      {0, kH + 40, 1, 0},
      {1, kH + 41, 1, 1},
      {kF - 1, kH + 40 + kF - 1, 1, kF - 1},
      {kF, kH + 40 + kF, 1, kF},
      {kF + 1, kH + 40 + kF + 1 + 32, 2, 1},
      {2 * kF, kH + 40 + 2 * kF + 32, 2, kF},
      {2 * kF + 1, kH + 40 + 2 * kF + 1 + 64, 3, 1},
      // The largest message of 64 KiB frames: 2^32-1 of them.
      {std::uint64_t{0xffffffff} * kF,
       kH + 40 + std::uint64_t{0xffffffff} * kF + std::uint64_t{0xfffffffe} * 32, 0xffffffff, kF},
  };
  const Layout layout = Of(kH, kF);
  for (const Row& row : rows) {
    CAPTURE(row.plain);
    const auto sealing = layout.ShapeOf(PlainSize{row.plain});
    REQUIRE(sealing);
    CHECK(sealing->sealed_size() == CipherSize{row.sealed});
    const auto opening = layout.ShapeOf(CipherSize{row.sealed});
    REQUIRE(opening);
    for (const auto& shape : {*sealing, *opening}) {
      CHECK(shape.plain_size() == PlainSize{row.plain});
      CHECK(shape.final_frame() == row.final_frame);
      CHECK(shape.final_size() == row.final_size);
    }
  }
}

TEST_CASE("layout: every size of object is one plaintext's, or no message's") {
  for (const std::uint32_t frame_size : {1, 16, 31, 32, 33, 100}) {
    CAPTURE(frame_size);
    const Layout layout = Of(100, frame_size);
    std::uint64_t messages = 0;
    for (std::uint64_t size = 0; size < 1000; ++size) {
      const auto shape = layout.ShapeOf(CipherSize{size});
      if (!shape) {
        CHECK(shape.error().code == Code::kCorrupt);
        continue;
      }
      ++messages;
      CHECK(shape->sealed_size().bytes == size);
      // A foreign writer may add an empty final frame after full ones: one more size, same content.
      const auto written = layout.ShapeOf(shape->plain_size());
      const bool empty_final = shape->final_size() == 0 && shape->final_frame() > 1;
      CHECK(shape->sealed_size().bytes - written->sealed_size().bytes == (empty_final ? 32 : 0));
    }
    // Of each frame_size + 32 sizes from 140 on, frame_size + 1 are messages.
    std::uint64_t expected = 0;
    for (std::uint64_t body = 0; body < 860; ++body)
      expected += body % (frame_size + 32) <= frame_size;
    CHECK(messages == expected);
  }
}

TEST_CASE("layout: what is too large is refused, without overflow") {
  const std::uint64_t max = 0xffffffffffffffff;
  const Layout usual = Of(kH, kF);
  for (const std::uint64_t plain : {std::uint64_t{0xffffffff} * kF + 1, std::uint64_t{1} << 63,
                                    (std::uint64_t{1} << 63) - 1, max, max - 1}) {
    CAPTURE(plain);
    CHECK(usual.ShapeOf(PlainSize{plain}).error().code == Code::kTooLarge);
  }
  // Frames so large that the count of them is no limit: 2^63-1 bytes of object are.
  const Layout largest = Of(0xffffffff, 0xffffffff);
  const std::uint64_t frames = (std::uint64_t{1} << 31) - 16;
  const std::uint64_t fits = kMaxMessage - 0xffffffff - 40 - 32 * (frames - 1);
  CHECK(largest.ShapeOf(PlainSize{fits})->sealed_size() == CipherSize{kMaxMessage});
  CHECK(largest.ShapeOf(PlainSize{fits + 1}).error().code == Code::kTooLarge);
  CHECK(largest.ShapeOf(PlainSize{kMaxMessage}).error().code == Code::kTooLarge);
  CHECK(largest.ShapeOf(PlainSize{max}).error().code == Code::kTooLarge);
  CHECK(largest.ShapeOf(CipherSize{kMaxMessage})->plain_size() == PlainSize{fits});

  for (const std::uint64_t sealed : {std::uint64_t{0}, kH, kH + 39, kH + 40 + kF + 1,
                                     kH + 40 + kF + 31, kMaxMessage, kMaxMessage + 1, max}) {
    CAPTURE(sealed);
    CHECK(usual.ShapeOf(CipherSize{sealed}).error().code == Code::kCorrupt);
  }
  CHECK(Of(1, 1).ShapeOf(PlainSize{0xffffffff})->final_frame() == 0xffffffff);
  CHECK(Of(1, 1).ShapeOf(PlainSize{0x100000000}).error().code == Code::kTooLarge);
  CHECK(Layout::Make(0, 1).error().code == Code::kInvalid);
  CHECK(Layout::Make(1, 0).error().code == Code::kInvalid);
}

TEST_CASE("layout: ranges become frames, and frames ranges") {
  const Shape shape = Of(kH, kF).ShapeOf(PlainSize{2 * kF + 100}).value();
  struct Row {
    PlainRange range;
    FrameRun run;
  };
  const std::uint64_t max = 0xffffffffffffffff;
  const Row rows[] = {
      {{0, 0}, {1, 0}},           {{0, 1}, {1, 1}},
      {{0, kF}, {1, 1}},          {{0, kF + 1}, {1, 2}},
      {{kF - 1, 2}, {1, 2}},      {{kF, kF}, {2, 1}},
      {{2 * kF - 1, 1}, {2, 1}},  {{2 * kF, 1}, {3, 1}},
      {{2 * kF + 99, 1}, {3, 1}}, {{2 * kF + 99, max}, {3, 1}},
      {{0, max}, {1, 3}},         {{2 * kF + 100, 1}, {1, 0}},
      {{max, max}, {1, 0}},       {{max, 1}, {1, 0}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.range.offset, row.range.size);
    CHECK(shape.FramesOf(row.range) == row.run);
  }
  CHECK(shape.PlainOf({1, 1}) == PlainRange{0, kF});
  CHECK(shape.PlainOf({2, 2}) == PlainRange{kF, kF + 100});
  CHECK(shape.PlainOf({3, 1}) == PlainRange{2 * kF, 100});
  CHECK(shape.SealedOf({1, 1}) == CipherRange{kH, kF + 32});
  CHECK(shape.SealedOf({1, 2}) == CipherRange{kH, 2 * (kF + 32)});
  CHECK(shape.SealedOf({2, 2}) == CipherRange{kH + kF + 32, kF + 32 + 140});
  CHECK(shape.SealedOf(shape.FinalFrame()) == CipherRange{kH + 2 * (kF + 32), 140});
  CHECK(shape.SealedOf({1, 3}).size + kH == shape.sealed_size().bytes);
  CHECK(shape.layout().tail_size() == kF + 40);
}

TEST_CASE("layout: runs of frames that a message does not have") {
  const Shape shape = Of(kH, kF).ShapeOf(PlainSize{2 * kF + 100}).value();
  for (const FrameRun run : {FrameRun{1, 1}, FrameRun{1, 3}, FrameRun{3, 1}})
    CHECK(shape.Check(run));
  for (const FrameRun run : {FrameRun{0, 1}, FrameRun{1, 0}, FrameRun{1, 4}, FrameRun{4, 1},
                             FrameRun{3, 0xffffffff}, FrameRun{0xffffffff, 0xffffffff}}) {
    CAPTURE(run.first, run.count);
    CHECK(shape.Check(run).error().code == Code::kInvalid);
  }
}

TEST_CASE("layout: an empty final frame of a foreign writer holds no range") {
  const Shape shape = Of(kH, kF).ShapeOf(CipherSize{kH + kF + 32 + 40}).value();
  CHECK(shape.plain_size() == PlainSize{kF});
  CHECK(shape.final_frame() == 2);
  CHECK(shape.FramesOf({0, kF + 1}) == FrameRun{1, 1});
  CHECK(shape.PlainOf(shape.FinalFrame()) == PlainRange{kF, 0});
  CHECK(shape.SealedOf(shape.FinalFrame()) == CipherRange{kH + kF + 32, 40});
}

}  // namespace coffer::layout_test
