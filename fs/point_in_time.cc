#include "fs/point_in_time.h"

#include <charconv>
#include <ctime>
#include <optional>
#include <string>

#include "s3client/date.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kDate = 10;  // "2026-11-29"

std::optional<std::int64_t> TakeNumber(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// "3d" and "3d ago" in seconds.
std::optional<std::int64_t> ParseAge(std::string_view text) {
  constexpr std::int64_t kMost = 1'000'000;  // of any unit
  if (text.ends_with(" ago")) text.remove_suffix(4);
  const auto number = TakeNumber(text);
  if (!number || *number > kMost || text.size() != 1) return std::nullopt;
  switch (text.front()) {
    case 's':
      return *number;
    case 'm':
      return *number * 60;
    case 'h':
      return *number * 3600;
    case 'd':
      return *number * 86'400;
    case 'w':
      return *number * 604'800;
    default:
      return std::nullopt;
  }
}

bool HasZone(std::string_view time) { return time.find_first_of("Zz+-") != std::string_view::npos; }

// Read as if it was UTC, in the machine's zone.
std::optional<std::int64_t> FromLocal(std::int64_t as_utc) {
  const std::time_t time = as_utc;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return std::nullopt;
  parts.tm_isdst = -1;
  const std::time_t there = std::mktime(&parts);
  if (there == -1) return std::nullopt;
  return there;
}

// What ParseIsoDate wants: seconds, 'T', a zone.
std::optional<std::int64_t> ParseDate(std::string_view text) {
  std::string date(text.substr(0, kDate));
  std::string_view rest = text.substr(date.size());
  if (rest.empty()) rest = "T00:00";
  if (rest.front() != 'T' && rest.front() != ' ') return std::nullopt;
  rest.remove_prefix(1);
  const bool zoned = HasZone(rest);
  const std::size_t end = zoned ? rest.find_first_of("Zz+-") : rest.size();
  std::string time(rest.substr(0, end));
  std::string zone(rest.substr(end));
  while (time.ends_with(' ')) time.pop_back();
  if (time.size() == 2) time += ":00";
  if (time.size() == 5) time += ":00";
  if (zone.empty() || zone == "z") zone = "Z";
  if (zone.size() == 3) zone += ":00";
  const auto parsed = s3::ParseIsoDate(date + "T" + time + zone);
  if (!parsed || zoned) return parsed;
  return FromLocal(*parsed);
}

std::optional<std::int64_t> Parse(std::string_view text, std::int64_t now_s) {
  if (text.starts_with('@')) {
    text.remove_prefix(1);
    const auto seconds = TakeNumber(text);
    return text.empty() ? seconds : std::nullopt;
  }
  if (const auto age = ParseAge(text)) return now_s - *age;
  return ParseDate(text);
}

}  // namespace

Result<std::int64_t> ParsePointInTime(std::string_view text, std::int64_t now_s) {
  const auto time = Parse(text, now_s);
  if (!time) {
    return Error{Code::kInvalid, "'" + std::string(text) +
                                     "' is no time: write 2026-11-29T16:00:00Z, \"2026-11-29 "
                                     "16:00\" (local time), @SECONDS, or 90m, 2h, 3d, 1w ago"};
  }
  // Versions of the running second may still come.
  if (*time >= now_s) {
    return Error{Code::kInvalid, "'" + std::string(text) + "' is not over yet: it is " +
                                     s3::IsoTime(now_s) + " on the server"};
  }
  return *time;
}

}  // namespace coffer::fs
