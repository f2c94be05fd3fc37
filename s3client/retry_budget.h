// What keeps retries from becoming a storm: one budget and one limit for all requests to a target.

#pragma once

#include <chrono>
#include <mutex>

#include "s3client/clock.h"

namespace coffer::s3 {

// A token bucket that repeated tries pay into nothing and first successes fill: when most requests
// fail, repeats are spaced out instead of refused. Safe to share between threads; never blocks.
class RetryBudget {
 public:
  RetryBudget(double capacity, double per_second)
      : capacity_(capacity), per_second_(per_second), tokens_(capacity) {}
  // Takes one token and says how long to wait for it: zero while there are any.
  std::chrono::milliseconds Take(SteadyTime now);
  void OnSuccess(SteadyTime now);

 private:
  void Refill(SteadyTime now);

  const double capacity_;
  const double per_second_;
  std::mutex mu_;
  double tokens_;         // guarded by mu_; negative when promised ahead
  SteadyTime filled_at_;  // guarded by mu_
};

// How many requests may be in flight: everything, until the service says that it is too much; then
// half of what was, and slowly more. Safe to share between threads; never blocks.
class ConcurrencyLimit {
 public:
  // Whether one more request may go out now; each true is paired with one Leave().
  bool TryEnter();
  void Leave();
  void OnThrottled();
  void OnSuccess();

 private:
  std::mutex mu_;
  static constexpr double kUnlimited = 4096;
  double limit_ = kUnlimited;  // guarded by mu_
  int in_flight_ = 0;          // guarded by mu_
};

}  // namespace coffer::s3
