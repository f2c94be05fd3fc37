#include "s3client/time_text.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace coffer::s3 {
namespace {

using std::chrono::seconds;

struct Broken {
  int year, month, day, hour, minute, second;
};

Broken Break(std::chrono::sys_seconds time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

std::string Print(const char* format, std::chrono::sys_seconds time) {
  const Broken t = Break(time);
  char text[40];
  const int size =
      std::snprintf(text, sizeof text, format, t.year, t.month, t.day, t.hour, t.minute, t.second);
  return std::string(text, static_cast<std::size_t>(std::clamp(size, 0, 39)));
}

}  // namespace

std::string CompactTime(WallTime time) {
  return Print("%04d%02d%02dT%02d%02d%02dZ", std::chrono::floor<seconds>(time));
}

std::string IsoTime(WallTime time) {
  return IsoTime(std::chrono::floor<seconds>(time).time_since_epoch().count());
}

std::string IsoTime(std::int64_t since_epoch) {
  constexpr std::int64_t kFirst = -62'167'219'200;  // 0000-01-01T00:00:00Z
  constexpr std::int64_t kLast = 253'402'300'799;   // 9999-12-31T23:59:59Z
  const seconds time(std::clamp(since_epoch, kFirst, kLast));
  return Print("%04d-%02d-%02dT%02d:%02d:%02dZ", std::chrono::sys_seconds(time));
}

}  // namespace coffer::s3
