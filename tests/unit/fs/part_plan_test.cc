#include "fs/part_plan.h"

#include <catch2/catch.hpp>
#include <limits>

namespace coffer::fs::part_plan_test {

constexpr std::uint64_t kMiB = 1u << 20;

TEST_CASE("part_plan: parts double every 1,000 up to the largest") {
  const PartPlan plan(8 * kMiB, 64 * kMiB, 5 * kMiB);
  const std::pair<int, std::uint64_t> rows[] = {{1, 8},      {1'000, 8},  {1'001, 16},
                                                {2'000, 16}, {2'001, 32}, {3'000, 32},
                                                {3'001, 64}, {10'000, 64}};
  for (const auto& [number, size] : rows) {
    CAPTURE(number);
    CHECK(plan.SizeOf(number) == size * kMiB);
  }
}

TEST_CASE("part_plan: 10,000 parts hold what their sizes sum up to") {
  for (const auto& [first, largest] :
       {std::pair{8 * kMiB, 64 * kMiB}, {5 * kMiB, 5 * kMiB}, {7 * kMiB, 100 * kMiB}}) {
    const PartPlan plan(first, largest, 5 * kMiB);
    std::uint64_t sum = 0;
    for (int n = PartPlan::kMostParts; n >= 1; --n) {
      sum += plan.SizeOf(n);
      if (n % 499 == 0 || n < 3) CHECK(plan.CapacityFrom(n) == sum);
    }
    CHECK(plan.CapacityFrom(PartPlan::kMostParts + 1) == 0);
  }
  // 640 GB, minus what the early, smaller parts hold less
  CHECK(PartPlan(8 * kMiB, 64 * kMiB, 5 * kMiB).CapacityFrom(1) == 504'000 * kMiB);
}

TEST_CASE("part_plan: sizes that make no sense are brought into S3's limits, without overflow") {
  const PartPlan tiny(0, 0, 0);
  CHECK(tiny.smallest() == 1);
  CHECK(tiny.SizeOf(1) == 1);
  constexpr auto huge = std::numeric_limits<std::uint64_t>::max();
  const PartPlan large(huge, huge, huge);
  CHECK(large.SizeOf(10'000) == PartPlan::kLargestCopy);
  CHECK(large.CapacityFrom(1) == 10'000 * PartPlan::kLargestCopy);
  CHECK(PartPlan(1, huge, 5 * kMiB).SizeOf(1) == 5 * kMiB);
}

void CheckPieces(const PartPlan& plan, std::uint64_t size, std::uint64_t piece) {
  CAPTURE(size, piece);
  const auto pieces = plan.CopyPieces(size, piece);
  REQUIRE(pieces);
  CHECK(pieces->size() < static_cast<std::size_t>(PartPlan::kMostParts));
  std::uint64_t at = 0;
  for (const s3::Range& range : *pieces) {
    REQUIRE(range.offset == at);
    REQUIRE(range.size >= plan.smallest());
    REQUIRE(range.size <= PartPlan::kLargestCopy);
    at += range.size;
  }
  CHECK(at == size);
}

TEST_CASE("part_plan: old content is copied in legal pieces that cover it exactly") {
  const PartPlan plan(8 * kMiB, 64 * kMiB, 5 * kMiB);
  for (const std::uint64_t piece :
       {std::uint64_t{0}, 5 * kMiB, 8 * kMiB, 1024 * kMiB, ~std::uint64_t{0}}) {
    for (const std::uint64_t size :
         {5 * kMiB, 5 * kMiB + 1, 10 * kMiB - 1, 10 * kMiB, 13 * kMiB, 16 * kMiB + 1, 1024 * kMiB,
          1029 * kMiB - 1, 1029 * kMiB, 700'000 * kMiB, std::uint64_t{5'000'000'000'000},
          PartPlan::kLargestObject}) {
      CheckPieces(plan, size, piece);
    }
  }
  CHECK(plan.CopyPieces(1024 * kMiB, 1024 * kMiB)->size() == 1);
  CHECK(plan.CopyPieces(1025 * kMiB, 1024 * kMiB)->size() == 1);  // 1 MiB alone would be too small
  CHECK(plan.CopyPieces(1029 * kMiB, 1024 * kMiB)->size() == 2);
}

TEST_CASE("part_plan: old content that leaves no part for new bytes is refused") {
  const PartPlan plan(8 * kMiB, 64 * kMiB, 5 * kMiB);
  CHECK_FALSE(plan.CopyPieces(10'000 * PartPlan::kLargestCopy, 1024 * kMiB));
  CHECK_FALSE(plan.CopyPieces(~0ull, 1024 * kMiB));
}

}  // namespace coffer::fs::part_plan_test
