// Hears what went wrong below, so that somebody can log it: s3client/ itself never does.

#pragma once

#include <chrono>
#include <string_view>

#include "crypto/result.h"
#include "s3client/http.h"

namespace coffer::s3 {

// Called from any thread, in the middle of a request: must be quick, must not call back.
class Observer {
 public:
  virtual ~Observer() = default;
  // Try number `attempt` (from 1) failed for `why`, and is repeated after `delay`.
  virtual void OnRetry(const Request& request, const Error& why, int attempt,
                       std::chrono::milliseconds delay) = 0;
  // Given up after `attempts` tries. Answers that a caller may well expect (404, 412) are not
  // failures and are not told.
  virtual void OnFailure(const Request& request, const Error& error, int attempts) = 0;
  // Something an operator should know once, in one line.
  virtual void OnNotice(std::string_view notice) = 0;
};

// Hears and forgets.
class SilentObserver : public Observer {
 public:
  void OnRetry(const Request&, const Error&, int, std::chrono::milliseconds) override {}
  void OnFailure(const Request&, const Error&, int) override {}
  void OnNotice(std::string_view) override {}
};

}  // namespace coffer::s3
