#include "s3client/retry_budget.h"

#include <algorithm>

namespace coffer::s3 {
namespace {

constexpr double kPerSuccess = 0.1;

}  // namespace

void RetryBudget::Refill(SteadyTime now) {
  if (filled_at_ != SteadyTime() && now > filled_at_) {
    const std::chrono::duration<double> passed = now - filled_at_;
    tokens_ = std::min(capacity_, tokens_ + passed.count() * per_second_);
  }
  filled_at_ = std::max(filled_at_, now);
}

std::chrono::milliseconds RetryBudget::Take(SteadyTime now) {
  const std::lock_guard lock(mu_);
  Refill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return std::chrono::milliseconds(0);
  return std::chrono::milliseconds(static_cast<std::int64_t>(-tokens_ / per_second_ * 1000));
}

void RetryBudget::OnSuccess(SteadyTime now) {
  const std::lock_guard lock(mu_);
  Refill(now);
  tokens_ = std::min(capacity_, tokens_ + kPerSuccess);
}

bool ConcurrencyLimit::TryEnter() {
  const std::lock_guard lock(mu_);
  if (in_flight_ >= static_cast<int>(limit_)) return false;
  ++in_flight_;
  return true;
}

void ConcurrencyLimit::Leave() {
  const std::lock_guard lock(mu_);
  --in_flight_;
}

void ConcurrencyLimit::OnThrottled() {
  const std::lock_guard lock(mu_);
  limit_ = std::max(1.0, std::min(limit_, static_cast<double>(in_flight_)) / 2);
}

void ConcurrencyLimit::OnSuccess() {
  const std::lock_guard lock(mu_);
  limit_ = std::min(kUnlimited, limit_ + 1 / limit_);
}

}  // namespace coffer::s3
