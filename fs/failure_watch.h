// Remembers the last failure that says something about the service or the credentials, for `coffer
// status`; passes everything on.
//
// Borrows both; safe to share between threads; never blocks.

#pragma once

#include <string>
#include <string_view>

#include "fs/mutex.h"
#include "fs/status_report.h"
#include "s3client/clock.h"
#include "s3client/observer.h"

namespace coffer::fs {

class FailureWatch : public s3::Observer {
 public:
  FailureWatch(s3::Observer& next, const s3::Clock& clock) : next_(next), clock_(clock) {}

  void OnRetry(const s3::Request& request, const Error& why, int attempt,
               std::chrono::milliseconds delay) override;
  void OnFailure(const s3::Request& request, const Error& error, int attempts) override;
  void OnNotice(std::string_view notice) override;

  RecentFailure last() const;

 private:
  s3::Observer& next_;
  const s3::Clock& clock_;
  mutable Mutex mu_;
  std::string what_ GUARDED_BY(mu_);
  s3::SteadyTime when_ GUARDED_BY(mu_) = {};
};

}  // namespace coffer::fs
