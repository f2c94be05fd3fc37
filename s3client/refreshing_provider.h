// Keeps credentials alive: asks its source before they end, when the service refuses them, and when
// the source shows a change.
//
// Well before the end one caller renews while the others go on with what they have; close to it all
// wait for that one. A renewal that fails while the old credentials still live is told once and
// changes nothing for callers. Owns its source, borrows the rest; safe to share between threads.

#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>

#include "s3client/clock.h"
#include "s3client/credentials.h"
#include "s3client/credentials_source.h"
#include "s3client/observer.h"

namespace coffer::s3 {

class RefreshingProvider : public CredentialsProvider {
 public:
  struct Windows {
    std::chrono::seconds advisory = std::chrono::minutes(15);   // before the end: one renews
    std::chrono::seconds mandatory = std::chrono::minutes(10);  // before the end: all wait
  };

  // Lives are judged by the server's time, pauses between tries by the machine's.
  RefreshingProvider(std::unique_ptr<CredentialsSource> source, const Clock& clock,
                     const ServerTime& time, Observer& observer, Windows windows);
  RefreshingProvider(std::unique_ptr<CredentialsSource> source, const Clock& clock,
                     const ServerTime& time, Observer& observer)
      : RefreshingProvider(std::move(source), clock, time, observer, Windows()) {}

  Result<std::shared_ptr<const Credentials>> Get() override;
  void Refused(const Credentials& refused) override;

 private:
  using Snapshot = std::shared_ptr<const Credentials>;
  enum class Need { kNothing, kSoon, kNow };

  // All of these want mu_ held.
  Need Assess() const;
  bool Usable() const;
  Result<Snapshot> Answer() const;
  void Renew(std::unique_lock<std::mutex>& lock);
  void TakeOver(Result<Credentials> fetched);
  void LookForChange(std::unique_lock<std::mutex>& lock);

  const std::unique_ptr<CredentialsSource> source_;
  const Clock& clock_;
  const ServerTime& time_;
  Observer& observer_;
  const Windows windows_;

  std::mutex mu_;  // guards all below; never held while the source is asked
  std::condition_variable renewed_;
  Snapshot current_;
  std::optional<Error> failure_;  // of the last renewal, if that failed
  bool renewing_ = false;
  bool refused_ = false;  // the service will not take current_
  bool changed_ = false;  // the source shows a change
  std::uint64_t renewals_ = 0;
  SteadyTime next_try_{};      // after a failure, or when what was got lives only briefly
  SteadyTime next_look_{};     // for a change of the source
  SteadyTime next_refusal_{};  // that counts
};

}  // namespace coffer::s3
