// The two spellings of time that the services use. Pure functions of untrusted text.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "s3client/clock.h"

namespace coffer::s3 {

// "Sun, 06 Nov 1994 08:49:37 GMT" as seconds since the epoch.
std::optional<std::int64_t> ParseHttpDate(std::string_view text);

// "1994-11-06T08:49:37Z", with 0 to 9 digits of fraction (dropped) and Z or an offset.
std::optional<std::int64_t> ParseIsoDate(std::string_view text);

// The same as a moment that the clock can reach: what lies beyond is the last, or the first, that
// it can.
std::optional<WallTime> ParseIsoMoment(std::string_view text);

}  // namespace coffer::s3
