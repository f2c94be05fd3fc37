// One limit for all buffers of readers and writers together (--memory-limit).

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

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

 private:
  friend class MemoryBudget;
  Reservation(MemoryBudget* budget, std::uint64_t size) : budget_(budget), size_(size) {}
  MemoryBudget* budget_ = nullptr;
  std::uint64_t size_ = 0;
};

// Safe to share between threads; outlives every Reservation.
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit_bytes);

  // Empty (size() == 0) when the budget is used up: the caller does with less.
  Reservation TryReserve(std::uint64_t size);
  // Waits for others to give back; empty when `deadline` passed first. A size over the whole limit
  // is never granted.
  Reservation Reserve(std::uint64_t size, std::chrono::steady_clock::time_point deadline);

  std::uint64_t limit() const { return limit_; }
  std::uint64_t used() const;
  std::uint64_t high_water() const;

 private:
  friend class Reservation;
  void Release(std::uint64_t size);

  const std::uint64_t limit_;
  mutable Mutex mu_;
  Condition freed_;
  std::uint64_t used_ GUARDED_BY(mu_) = 0;
  std::uint64_t high_water_ GUARDED_BY(mu_) = 0;
};

}  // namespace coffer::fs
