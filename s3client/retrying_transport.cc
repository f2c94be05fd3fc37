#include "s3client/retrying_transport.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <utility>

#include "s3client/date.h"
#include "s3client/xml.h"

namespace coffer::s3 {
namespace {

using std::chrono::milliseconds;

constexpr int kFewTries = 4;
constexpr milliseconds kLongestRetryAfter{60'000};
constexpr std::int64_t kSuspiciousSkewS = 600;
constexpr std::int64_t kToleratedSkewS = 2;

// A 2xx reply that must be one whole XML document, and no error in disguise.
Status CheckXml(const Response& response) {
  COFFER_ASSIGN(const auto document, XmlDocument::Parse(AsText(response.body)));
  const auto root = document.root().name();
  if (root == "Error" || root == "ErrorResponse") {
    return Error{Code::kUnavailable, "success with an error inside"};
  }
  return Ok();
}

bool HoldsError(const Response& response) {
  const auto document = XmlDocument::Parse(AsText(response.body));
  return document &&
         (document->root().name() == "Error" || document->root().name() == "ErrorResponse");
}

std::optional<std::int64_t> Number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number < 0) {
    return std::nullopt;
  }
  return number;
}

// How long the service asks us to wait.
milliseconds RetryAfter(const Response& response) {
  if (const auto ms = Number(response.headers.Get("x-amz-retry-after"))) {
    return std::min(milliseconds(std::min<std::int64_t>(*ms, kLongestRetryAfter.count())),
                    kLongestRetryAfter);
  }
  if (const auto s = Number(response.headers.Get("Retry-After"))) {
    return milliseconds(std::min<std::int64_t>(*s, kLongestRetryAfter.count() / 1000) * 1000);
  }
  return milliseconds(0);
}

}  // namespace

// What one request has been through.
struct RetryingTransport::Course {
  int attempts = 0;
  std::optional<SteadyTime> failing_since;
  bool clock_mended = false;
  int sent_below = 0;  // tries that the signer made by itself
  bool sent_once_more = false;
};

struct RetryingTransport::Failure {
  Error error;
  Retry retry = Retry::kNever;
  milliseconds retry_after{0};
  bool success_status = false;  // a 2xx that is none: must not leave as a Response
};

RetryingTransport::RetryingTransport(Transport& inner, RetryOptions options, RetryParties parties)
    : inner_(inner),
      options_(options),
      parties_(parties),
      budget_(options.budget_tokens, options.budget_per_second),
      random_(options.seed != 0 ? options.seed : std::random_device()()) {}

milliseconds RetryingTransport::Jitter(milliseconds bound) {
  const std::lock_guard lock(mu_);
  return milliseconds(std::uniform_int_distribution<std::int64_t>(0, bound.count())(random_));
}

// Locks expire by the server's clock, so its time is kept also where the difference is tolerated.
void RetryingTransport::LearnTime(const Response& response) {
  if (response.status / 100 != 2) return;
  const auto date = ParseHttpDate(response.headers.Get("Date"));
  if (!date) return;
  const auto here = std::chrono::floor<std::chrono::seconds>(parties_.server_time.Now());
  if (std::abs(*date - here.time_since_epoch().count()) > kToleratedSkewS) {
    parties_.server_time.Learn(*date);
  }
}

// The slot is held for the exchange alone, never through a back-off.
Result<Response> RetryingTransport::SendOnce(const Request& request) {
  while (!concurrency_.TryEnter()) {
    if (!parties_.clock.Sleep(milliseconds(5))) return Error{Code::kInterrupted, "shutting down"};
  }
  auto result = inner_.Send(request);
  concurrency_.Leave();
  return result;
}

std::optional<RetryingTransport::Failure> RetryingTransport::FailureOf(
    const Request& request, const Result<Response>& result) {
  if (!result) {
    Failure failure{result.error()};
    const Code code = failure.error.code;
    if (code == Code::kUnavailable || code == Code::kTimeout) failure.retry = Retry::kTransient;
    if (code == Code::kTooLarge) failure.retry = Retry::kFewTimes;
    return failure;
  }
  if (IsSuccess(*result)) {
    Status check = request.xml_reply ? CheckXml(*result) : Ok();
    if (!check && HoldsError(*result)) {
      const ServiceError said = ReadServiceError(*result);
      return Failure{ToError(said, request.operation), RetryFor(said, request.operation),
                     RetryAfter(*result), true};
    }
    if (check && request.reply_check && result->status != 304) {
      check = (*request.reply_check)(*result);
    }
    if (check) return std::nullopt;
    return Failure{std::move(check).error().While(std::string(Name(request.operation))),
                   Retry::kFewTimes, milliseconds(0), true};
  }
  const ServiceError said = ReadServiceError(*result);
  return Failure{ToError(said, request.operation), RetryFor(said, request.operation),
                 RetryAfter(*result), false};
}

