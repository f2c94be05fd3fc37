// A volume whose objects are made of frames: no part but the last ends inside one.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/writer_bench.h"

namespace coffer::test::writer_frames_test {

constexpr std::uint64_t kFrame = 4 * kKiB;

fs::WriteOptions Frames() {
  fs::WriteOptions options = SmallParts();
  options.alignment = kFrame;
  options.smallest_part = 50 * kKiB / kFrame * kFrame;
  return options;
}

// The parts of one upload stand side by side, begin at frames, and the last says so.
bool WholeFrames(std::vector<RecordingStore::SentPart> parts, std::uint64_t size) {
  std::sort(parts.begin(), parts.end(), [](auto& a, auto& b) { return a.number < b.number; });
  std::uint64_t at = 0;
  for (const auto& part : parts) {
    if (part.copied || part.offset != at || at % kFrame != 0) return false;
    if (part.last != (&part == &parts.back())) return false;
    at += part.size;
  }
  return at == size;
}

TEST_CASE("writer: parts are whole frames, however the bytes arrive") {
  WriterBench bench(64 * kMiB, Frames());
  const std::string content = Noise(700 * kKiB + 123);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 7'001));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  CHECK(WholeFrames(bench.store.parts(), content.size()));
}

TEST_CASE("writer: parts are whole frames when memory is short and they go early") {
  WriterBench bench(130 * kKiB, Frames());
  auto idle = bench.New("idle");
  REQUIRE(WriteAll(*idle, Noise(60 * kKiB), 1'000));  // holds memory that never comes back
  const std::string content = Noise(400 * kKiB + 7);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, content, 3'333));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == content);
  const auto parts = bench.store.parts();
  CHECK(WholeFrames(parts, content.size()));
  CHECK(std::any_of(parts.begin(), parts.end(),
                    [](const auto& p) { return !p.last && p.size < 80 * kKiB; }));
}

TEST_CASE("writer: new bytes join the last frame of large old content") {
  WriterBench bench(64 * kMiB, Frames());
  bench.store.RefuseCopyPart(Code::kUnsupported);
  std::string expected = Noise(200 * kKiB + 1'001);
  bench.fake.Plant("k", expected);
  auto writer = bench.Append();
  CHECK(writer->size() == expected.size());
  CHECK_FALSE(writer->dirty());
  CHECK(Text(writer->Read(expected.size() - 2'000, 3'000)) ==
        expected.substr(expected.size() - 2'000));
  for (unsigned round = 1; round <= 3; ++round) {
    bench.store.Clear();
    const std::string more = Noise(90 * kKiB * round + 17, round);
    REQUIRE(WriteAll(*writer, more, 5'000, expected.size()));
    expected += more;
    REQUIRE(writer->Commit());
    CHECK(bench.fake.Body("k") == expected);
    CHECK(WholeFrames(bench.store.parts(), expected.size()));
  }
  const std::uint64_t start = (expected.size() - 1) / kFrame * kFrame;
  CHECK(writer->Truncate(start).error().code == Code::kUnsupported);
  REQUIRE(writer->Truncate(start + 1));
  REQUIRE(writer->Commit());
  CHECK(bench.fake.Body("k") == expected.substr(0, start + 1));
  writer.reset();
  CHECK(bench.Clean());
}

TEST_CASE("writer: what was sent as whole frames can be gone on with") {
  WriterBench bench(64 * kMiB, Frames());
  bench.store.RefuseCopyPart(Code::kUnsupported);
  std::string expected = Noise(50 * kFrame);
  auto writer = bench.New();
  REQUIRE(WriteAll(*writer, expected, 9'000));
  REQUIRE(writer->Commit());
  for (int i = 0; i < 2; ++i) {
    bench.store.Clear();
    expected += "x";
    REQUIRE(writer->Write(expected.size() - 1, AsBytes("x")));
    REQUIRE(writer->Commit());
    CHECK(bench.fake.Body("k") == expected);
    CHECK(WholeFrames(bench.store.parts(), expected.size()));
  }
}

}  // namespace coffer::test::writer_frames_test
