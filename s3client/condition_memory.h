// What is known of a server's conditional writes: which kinds count, and in which spelling.
//
// A success proves nothing, for the header may have been ignored. A kind counts once a request that
// had to succeed did and one that had to fail did, in the same spelling and versioning state. Safe
// to share between threads; never blocks.

#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>

#include "s3client/object_store.h"

namespace coffer::s3 {

// The writes that take a condition. kCopySource is the copy's condition on what it reads.
enum class ConditionalWrite { kPut, kComplete, kCopy, kCopySource, kDelete };
inline constexpr int kConditionalWriteCount = 5;

class ConditionMemory {
 public:
  // Which case of a condition is meant.
  struct Case {
    ConditionalWrite write = ConditionalWrite::kPut;
    Condition::Kind kind = Condition::Kind::kAbsent;  // never kNone
    bool versioned = false;                           // the bucket keeps versions
  };

  bool Counts(const Case& c) const;
  // The server answers 412 to what had to succeed: sending the header is worse than not.
  bool Unusable(const Case& c) const;
  bool Bare(const Case& c) const;  // ETags must go without quotes

  void SawSuccess(const Case& c);  // of a condition that held
  void SawRefusal(const Case& c);  // of one that did not hold
  void SetBare(const Case& c);
  void SetUnusable(const Case& c);

  // One line of text, to be kept per endpoint and bucket; Import takes back what Export gave, and
  // nothing from anything else.
  std::string Export() const;
  void Import(std::string_view text);

 private:
  struct Cell {
    bool succeeded = false;
    bool refused = false;
    bool bare = false;
    bool unusable = false;
  };
  static constexpr std::size_t kCells = std::size_t{kConditionalWriteCount} * 2 * 2;
  static std::size_t IndexOf(const Case& c);
  Cell Get(const Case& c) const;

  mutable std::mutex mu_;
  std::array<Cell, kCells> cells_{};  // guarded by mu_
};

}  // namespace coffer::s3