// The reply to a HEAD has no body to say so, but it has a Date. What counts is the time that this
// request was signed with: another one may have mended the clock since.
bool RetryingTransport::SuspectsClock(const Response& response, std::int64_t offset_s) const {
  if (response.status != 403) return false;
  const auto date = ParseHttpDate(response.headers.Get("Date"));
  const auto here = std::chrono::floor<std::chrono::seconds>(parties_.clock.Now());
  return date && std::abs(*date - here.time_since_epoch().count() - offset_s) > kSuspiciousSkewS;
}

bool RetryingTransport::MendClock(const Result<Response>& result, Course& course) {
  if (!result || std::exchange(course.clock_mended, true)) return false;
  const auto date = ParseHttpDate(result->headers.Get("Date"));
  if (!date) return false;
  parties_.server_time.Learn(*date);
  return true;
}

std::optional<milliseconds> RetryingTransport::NextTry(const Request& request,
                                                       const Failure& failure, Course& course) {
  const SteadyTime now = parties_.clock.Steady();
  if (!course.failing_since) course.failing_since = now;
  if (options_.max_attempts > 0 && course.attempts >= options_.max_attempts) return std::nullopt;
  // Credentials are renewed by who signs; what still fails then is final.
  if (failure.retry == Retry::kNever || failure.retry == Retry::kCredentials) return std::nullopt;
  if (failure.retry == Retry::kFewTimes && course.attempts >= kFewTries) return std::nullopt;
  if (failure.retry == Retry::kOnce && std::exchange(course.sent_once_more, true)) {
    return std::nullopt;
  }
  const bool throttled = failure.retry == Retry::kThrottled;
  if (throttled) concurrency_.OnThrottled();
  const milliseconds base = throttled ? options_.throttled_base_delay : options_.base_delay;
  const milliseconds longest = throttled ? options_.throttled_max_delay : options_.max_delay;
  const int doublings = std::min(course.attempts - 1, 20);
  milliseconds delay = Jitter(std::min(longest, base * (std::int64_t{1} << doublings)));
  delay = std::max({delay, failure.retry_after, budget_.Take(now)});
  if (options_.deadline.count() > 0) {
    const auto left =
        std::chrono::ceil<milliseconds>(*course.failing_since + options_.deadline - now);
    if (left.count() <= 0) return std::nullopt;
    delay = std::min(delay, left);  // one last try when the time is up
  }
  parties_.observer.OnRetry(request, failure.error, course.attempts, delay);
  return delay;
}

Result<Response> RetryingTransport::GiveUp(const Request& request, Failure failure,
                                           Result<Response> result, const Course& course) {
  const Code code = failure.error.code;
  const bool answer = code == Code::kNotFound || code == Code::kChanged ||
                      code == Code::kNoAttribute || code == Code::kInterrupted ||
                      (result && (result->status == 404 || result->status == 416));
  if (!answer) parties_.observer.OnFailure(request, failure.error, course.attempts);
  if (result && !failure.success_status) {
    result->attempts = course.attempts + course.sent_below;
    return result;
  }
  const bool timed_out =
      !result && (code == Code::kUnavailable || code == Code::kTimeout) && course.attempts > 1;
  if (timed_out) {
    return Error{Code::kTimeout, "no success in " + std::to_string(course.attempts) +
                                     " tries; the last one: " + failure.error.what};
  }
  return std::move(failure.error);
}

Result<Response> RetryingTransport::Send(const Request& request) {
  Course course;
  for (;;) {
    ++course.attempts;
    const std::int64_t offset_s = parties_.server_time.offset_s();
    auto result = SendOnce(request);
    if (result) {
      LearnTime(*result);
      course.sent_below += result->attempts - 1;
    }
    auto failure = FailureOf(request, result);
    if (!failure) {
      const SteadyTime now = parties_.clock.Steady();
      budget_.OnSuccess(now);
      concurrency_.OnSuccess();
      result->attempts = course.attempts + course.sent_below;
      return result;
    }
    if (result && request.method == "HEAD" && SuspectsClock(*result, offset_s)) {
      failure->retry = Retry::kClockSkew;
    }
    if (failure->retry == Retry::kClockSkew && !MendClock(result, course)) {
      failure->retry = Retry::kNever;
    }
    const auto delay = NextTry(request, *failure, course);
    if (!delay) return GiveUp(request, std::move(*failure), std::move(result), course);
    if (parties_.counters) parties_.counters->CountRetry(request.operation);
    if (!parties_.clock.Sleep(*delay)) return Error{Code::kInterrupted, "shutting down"};
  }
}

}  // namespace coffer::s3
