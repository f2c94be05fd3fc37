// Keeps requests to KMS below a rate, for its quota is shared by the whole account: a request over
// the rate waits its turn instead of failing.
//
// A token bucket that holds one second's worth. When KMS throttles, the rate is halved, at most
// once a second, and grows back within twenty seconds. Stands between the retries and the
// signature: every try counts, and none waits with a signature that grows old. One for a Region,
// whose quota it is.

#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>

#include "s3client/clock.h"
#include "s3client/transport.h"

namespace coffer::s3 {

struct KmsRateCounts {
  std::uint64_t waited = 0;  // requests that did
  std::chrono::milliseconds wait_time{0};
  std::uint64_t throttled = 0;  // replies
  double per_second = 0;        // the rate now; 0: no limit
};

// Borrows both; safe to share between threads. Send blocks for its turn, which the Clock's
// interruption ends with kInterrupted, and as the next transport does.
class KmsRate : public Transport {
 public:
  // `per_second`: --kms-rate; 0 for no limit.
  KmsRate(Transport& next, Clock& clock, double per_second);
  Result<Response> Send(const Request& request) override;
  KmsRateCounts Counts() const;

 private:
  std::chrono::milliseconds TakeTurn();
  void Refill(SteadyTime now);
  void SlowDown();

  Transport& next_;
  Clock& clock_;
  const double limit_;
  mutable std::mutex mu_;  // guards all below
  double rate_;
  double tokens_;  // negative when promised ahead
  SteadyTime filled_at_;
  SteadyTime next_halving_;  // not before
  KmsRateCounts counts_;
};

}  // namespace coffer::s3
