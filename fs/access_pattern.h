// Which ranges to fetch for the reads of one handle: arithmetic alone, no bytes and no network.
//
// A read at a new place is fetched as it is (at offset 0 with a first window, since most files are
// read from the start). A read that goes on where an earlier one ended makes a sequential run: from
// then on ranges double up to the part size, and are asked for ahead, within a window that grows
// with what the run has read. The kernel sends its read-ahead slightly out of order, so a run takes
// reads a little before and after its end. Several runs are followed at once. Not thread-safe.

#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "s3client/object_store.h"

namespace coffer::fs {

struct ReadOptions {
  std::uint64_t first_window = 128u << 10;  // of a sequential run; doubles
  std::uint64_t part_size = 8u << 20;       // the largest single range
  std::uint64_t max_window = 128u << 20;    // read ahead of one handle
  std::uint64_t granularity = 4096;         // ranges begin and end at multiples of it
};

class AccessPattern {
 public:
  // Kept behind the end of a run for reads that come late and small steps back.
  static constexpr std::uint64_t kKeptBehind = 2u << 20;

  AccessPattern(const ReadOptions& options, std::uint64_t file_size);

  // Notes the read of [offset, end), end <= file size, and returns what to fetch that was not asked
  // for before, in order of urgency: the read's own bytes, then read-ahead. `room` is the memory
  // that a window may take now. The ranges may overlap what the caller holds of other runs.
  std::vector<s3::Range> Plan(std::uint64_t offset, std::uint64_t end, std::uint64_t room);

  // [0, size) is there already.
  void Primed(std::uint64_t size);
  // What Plan asked for from `from` on does not come: the run asks again, with small ranges.
  void Retreat(std::uint64_t from);
  // Nothing is held any more.
  void Forget();

  // Is a run likely to read bytes of [begin, end) next, or again?
  bool Wants(std::uint64_t begin, std::uint64_t end) const;

 private:
  struct Run {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;    // of the furthest read
    std::uint64_t next = 0;   // all before it has been asked for
    std::uint64_t block = 0;  // size of the last range
    bool sequential = false;
    std::uint64_t used = 0;  // turn_ of the last read
  };

  Run* Find(std::uint64_t offset, std::uint64_t end);
  bool Follows(const Run& run, std::uint64_t offset, std::uint64_t end) const;
  std::uint64_t Window(const Run& run, std::uint64_t room) const;
  std::vector<s3::Range> Begin(std::uint64_t offset, std::uint64_t end);
  s3::Range Exact(std::uint64_t offset, std::uint64_t end) const;
  std::uint64_t Stop(std::uint64_t end) const;

  const ReadOptions options_;
  const std::uint64_t file_size_;
  std::vector<Run> runs_;
  std::uint64_t turn_ = 0;
};

}  // namespace coffer::fs
