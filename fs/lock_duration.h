// How long and how hard files are locked, as people write it: "30d", "compliance:7y",
// "2030-01-01". Pure functions.
//
// The units are rclone's, in which case matters: s, m (minutes), h, d, w, M (30 days), y (365
// days). A number needs one, since nobody can tell 30 seconds from 30 days. Whoever counts in
// calendar months names the date.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/result.h"

namespace coffer::fs {

inline constexpr std::int64_t kDayS = 86'400;

struct LockTerm {
  std::string mode = {};  // "GOVERNANCE", "COMPLIANCE": as the service writes them
  std::int64_t period_s = 0;

  friend bool operator==(const LockTerm&, const LockTerm&) = default;
};

// Each fails with kInvalid and a complaint that goes after the name of what was given: "is no
// duration: ...".

// Whole numbers with units, in any number and summed: "30d", "1y6M", "1h30m". More than nothing.
Result<std::int64_t> ParseLockPeriod(std::string_view text);
// "governance" or "compliance", in any case.
Result<std::string> ParseLockMode(std::string_view text);
// "MODE:DURATION".
Result<LockTerm> ParseLockTerm(std::string_view text);
// A moment of ISO 8601, "2030-01-01T00:00:00Z", or a day, which stands for its begin in UTC:
// seconds since the epoch.
Result<std::int64_t> ParseLockDate(std::string_view text);

// For people, in at most two units: "400 days", "1 day 2 hours", "90 seconds".
std::string PeriodInWords(std::int64_t period_s);

}  // namespace coffer::fs
