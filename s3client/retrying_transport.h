// Tries again: full jitter, one budget for all, a deadline without progress, and the mistakes that
// are mended once (a wrong clock, a flipped bit). Credentials are renewed by who signs.
//
// Stands above signing, so that every try is signed afresh, and sends identical bytes each time.

#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>

#include "s3client/api_error.h"
#include "s3client/clock.h"
#include "s3client/counters.h"
#include "s3client/observer.h"
#include "s3client/retry_budget.h"
#include "s3client/transport.h"

namespace coffer::s3 {

struct RetryOptions {
  // How long a request may go on failing; zero: for ever, as a hard NFS mount does.
  std::chrono::milliseconds deadline{300'000};
  int max_attempts = 0;  // zero: as many as the deadline allows
  std::chrono::milliseconds base_delay{50};
  std::chrono::milliseconds max_delay{5'000};
  std::chrono::milliseconds throttled_base_delay{500};
  std::chrono::milliseconds throttled_max_delay{20'000};
  double budget_tokens = 100;
  double budget_per_second = 5;
  std::uint64_t seed = 0;  // of the jitter; zero: from the system
};

// Who is asked and told. Borrowed; counters may be null.
struct RetryParties {
  Clock& clock;
  ServerTime& server_time;
  Observer& observer;
  Counters* counters = nullptr;
};

// Safe to share between threads. Send blocks on the network and in back-offs, which the Clock's
// interruption ends with kInterrupted. After the deadline a failure without a reply is kTimeout;
// a failing reply is returned as it is, but never a 2xx that is not a success: that is an Error.
class RetryingTransport : public Transport {
 public:
  RetryingTransport(Transport& inner, RetryOptions options, RetryParties parties);
  Result<Response> Send(const Request& request) override;

 private:
  struct Course;
  struct Failure;

  Result<Response> SendOnce(const Request& request);
  std::optional<Failure> FailureOf(const Request& request, const Result<Response>& result);
  // Mends what can be mended and says how long to wait, or that it is over.
  std::optional<std::chrono::milliseconds> NextTry(const Request& request, const Failure& failure,
                                                   Course& course);
  bool SuspectsClock(const Response& response, std::int64_t offset_s) const;
  bool MendClock(const Result<Response>& result, Course& course);
  Result<Response> GiveUp(const Request& request, Failure failure, Result<Response> result,
                          const Course& course);
  std::chrono::milliseconds Jitter(std::chrono::milliseconds bound);
  void LearnTime(const Response& response);

  Transport& inner_;
  const RetryOptions options_;
  const RetryParties parties_;
  RetryBudget budget_;
  ConcurrencyLimit concurrency_;
  std::mutex mu_;
  std::mt19937_64 random_;  // guarded by mu_
};

}  // namespace coffer::s3
