#include "s3client/clock.h"

namespace coffer::s3 {

WallTime SystemClock::Now() const {
  return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::Steady() const { return std::chrono::steady_clock::now(); }

bool SystemClock::Sleep(std::chrono::milliseconds duration) {
  std::unique_lock lock(mu_);
  return !wake_.wait_for(lock, duration, [this] { return interrupted_; });
}

void SystemClock::Interrupt() {
  {
    const std::lock_guard lock(mu_);
    interrupted_ = true;
  }
  wake_.notify_all();
}

}  // namespace coffer::s3
