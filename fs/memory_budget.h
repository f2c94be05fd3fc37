// One limit for all buffers of readers and writers together (--memory-limit).
//
// Those who can do with less (readers, growing buffers) ask TryReserve; those who cannot go on
// wait in Reserve, first come first served, and nobody overtakes them. What is kept only because it
// may be of use again is registered as a MemoryHolder and given back when it was idle and memory is
// wanted.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "fs/mutex.h"

namespace coffer::fs {

class MemoryBudget;

// Bytes taken from a budget; gives them back when it goes. Move-only.
class Reservation {
 public:
  Reservation() = default;
  Reservation(Reservation&& other) noexcept;
  Reservation& operator=(Reservation&& other) noexcept;
  ~Reservation();
  std::uint64_t size() const { return size_; }
  // Gives back all but `size` bytes.
  void Shrink(std::uint64_t size);
  // Takes over the bytes of `more`, which is of the same budget.
  void Add(Reservation more);

 private:
  friend class MemoryBudget;
  Reservation(MemoryBudget* budget, std::uint64_t size) : budget_(budget), size_(size) {}
  MemoryBudget* budget_ = nullptr;
  std::uint64_t size_ = 0;
};

// Somebody who keeps reserved memory that can be fetched or built again.
class MemoryHolder {
 public:
  virtual ~MemoryHolder() = default;
  // Gives back what was not used since `idle_since`. Called from any thread that wants memory,
  // without a lock of the budget; must not block on the network nor ask the budget for memory.
  virtual void GiveBack(std::chrono::steady_clock::time_point idle_since) = 0;
};

// Safe to share between threads; outlives every Reservation. TryReserve and Reserve may call any
// registered holder: call them without a lock that a holder takes.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit_bytes);

  // Empty (size() == 0) when the budget is used up or somebody waits for it: the caller does with
  // less. Never waits.
  Reservation TryReserve(std::uint64_t size);
  // Waits for others to give back; empty when `deadline` passed first. A size over the whole limit
  // is never granted.
  Reservation Reserve(std::uint64_t size, std::chrono::steady_clock::time_point deadline);
  // Asked for memory when it runs out, for as long as it lives.
  void Register(std::weak_ptr<MemoryHolder> holder);

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const;
  std::uint64_t high_water() const;

 private:
  friend class Reservation;
  using TimePoint = std::chrono::steady_clock::time_point;

  void Release(std::uint64_t size);
  bool Fits(std::uint64_t size) const REQUIRES(mu_);
  void Take(std::uint64_t size) REQUIRES(mu_);
  Reservation TakeIfFree(std::uint64_t size) EXCLUDES(mu_);
  void AskHolders() EXCLUDES(mu_);

  const std::uint64_t limit_;
  mutable Mutex mu_;
  Condition freed_;
  std::uint64_t used_ GUARDED_BY(mu_) = 0;
  std::uint64_t high_water_ GUARDED_BY(mu_) = 0;
  std::deque<std::uint64_t> waiting_ GUARDED_BY(mu_);  // tickets of Reserve, in order
  std::uint64_t next_ticket_ GUARDED_BY(mu_) = 0;
  std::vector<std::weak_ptr<MemoryHolder>> holders_ GUARDED_BY(mu_);
  std::size_t prune_at_ GUARDED_BY(mu_) = 64;
  TimePoint asked_ GUARDED_BY(mu_) = {};
};

}  // namespace coffer::fs
