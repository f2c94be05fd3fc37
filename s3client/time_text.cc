#include "s3client/time_text.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace coffer::s3 {
namespace {

using std::chrono::seconds;

struct Broken {
  int year, month, day, hour, minute, second;
};

Broken Break(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(clock.hours().count()),
          static_cast<int>(clock.minutes().count()),
          static_cast<int>(clock.seconds().count())};
}

std::string Print(const char* format, WallTime time) {
  const Broken t = Break(time);
  char text[40];
  std::snprintf(text, sizeof text, format, t.year, t.month, t.day, t.hour, t.minute, t.second);
  return text;
}

std::optional<std::chrono::sys_seconds> Join(const Broken& t) {
  const std::chrono::year_month_day date{std::chrono::year(t.year),
                                         std::chrono::month(static_cast<unsigned>(t.month)),
                                         std::chrono::day(static_cast<unsigned>(t.day))};
  // 60: a leap second, which Unix time lacks
  if (!date.ok() || t.hour > 23 || t.minute > 59 || t.second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(t.hour) + std::chrono::minutes(t.minute) +
         seconds(t.second);
}

// Takes fixed numbers of digits and fixed characters off the front of a text.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  int Number(std::size_t digits) {
    int value = 0;
    if (rest_.size() < digits) return Fail();
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + digits, value);
    if (error != std::errc() || end != rest_.data() + digits || rest_[0] == '-') return Fail();
    rest_.remove_prefix(digits);
    return value;
  }
  void Expect(std::string_view text) {
    if (!Take(text)) Fail();
  }
  bool Take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  std::string_view Letters(std::size_t count) {
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(out.size());
    return out;
  }
  void SkipDigits() {
    while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9') rest_.remove_prefix(1);
  }
  bool Done() const { return ok_ && rest_.empty(); }

 private:
  int Fail() {
    ok_ = false;
    return 0;
  }
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::string CompactTime(WallTime time) { return Print("%04d%02d%02dT%02d%02d%02dZ", time); }
std::string IsoTime(WallTime time) { return Print("%04d-%02d-%02dT%02d:%02d:%02dZ", time); }

std::optional<WallTime> ParseIsoTime(std::string_view text) {
  Cursor in(text);
  Broken t{};
  t.year = in.Number(4);
  in.Expect("-");
  t.month = in.Number(2);
  in.Expect("-");
  t.day = in.Number(2);
  in.Expect("T");
  t.hour = in.Number(2);
  in.Expect(":");
  t.minute = in.Number(2);
  in.Expect(":");
  t.second = in.Number(2);
  if (in.Take(".")) in.SkipDigits();
  int east_minutes = 0;
  const bool plus = in.Take("+");
  if (plus || in.Take("-")) {
    const int hours = in.Number(2);
    in.Take(":");
    east_minutes = (hours * 60 + in.Number(2)) * (plus ? 1 : -1);
  } else {
    in.Take("Z");
  }
  const auto joined = Join(t);
  if (!in.Done() || !joined) return std::nullopt;
  return WallTime(*joined - std::chrono::minutes(east_minutes));
}

std::optional<std::int64_t> ParseHttpDate(std::string_view text) {
  constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Cursor in(text);
  Broken t{};
  in.Letters(3);
  in.Expect(", ");
  t.day = in.Number(2);
  in.Expect(" ");
  const auto month = in.Letters(3);
  for (std::size_t i = 0; i < kMonths.size(); ++i) {
    if (kMonths[i] == month) t.month = static_cast<int>(i) + 1;
  }
  in.Expect(" ");
  t.year = in.Number(4);
  in.Expect(" ");
  t.hour = in.Number(2);
  in.Expect(":");
  t.minute = in.Number(2);
  in.Expect(":");
  t.second = in.Number(2);
  in.Expect(" GMT");
  const auto joined = Join(t);
  if (!in.Done() || !joined) return std::nullopt;
  return joined->time_since_epoch().count();
}

}  // namespace coffer::s3
