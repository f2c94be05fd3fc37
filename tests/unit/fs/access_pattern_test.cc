#include "fs/access_pattern.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <random>

namespace coffer::fs::access_pattern_test {

constexpr std::uint64_t kKiB = 1u << 10;
constexpr std::uint64_t kMiB = 1u << 20;
constexpr std::uint64_t kRoom = 128 * kMiB;
constexpr std::uint64_t kFile = 1024 * kMiB;

std::uint64_t Sum(const std::vector<s3::Range>& ranges) {
  std::uint64_t sum = 0;
  for (const s3::Range& range : ranges) sum += range.size;
  return sum;
}

TEST_CASE(
    "access_pattern: a read elsewhere is fetched as it is, at the start with a first window") {
  AccessPattern pattern(ReadOptions{}, kFile);
  auto plan = pattern.Plan(10 * kMiB + 1, 10 * kMiB + 2, kRoom);
  REQUIRE(plan.size() == 1);
  CHECK(plan[0].offset == 10 * kMiB);
  CHECK(plan[0].size == 4096);
  plan = pattern.Plan(kFile - 10, kFile, kRoom);
  REQUIRE(plan.size() == 1);
  CHECK(plan[0].offset + plan[0].size == kFile);
  plan = pattern.Plan(0, 4096, kRoom);
  REQUIRE(plan.size() == 1);
  CHECK(plan[0].offset == 0);
  CHECK(plan[0].size == 128 * kKiB);
}

TEST_CASE("access_pattern: ranges of a run double up to the part size and then stay") {
  AccessPattern pattern(ReadOptions{}, kFile);
  std::vector<s3::Range> all;
  for (std::uint64_t at = 0; at < kFile; at += 128 * kKiB) {
    for (const s3::Range range : pattern.Plan(at, at + 128 * kKiB, kRoom)) all.push_back(range);
  }
  std::uint64_t at = 0, size = 128 * kKiB;
  for (const s3::Range& range : all) {
    REQUIRE(range.offset == at);
    REQUIRE(range.size == std::min(size, kFile - at));
    at += range.size;
    size = std::min(2 * size, 8 * kMiB);
  }
  CHECK(at == kFile);
  CHECK(all.size() <= 128 + 6);
}

TEST_CASE(
    "access_pattern: read-ahead never exceeds the window, the room and what the run has earned") {
  for (const std::uint64_t room : {std::uint64_t{0}, kMiB, 20 * kMiB, kRoom}) {
    AccessPattern pattern(ReadOptions{}, kFile);
    std::uint64_t asked = 0;
    for (std::uint64_t end = 128 * kKiB; end <= 256 * kMiB; end += 128 * kKiB) {
      asked += Sum(pattern.Plan(end - 128 * kKiB, end, room));
      CAPTURE(room, end);
      REQUIRE(asked >= end);
      REQUIRE(asked - end <=
              std::max(std::min({room, 4 * end, ReadOptions{}.max_window}), 128 * kKiB));
    }
  }
}

TEST_CASE("access_pattern: strides and steps back are not a run") {
  AccessPattern pattern(ReadOptions{}, kFile);
  for (std::uint64_t at = 0; at < 100 * kMiB; at += kMiB) {
    CHECK(Sum(pattern.Plan(at, at + 4096, kRoom)) == (at == 0 ? 128 * kKiB : 4096));
  }
  for (std::uint64_t at = 200 * kMiB; at > 199 * kMiB; at -= 4096) {
    CHECK(Sum(pattern.Plan(at - 4096, at, kRoom)) == 4096);
  }
}

TEST_CASE("access_pattern: after a retreat a run asks again, in small ranges, and recovers") {
  AccessPattern pattern(ReadOptions{}, kFile);
  std::uint64_t at = 0;
  for (; at < 32 * kMiB; at += 128 * kKiB) pattern.Plan(at, at + 128 * kKiB, kRoom);
  pattern.Retreat(at);
  const auto plan = pattern.Plan(at, at + 128 * kKiB, kRoom);
  REQUIRE(plan.size() > 3);
  CHECK(plan[0].offset == at);
  CHECK(plan[0].size == 128 * kKiB);
  CHECK(plan[1].size == 256 * kKiB);
  CHECK(plan.back().size == 8 * kMiB);
}

TEST_CASE("access_pattern: what runs may read next is wanted, what they left behind is not") {
  AccessPattern pattern(ReadOptions{}, kFile);
  for (std::uint64_t at = 0; at < 32 * kMiB; at += 128 * kKiB) {
    pattern.Plan(at, at + 128 * kKiB, kRoom);
  }
  CHECK(pattern.Wants(31 * kMiB, 32 * kMiB));
  CHECK(pattern.Wants(33 * kMiB, 34 * kMiB));
  CHECK_FALSE(pattern.Wants(0, 29 * kMiB));
  CHECK_FALSE(pattern.Wants(500 * kMiB, 501 * kMiB));
  pattern.Forget();
  CHECK_FALSE(pattern.Wants(31 * kMiB, 32 * kMiB));
}

TEST_CASE("access_pattern: plans stay inside the file, whatever is read and however large it is") {
  for (const std::uint64_t size : {std::uint64_t{1}, std::uint64_t{5000}, kMiB + 1,
                                   std::numeric_limits<std::uint64_t>::max()}) {
    AccessPattern pattern(ReadOptions{}, size);
    std::mt19937_64 random(size);
    std::uint64_t at = 0;
    for (int i = 0; i < 2'000; ++i) {
      if (random() % 4 == 0) at = random() % size;
      if (random() % 50 == 0) at = size - 1;
      const std::uint64_t end = at + std::min(size - at, 1 + random() % 300'000);
      for (const s3::Range range : pattern.Plan(at, end, random() % kRoom)) {
        REQUIRE(range.size > 0);
        REQUIRE(range.offset < size);
        REQUIRE(range.size <= size - range.offset);
        REQUIRE(range.size <= 8 * kMiB);
      }
      at = end == size ? 0 : end;
    }
  }
}

}  // namespace coffer::fs::access_pattern_test
