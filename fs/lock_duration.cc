#include "fs/lock_duration.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "crypto/ascii.h"
#include "s3client/date.h"

namespace coffer::fs {
namespace {

constexpr std::int64_t kMinuteS = 60;
constexpr std::int64_t kHourS = 60 * kMinuteS;
// No service takes a date beyond the year 9999; sums stay far from overflowing.
constexpr std::int64_t kLongestS = std::int64_t{8000} * 365 * kDayS;

struct Unit {
  char letter;
  std::int64_t seconds;
};
constexpr std::array<Unit, 7> kUnits = {{{'s', 1},
                                         {'m', kMinuteS},
                                         {'h', kHourS},
                                         {'d', kDayS},
                                         {'w', 7 * kDayS},
                                         {'M', 30 * kDayS},
                                         {'y', 365 * kDayS}}};

Error NoPeriod() {
  return {Code::kInvalid,
          "is no duration: a number with its unit, such as 30d, 12h or 1y6M (s, m minutes, h, d, "
          "w, M months of 30 days, y years of 365)"};
}

// Takes "30d" from the front.
Result<std::int64_t> TakePart(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (digits == 0 || error != std::errc() || number < 0 || digits == text.size()) return NoPeriod();
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& one) { return one.letter == text[digits]; });
  if (unit == kUnits.end()) return NoPeriod();
  if (number > kLongestS / unit->seconds) return Error{Code::kInvalid, "is longer than 8000 years"};
  text.remove_prefix(digits + 1);
  return number * unit->seconds;
}

std::string Counted(std::int64_t number, std::string_view unit) {
  return std::to_string(number) + " " + std::string(unit) + (number == 1 ? "" : "s");
}

}  // namespace

Result<std::int64_t> ParseLockPeriod(std::string_view text) {
  std::int64_t sum = 0;
  do {
    COFFER_ASSIGN(const std::int64_t part, TakePart(text));
    sum += part;
    if (sum > kLongestS) return Error{Code::kInvalid, "is longer than 8000 years"};
  } while (!text.empty());
  if (sum == 0) return Error{Code::kInvalid, "must be longer than nothing"};
  return sum;
}

Result<std::string> ParseLockMode(std::string_view text) {
  std::string mode = AsciiUpper(text);
  if (mode == "GOVERNANCE" || mode == "COMPLIANCE") return mode;
  return Error{Code::kInvalid, "is governance or compliance"};
}

Result<LockTerm> ParseLockTerm(std::string_view text) {
  const std::size_t colon = text.find(':');
  auto mode = ParseLockMode(text.substr(0, colon));
  if (!mode || colon == std::string_view::npos) {
    return Error{Code::kInvalid, "is MODE:DURATION, such as governance:30d or compliance:7y"};
  }
  COFFER_ASSIGN(const std::int64_t period_s, ParseLockPeriod(text.substr(colon + 1)));
  return LockTerm{*std::move(mode), period_s};
}

Result<std::int64_t> ParseLockDate(std::string_view text) {
  constexpr std::size_t kDaySize = 10;  // 2030-01-01
  const std::string moment =
      std::string(text) + (text.size() == kDaySize ? "T00:00:00Z" : std::string());
  const auto seconds = s3::ParseIsoDate(moment);
  if (seconds) return *seconds;
  return Error{Code::kInvalid, "is no date: 2030-01-01, or with a time 2030-01-01T12:00:00Z"};
}

std::string PeriodInWords(std::int64_t period_s) {
  const std::int64_t days = period_s / kDayS;
  const std::int64_t hours = period_s % kDayS / kHourS;
  const std::int64_t minutes = period_s % kHourS / kMinuteS;
  const std::int64_t seconds = period_s % kMinuteS;
  const auto two = [](std::int64_t a, std::string_view a_unit, std::int64_t b,
                      std::string_view b_unit) {
    return Counted(a, a_unit) + (b == 0 ? "" : " " + Counted(b, b_unit));
  };
  if (days > 0) return two(days, "day", hours, "hour");
  if (hours > 0) return two(hours, "hour", minutes, "minute");
  if (minutes > 0) return two(minutes, "minute", seconds, "second");
  return Counted(seconds, "second");
}

}  // namespace coffer::fs
