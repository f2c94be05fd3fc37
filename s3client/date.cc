#include "s3client/date.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace coffer::s3 {
namespace {

// Takes exactly `width` digits from the front.
std::optional<int> TakeNumber(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int number = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return number;
}

bool Take(std::string_view& text, std::string_view expected) {
  if (text.substr(0, expected.size()) != expected) return false;
  text.remove_prefix(expected.size());
  return true;
}

// hh:mm:ss as seconds; a leap second counts as the one before.
std::optional<std::int64_t> TakeTimeOfDay(std::string_view& text) {
  const auto hour = TakeNumber(text, 2);
  if (!hour || *hour > 23 || !Take(text, ":")) return std::nullopt;
  const auto minute = TakeNumber(text, 2);
  if (!minute || *minute > 59 || !Take(text, ":")) return std::nullopt;
  const auto second = TakeNumber(text, 2);
  if (!second || *second > 60) return std::nullopt;
  return *hour * 3600 + *minute * 60 + (*second == 60 ? 59 : *second);
}

std::optional<std::int64_t> DayStart(int year, int month, int day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * std::int64_t{86400};
}

std::optional<int> TakeMonthName(std::string_view& text) {
  constexpr std::array<std::string_view, 12> kNames = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (Take(text, kNames[i])) return static_cast<int>(i) + 1;
  }
  return std::nullopt;
}

// "Z", "+hh:mm", "-hhmm": seconds east of Greenwich; nothing may follow.
std::optional<std::int64_t> ParseZone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool west = text.substr(0, 1) == "-";
  if (!west && text.substr(0, 1) != "+") return std::nullopt;
  text.remove_prefix(1);
  const auto hours = TakeNumber(text, 2);
  Take(text, ":");
  const auto minutes = TakeNumber(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59 || !text.empty()) return std::nullopt;
  const std::int64_t east = *hours * 3600 + *minutes * 60;
  return west ? -east : east;
}

}  // namespace

std::optional<std::int64_t> ParseHttpDate(std::string_view text) {
  const auto comma = text.find(", ");
  if (comma == std::string_view::npos) return std::nullopt;
  text.remove_prefix(comma + 2);
  const auto day = TakeNumber(text, 2);
  if (!day || !Take(text, " ")) return std::nullopt;
  const auto month = TakeMonthName(text);
  if (!month || !Take(text, " ")) return std::nullopt;
  const auto year = TakeNumber(text, 4);
  if (!year || !Take(text, " ")) return std::nullopt;
  const auto time = TakeTimeOfDay(text);
  const auto midnight = DayStart(*year, *month, *day);
  if (!time || !midnight || text != " GMT") return std::nullopt;
  return *midnight + *time;
}

std::optional<std::int64_t> ParseIsoDate(std::string_view text) {
  const auto year = TakeNumber(text, 4);
  if (!year || !Take(text, "-")) return std::nullopt;
  const auto month = TakeNumber(text, 2);
  if (!month || !Take(text, "-")) return std::nullopt;
  const auto day = TakeNumber(text, 2);
  if (!day || !Take(text, "T")) return std::nullopt;
  const auto time = TakeTimeOfDay(text);
  const auto midnight = DayStart(*year, *month, *day);
  if (!time || !midnight) return std::nullopt;
  if (Take(text, ".")) {
    int digits = 0;
    while (TakeNumber(text, 1)) ++digits;
    if (digits < 1 || digits > 9) return std::nullopt;
  }
  const auto zone = ParseZone(text);
  if (!zone) return std::nullopt;
  return *midnight + *time - *zone;
}

std::optional<WallTime> ParseIsoMoment(std::string_view text) {
  using std::chrono::seconds;
  const auto parsed = ParseIsoDate(text);
  if (!parsed) return std::nullopt;
  return WallTime(std::clamp(seconds(*parsed),
                             std::chrono::ceil<seconds>(WallTime::min().time_since_epoch()),
                             std::chrono::floor<seconds>(WallTime::max().time_since_epoch())));
}

}  // namespace coffer::s3
