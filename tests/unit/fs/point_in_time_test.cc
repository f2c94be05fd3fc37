#include "fs/point_in_time.h"

#include <stdlib.h>
#include <time.h>

#include <catch2/catch.hpp>

namespace coffer::fs::point_in_time_test {

constexpr std::int64_t kNow = 1'795'968'000;  // 2026-11-29T16:00:00Z

std::int64_t Parsed(std::string_view text) {
  const auto time = ParsePointInTime(text, kNow);
  INFO(text);
  REQUIRE(time);
  return *time;
}

TEST_CASE("point in time: dates with a zone") {
  CHECK(Parsed("2026-11-29T15:00:00Z") == kNow - 3600);
  CHECK(Parsed("2026-11-29T15:00:00.5Z") == kNow - 3600);
  CHECK(Parsed("2026-11-29 15:00Z") == kNow - 3600);
  CHECK(Parsed("2026-11-29T15Z") == kNow - 3600);
  CHECK(Parsed("2026-11-29T15:00:00+01:00") == kNow - 7200);
  CHECK(Parsed("2026-11-29 15:00:00 +0100") == kNow - 7200);
  CHECK(Parsed("2026-11-29T08:00-05") == kNow - 10'800);
}

TEST_CASE("point in time: dates without a zone are local") {
  const char* const old = getenv("TZ");
  const std::string saved = old == nullptr ? "" : old;
  REQUIRE(setenv("TZ", "XST-2", 1) == 0);  // two hours east
  tzset();
  CHECK(Parsed("2026-11-29T15:00:00") == kNow - 3600 - 7200);
  CHECK(Parsed("2026-11-29 15:00") == kNow - 3600 - 7200);
  CHECK(Parsed("2026-11-29") == kNow - 16 * 3600 - 7200);
  REQUIRE((old == nullptr ? unsetenv("TZ") : setenv("TZ", saved.c_str(), 1)) == 0);
  tzset();
}

TEST_CASE("point in time: ages and seconds since the epoch") {
  CHECK(Parsed("2h") == kNow - 7200);
  CHECK(Parsed("90m") == kNow - 5400);
  CHECK(Parsed("3d ago") == kNow - 3 * 86'400);
  CHECK(Parsed("1w") == kNow - 604'800);
  CHECK(Parsed("1s") == kNow - 1);
  CHECK(Parsed("@1700000000") == 1'700'000'000);
}

TEST_CASE("point in time: what is none, or not over") {
  for (const char* text : {"",
                           "h",
                           "2",
                           "2x",
                           "-2h",
                           "2hh",
                           "2h later",
                           "99999999h",
                           "@",
                           "@x",
                           "@-5",
                           "yesterday",
                           "2026-13-01",
                           "2026-11-31",
                           "2026-11-29T25:00",
                           "2026-11-29T15:00:00+",
                           "2026-11-29T15:00:00Zz",
                           "2026-11-29x15:00",
                           "20261129",
                           "2026-11-29T16:00:00Z",
                           "2026-11-29T16:00:01Z",
                           "0s",
                           "2030-01-01"}) {
    INFO(text);
    const auto time = ParsePointInTime(text, kNow);
    REQUIRE_FALSE(time);
    CHECK(time.error().code == Code::kInvalid);
  }
}

}  // namespace coffer::fs::point_in_time_test
