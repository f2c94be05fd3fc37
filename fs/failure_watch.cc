#include "fs/failure_watch.h"

namespace coffer::fs {
namespace {

// A refusal of one key is the business of whoever asked for it; no answer, or credentials that are
// no longer taken, concern everybody.
bool ConcernsEverybody(const Error& error) {
  switch (error.code) {
    case Code::kUnavailable:
    case Code::kTimeout:
      return true;
    case Code::kDenied:
      for (const std::string_view code :
           {"", "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken",
            "SignatureDoesNotMatch", "RequestTimeTooSkewed"}) {
        if (error.service_code == code) return true;
      }
      return false;
    default:
      return false;
  }
}

}  // namespace

void FailureWatch::OnRetry(const s3::Request& request, const Error& why, int attempt,
                           std::chrono::milliseconds delay) {
  next_.OnRetry(request, why, attempt, delay);
}

void FailureWatch::OnFailure(const s3::Request& request, const Error& error, int attempts) {
  if (ConcernsEverybody(error)) {
    const Lock lock(mu_);
    what_ = error.what;
    when_ = clock_.Steady();
  }
  next_.OnFailure(request, error, attempts);
}

void FailureWatch::OnNotice(std::string_view notice) { next_.OnNotice(notice); }

RecentFailure FailureWatch::last() const {
  const Lock lock(mu_);
  if (what_.empty()) return {};
  const auto ago = std::chrono::duration_cast<std::chrono::seconds>(clock_.Steady() - when_);
  return {what_, ago.count()};
}

}  // namespace coffer::fs
