#include "fs/access_pattern.h"

#include <algorithm>

namespace coffer::fs {
namespace {

constexpr std::size_t kMostRuns = 8;
// How much further a run reads ahead than it has read so far.
constexpr std::uint64_t kWindowGrowth = 4;
// Enough ranges in flight for a window that had to shrink.
constexpr std::uint64_t kRangesPerWindow = 4;

}  // namespace

AccessPattern::AccessPattern(const ReadOptions& options, std::uint64_t file_size)
    : options_(options), file_size_(file_size) {}

s3::Range AccessPattern::Exact(std::uint64_t offset, std::uint64_t end) const {
  const std::uint64_t begin = offset / options_.granularity * options_.granularity;
  return {begin, Stop(end) - begin};
}

// `end`, or the next multiple of the granularity, or the end of the file.
std::uint64_t AccessPattern::Stop(std::uint64_t end) const {
  const std::uint64_t past = options_.granularity - 1;
  if (end > file_size_ - std::min(file_size_, past)) return file_size_;
  return (end + past) / options_.granularity * options_.granularity;
}

bool AccessPattern::Follows(const Run& run, std::uint64_t offset, std::uint64_t end) const {
  if (!run.sequential) {
    return end == run.begin || (offset >= run.begin && (offset <= run.end || offset < run.next));
  }
  const std::uint64_t ahead = std::min(Window(run, options_.max_window), kKeptBehind);
  return offset + kKeptBehind >= run.end && offset >= run.begin && offset <= run.end + ahead;
}

AccessPattern::Run* AccessPattern::Find(std::uint64_t offset, std::uint64_t end) {
  Run* best = nullptr;
  for (Run& run : runs_) {
    if (!Follows(run, offset, end)) continue;
    // Of two that fit, the one that this read continues, else the one that was used last.
    if (best == nullptr || run.end == offset || (best->end != offset && run.used > best->used)) {
      best = &run;
    }
  }
  return best;
}

std::uint64_t AccessPattern::Window(const Run& run, std::uint64_t room) const {
  const auto running =
      static_cast<std::uint64_t>(std::count_if(runs_.begin(), runs_.end(), [this](const Run& r) {
        return r.sequential && r.next < file_size_;
      }));
  const std::uint64_t most =
      std::min(room, options_.max_window / std::max<std::uint64_t>(running, 1));
  const std::uint64_t read = run.end - run.begin;
  const std::uint64_t grown = read < most / kWindowGrowth ? read * kWindowGrowth : most;
  return std::max(grown, options_.first_window);
}

std::vector<s3::Range> AccessPattern::Begin(std::uint64_t offset, std::uint64_t end) {
  s3::Range range = Exact(offset, end);
  if (file_size_ <= options_.first_window) {
    range = {0, file_size_};
  } else if (offset == 0) {
    range.size = std::max(range.size, options_.first_window);
  }
  if (runs_.size() == kMostRuns) {
    runs_.erase(std::min_element(runs_.begin(), runs_.end(),
                                 [](const Run& a, const Run& b) { return a.used < b.used; }));
  }
  runs_.push_back({offset, end, range.offset + range.size, range.size, false, turn_});
  return {range};
}

std::vector<s3::Range> AccessPattern::Plan(std::uint64_t offset, std::uint64_t end,
                                           std::uint64_t room) {
  ++turn_;
  Run* run = Find(offset, end);
  if (run == nullptr) return Begin(offset, end);
  run->used = turn_;
  if (!run->sequential && end == run->begin) {
    run->begin = offset;
    return {Exact(offset, end)};
  }
  if (offset <= run->end && end > run->end) run->sequential = true;
  run->end = std::max(run->end, end);
  if (!run->sequential) return {};

  std::vector<s3::Range> ranges;
  const std::uint64_t window = Window(*run, room);
  const std::uint64_t largest =
      std::clamp(room / kRangesPerWindow, std::min(options_.first_window, options_.part_size),
                 options_.part_size);
  while (run->next < file_size_) {
    std::uint64_t block = std::min(std::max(options_.first_window, 2 * run->block), largest);
    if (run->next < end) block = std::max(block, std::min(end - run->next, options_.part_size));
    const std::uint64_t stop =
        block < file_size_ - run->next ? Stop(run->next + block) : file_size_;
    if (run->next >= end && stop > run->end + window) break;
    ranges.push_back({run->next, stop - run->next});
    run->next = stop;
    run->block = block;
  }
  return ranges;
}

void AccessPattern::Primed(std::uint64_t size) {
  if (size == 0) return;
  runs_.push_back({0, 0, std::min(size, file_size_), size, false, ++turn_});
}

void AccessPattern::Retreat(std::uint64_t from) {
  for (Run& run : runs_) {
    if (run.begin > from || run.next <= from) continue;
    run.next = std::min(run.next, std::max(from, run.end));
    run.block = 0;
  }
}

void AccessPattern::Forget() { runs_.clear(); }

bool AccessPattern::Wants(std::uint64_t begin, std::uint64_t end) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) {
    const std::uint64_t oldest =
        run.sequential && run.end > kKeptBehind ? run.end - kKeptBehind : run.begin;
    return begin < run.next && end > oldest;
  });
}

}  // namespace coffer::fs
