#include "fs/part_plan.h"

#include <algorithm>
#include <cassert>

namespace coffer::fs {
namespace {

constexpr int kPartsPerSize = 1'000;
// Old content leaves at least half of the part numbers to what is appended.
constexpr std::uint64_t kMostPieces = PartPlan::kMostParts / 2;

}  // namespace

PartPlan::PartPlan(std::uint64_t first_part, std::uint64_t largest_part, std::uint64_t smallest)
    : smallest_(std::clamp<std::uint64_t>(smallest, 1, kLargestCopy / 4)),
      first_part_(std::clamp(first_part, smallest_, kLargestCopy)),
      largest_part_(std::clamp(largest_part, first_part_, kLargestCopy)) {}

std::uint64_t PartPlan::SizeOf(int number) const {
  assert(number >= 1 && number <= kMostParts);
  std::uint64_t size = first_part_;
  for (int n = kPartsPerSize; n < number && size < largest_part_; n += kPartsPerSize) size *= 2;
  return std::min(size, largest_part_);
}

std::uint64_t PartPlan::CapacityFrom(int number) const {
  std::uint64_t sum = 0;  // below 10,000 * 5 GiB
  for (int n = number; n <= kMostParts;) {
    const int next = std::min(kMostParts + 1, ((n - 1) / kPartsPerSize + 1) * kPartsPerSize + 1);
    sum += static_cast<std::uint64_t>(next - n) * SizeOf(n);
    n = next;
  }
  return sum;
}

std::uint64_t PartPlan::NextPiece(std::uint64_t left, std::uint64_t piece) const {
  piece = std::clamp(piece, smallest_, kLargestCopy - smallest_);
  return left < piece || left - piece < smallest_ ? left : piece;
}

std::optional<std::vector<s3::Range>> PartPlan::CopyPieces(std::uint64_t size,
                                                           std::uint64_t piece) const {
  const std::uint64_t largest = kLargestCopy - smallest_;
  if (size / largest >= kMostParts - 1) return std::nullopt;
  piece = std::min(std::max(piece, size / kMostPieces + 1), largest);
  std::vector<s3::Range> pieces;
  for (std::uint64_t at = 0; at < size; at += pieces.back().size) {
    pieces.push_back({at, NextPiece(size - at, piece)});
  }
  return pieces;
}

}  // namespace coffer::fs
