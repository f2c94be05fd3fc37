#include "s3client/kms_rate.h"

#include <algorithm>

#include "s3client/api_error.h"

namespace coffer::s3 {
namespace {

using std::chrono::milliseconds;

constexpr double kSlowest = 1;
constexpr double kRecoverySeconds = 20;
constexpr std::chrono::seconds kBetweenHalvings{1};

}  // namespace

KmsRate::KmsRate(Transport& next, Clock& clock, double per_second)
    : next_(next),
      clock_(clock),
      limit_(per_second),
      rate_(per_second),
      tokens_(std::max(per_second, 1.0)),
      filled_at_(clock.Steady()) {}

void KmsRate::Refill(SteadyTime now) {
  const double seconds = std::chrono::duration<double>(now - filled_at_).count();
  if (seconds <= 0) return;
  filled_at_ = now;
  tokens_ = std::min(tokens_ + seconds * rate_, std::max(rate_, 1.0));
  rate_ = std::min(rate_ + seconds * limit_ / kRecoverySeconds, limit_);
}

// A place in the queue is given out at once and never moves: those who wait are no more than there
// are threads.
milliseconds KmsRate::TakeTurn() {
  if (limit_ <= 0) return milliseconds(0);
  const std::lock_guard lock(mu_);
  Refill(clock_.Steady());
  tokens_ -= 1;
  if (tokens_ >= 0) return milliseconds(0);
  const auto wait =
      std::chrono::ceil<milliseconds>(std::chrono::duration<double>(-tokens_ / rate_));
  ++counts_.waited;
  counts_.wait_time += wait;
  return wait;
}

void KmsRate::SlowDown() {
  const std::lock_guard lock(mu_);
  ++counts_.throttled;
  const SteadyTime now = clock_.Steady();
  if (limit_ <= 0 || now < next_halving_) return;
  Refill(now);
  next_halving_ = now + kBetweenHalvings;
  rate_ = std::max(rate_ / 2, std::min(kSlowest, limit_));
  tokens_ = std::min(tokens_, 0.0);
}

Result<Response> KmsRate::Send(const Request& request) {
  const milliseconds wait = TakeTurn();
  if (wait.count() > 0 && !clock_.Sleep(wait)) return Error{Code::kInterrupted, "shutting down"};
  auto reply = next_.Send(request);
  if (reply && IsThrottle(*reply, request.operation)) SlowDown();
  return reply;
}

KmsRateCounts KmsRate::Counts() const {
  const std::lock_guard lock(mu_);
  KmsRateCounts counts = counts_;
  counts.per_second = std::max(rate_, 0.0);
  return counts;
}

}  // namespace coffer::s3
