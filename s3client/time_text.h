// Moments as the services write them: ISO 8601, HTTP dates, and the compact form of signatures.
//
// Pure functions, safe from any thread; always UTC, never the locale.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "s3client/clock.h"

namespace coffer::s3 {

std::string CompactTime(WallTime time);  // "20130524T000000Z"
std::string IsoTime(WallTime time);      // "2013-05-24T00:00:00Z"

// "2013-05-24T00:00:00[.123][Z|+hh:mm|-hh:mm]"; nothing for anything else.
std::optional<WallTime> ParseIsoTime(std::string_view text);
// The Date and Last-Modified headers: "Fri, 24 May 2013 00:00:00 GMT", seconds since the epoch.
std::optional<std::int64_t> ParseHttpDate(std::string_view text);

}  // namespace coffer::s3
