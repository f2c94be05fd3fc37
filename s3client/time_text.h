// Moments as the services want them written. s3client/date.h reads them.
//
// Pure functions, safe from any thread; always UTC, never the locale.

#pragma once

#include <cstdint>
#include <string>

#include "s3client/clock.h"

namespace coffer::s3 {

std::string CompactTime(WallTime time);  // "20130524T000000Z"
std::string IsoTime(WallTime time);      // "2013-05-24T00:00:00Z"
// The same of seconds since the epoch, which reach further; years 0 to 9999, else the nearest.
std::string IsoTime(std::int64_t seconds);

}  // namespace coffer::s3
