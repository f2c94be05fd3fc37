#include "s3client/date.h"

#include <catch2/catch.hpp>

namespace coffer::s3::date_test {

TEST_CASE("date: HTTP dates, and nothing that merely resembles one") {
  CHECK(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
  CHECK(ParseHttpDate("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
  for (const char* text : {"", "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT",
                           "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
                           "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 GMT ",
                           "1994-11-06T08:49:37Z"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseHttpDate(text));
  }
}

TEST_CASE("date: ISO dates with up to nine digits of fraction, and zones") {
  for (const char* text :
       {"1994-11-06T08:49:37Z", "1994-11-06T08:49:37.0Z", "1994-11-06T08:49:37.000000000Z",
        "1994-11-06T09:49:37+01:00", "1994-11-06T08:19:37.5-0030"}) {
    CAPTURE(text);
    CHECK(ParseIsoDate(text) == 784111777);
  }
  CHECK(ParseIsoDate("2120-01-01T00:00:00Z") == 4733510400);
  for (const char* text : {"", "1994-11-06", "1994-11-06T08:49:37", "1994-11-06T08:49:37.Z",
                           "1994-11-06T08:49:37.0000000000Z", "1994-13-06T08:49:37Z",
                           "1994-11-06 08:49:37Z", "1994-11-06T08:49:37Zx"}) {
    CAPTURE(text);
    CHECK_FALSE(ParseIsoDate(text));
  }
}

TEST_CASE("date: a moment beyond what the clock can tell is the last that it can") {
  CHECK(*ParseIsoMoment("1994-11-06T08:49:37Z") == WallTime(std::chrono::seconds(784111777)));
  const auto last = ParseIsoMoment("9999-12-31T23:59:59Z");
  REQUIRE(last);
  CHECK(*last > *ParseIsoMoment("2262-04-11T23:47:15Z"));
  CHECK(*last == *ParseIsoMoment("2262-04-11T23:47:17Z"));
  const auto first = ParseIsoMoment("1000-01-01T00:00:00Z");
  REQUIRE(first);
  CHECK(*first < *ParseIsoMoment("1678-01-01T00:00:00Z"));
  CHECK_FALSE(ParseIsoMoment("tomorrow"));
}

}  // namespace coffer::s3::date_test
