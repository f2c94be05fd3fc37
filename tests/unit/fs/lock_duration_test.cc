#include "fs/lock_duration.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

namespace coffer::fs::lock_duration_test {

constexpr std::int64_t kDay = 86'400;

TEST_CASE("lock_duration: units are rclone's, and case tells minutes from months") {
  CHECK(ParseLockPeriod("90s").value() == 90);
  CHECK(ParseLockPeriod("5m").value() == 300);
  CHECK(ParseLockPeriod("12h").value() == 12 * 3600);
  CHECK(ParseLockPeriod("30d").value() == 30 * kDay);
  CHECK(ParseLockPeriod("2w").value() == 14 * kDay);
  CHECK(ParseLockPeriod("1M").value() == 30 * kDay);
  CHECK(ParseLockPeriod("7y").value() == 7 * 365 * kDay);
  CHECK(ParseLockPeriod("1y6M").value() == (365 + 180) * kDay);
  CHECK(ParseLockPeriod("1h30m").value() == 5400);
}

TEST_CASE("lock_duration: what could be misread is refused") {
  for (const char* text : {"", "30", "d", "30D", "30days", "1.5d", "-1d", "+1d", "1d ", " 1d", "0d",
                           "0s0m", "1d-1h", "1d2", "99999999999999999999d"}) {
    INFO(text);
    const auto period = ParseLockPeriod(text);
    REQUIRE_FALSE(period);
    CHECK(period.error().code == Code::kInvalid);
  }
}

TEST_CASE("lock_duration: sums do not overflow") {
  const std::string largest = std::to_string(std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(ParseLockPeriod(largest + "y"));
  CHECK_FALSE(ParseLockPeriod("8001y"));
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "8000y";
  CHECK_FALSE(ParseLockPeriod(many));
}

TEST_CASE("lock_duration: a term is a mode and a duration") {
  CHECK(ParseLockTerm("governance:30d").value() == LockTerm{"GOVERNANCE", 30 * kDay});
  CHECK(ParseLockTerm("COMPLIANCE:7y").value() == LockTerm{"COMPLIANCE", 7 * 365 * kDay});
  for (const char* text : {"", "governance", "governance:", ":30d", "30d", "hold:30d",
                           "governance:30", "governance:30d:1d"}) {
    INFO(text);
    CHECK_FALSE(ParseLockTerm(text));
  }
}

TEST_CASE("lock_duration: a date is a moment or the begin of a day") {
  CHECK(ParseLockDate("1970-01-02").value() == kDay);
  CHECK(ParseLockDate("1970-01-02T00:00:01Z").value() == kDay + 1);
  CHECK(ParseLockDate("1970-01-02T01:00:00+01:00").value() == kDay);
  for (const char* text : {"", "tomorrow", "2030-13-01", "2030-02-30", "01.02.2030", "2030-1-1",
                           "2030-01-01T12:00:00", "30d"}) {
    INFO(text);
    CHECK_FALSE(ParseLockDate(text));
  }
}

TEST_CASE("lock_duration: in words") {
  CHECK(PeriodInWords(90 * kDay) == "90 days");
  CHECK(PeriodInWords(kDay + 7200 + 5) == "1 day 2 hours");
  CHECK(PeriodInWords(3660) == "1 hour 1 minute");
  CHECK(PeriodInWords(61) == "1 minute 1 second");
  CHECK(PeriodInWords(0) == "0 seconds");
}

}  // namespace coffer::fs::lock_duration_test
