// How an object is cut into the parts of a multipart upload: arithmetic alone, overflow checked.
//
// Parts of new bytes grow, so that small streams start early and large ones fit into 10,000 parts:
// with 8 MiB first and 64 MiB last, doubled every 1,000 parts, a stream holds 528 GB. Old content
// that is copied inside the service comes in far larger pieces.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "s3client/object_store.h"

namespace coffer::fs {

class PartPlan {
 public:
  static constexpr int kMostParts = 10'000;
  static constexpr std::uint64_t kLargestCopy = 5ull << 30;
  static constexpr std::uint64_t kLargestObject = 50'000'000'000'000;  // 50 TB

  // `smallest`: what the service demands of every part but the last.
  PartPlan(std::uint64_t first_part, std::uint64_t largest_part, std::uint64_t smallest);

  std::uint64_t smallest() const { return smallest_; }
  std::uint64_t first_part() const { return first_part_; }
  // Of part `number`, 1..kMostParts.
  std::uint64_t SizeOf(int number) const;
  // The most that parts `number`..kMostParts hold together; 0 past the last part.
  std::uint64_t CapacityFrom(int number) const;

  // The pieces in which `size` >= smallest() old bytes are copied, of about `piece` each and none
  // below the smallest part, since new parts follow. Nothing when they would leave no part for new
  // bytes.
  std::optional<std::vector<s3::Range>> CopyPieces(std::uint64_t size, std::uint64_t piece) const;
  // The size of the next piece when `left` >= smallest() bytes are cut into pieces of about `piece`
  // without leaving a rest below the smallest part.
  std::uint64_t NextPiece(std::uint64_t left, std::uint64_t piece) const;

 private:
  std::uint64_t smallest_;
  std::uint64_t first_part_;
  std::uint64_t largest_part_;
};

}  // namespace coffer::fs
