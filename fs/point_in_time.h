// A moment in the past as people write it. A pure function of text, the time now and the machine's
// time zone.

#pragma once

#include <cstdint>
#include <string_view>

#include "crypto/result.h"

namespace coffer::fs {

// Seconds since the epoch for "2026-11-29T16:00:00Z", "2026-11-29 16:00", "2026-11-29" (its first
// moment), with Z or an offset, else in the machine's time zone; "@1795968000"; "90m", "2h", "3d",
// "1w" or "2h ago" before `now_s`. kInvalid for anything else, and for what is not over yet.
Result<std::int64_t> ParsePointInTime(std::string_view text, std::int64_t now_s);

}  // namespace coffer::fs
