// Time, as a parameter: tests drive it, and nothing else reads a clock.

#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace coffer::s3 {

using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

// Safe to share between threads.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
  // Waits for `duration`; returns false at once (or as soon as it happens) when the clock was told
  // to interrupt all waits, which is how a shutdown ends a back-off.
  virtual bool Sleep(std::chrono::milliseconds duration) = 0;
};

// The machine's clock.
class SystemClock : public Clock {
 public:
  WallTime Now() const override;
  SteadyTime Steady() const override;
  bool Sleep(std::chrono::milliseconds duration) override;
  // Ends all present and future sleeps: the program is shutting down.
  void Interrupt();

 private:
  std::mutex mu_;
  std::condition_variable wake_;
  bool interrupted_ = false;
};

// How far the server's clock is ahead of ours, learned from its Date headers: signatures and lock
// expiry are judged by the server's time. Safe to share between threads.
class ServerTime {
 public:
  explicit ServerTime(const Clock& clock) : clock_(clock) {}
  WallTime Now() const { return clock_.Now() + std::chrono::seconds(offset_s_.load()); }
  // Takes over the Date of a reply, whole seconds since the epoch.
  void Learn(std::int64_t server_date_s) {
    const auto local = std::chrono::floor<std::chrono::seconds>(clock_.Now());
    offset_s_ = server_date_s - local.time_since_epoch().count();
  }
  std::int64_t offset_s() const { return offset_s_; }

 private:
  const Clock& clock_;
  std::atomic<std::int64_t> offset_s_{0};
};

}  // namespace coffer::s3
