// A clock that tests drive: Sleep() returns at once and moves it forward.

#pragma once

#include <mutex>
#include <vector>

#include "s3client/clock.h"

namespace coffer::s3 {

// Safe to share between threads.
class FakeClock : public Clock {
 public:
  // 2026-01-02T03:04:05Z.
  static constexpr std::int64_t kStart_s = 1767323045;

  WallTime Now() const override {
    const std::lock_guard lock(mu_);
    return WallTime(std::chrono::seconds(kStart_s)) + passed_;
  }
  SteadyTime Steady() const override {
    const std::lock_guard lock(mu_);
    return SteadyTime(std::chrono::hours(1)) + passed_;
  }
  bool Sleep(std::chrono::milliseconds duration) override {
    const std::lock_guard lock(mu_);
    if (interrupted_) return false;
    passed_ += duration;
    sleeps_.push_back(duration);
    return true;
  }

  void Advance(std::chrono::nanoseconds duration) {
    const std::lock_guard lock(mu_);
    passed_ += duration;
  }
  void Interrupt() {
    const std::lock_guard lock(mu_);
    interrupted_ = true;
  }
  std::vector<std::chrono::milliseconds> sleeps() const {
    const std::lock_guard lock(mu_);
    return sleeps_;
  }

 private:
  mutable std::mutex mu_;
  std::chrono::nanoseconds passed_{0};
  bool interrupted_ = false;
  std::vector<std::chrono::milliseconds> sleeps_;
};

}  // namespace coffer::s3
