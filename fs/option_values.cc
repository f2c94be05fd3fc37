#include "fs/option_values.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "crypto/ascii.h"
#include "fs/lock_duration.h"

namespace coffer::fs {
namespace {

Error Complaint(std::string what) { return {Code::kInvalid, std::move(what)}; }

// A decimal number at the start of `text`, what follows it in `rest`.
std::optional<double> Leading(std::string_view text, std::string* rest) {
  double value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  *rest = AsciiLower(text.substr(static_cast<std::size_t>(end - text.data())));
  return value;
}

Result<std::chrono::milliseconds> ParseTtl(std::string_view text) {
  if (text == "minimal") return kMinimal;
  if (text == "indefinite") return kIndefinite;
  auto duration = ParseDuration(text);
  if (!duration) return Complaint("takes seconds, minimal or indefinite");
  return *duration;
}

// 8388608 as "8M".
std::string ShownSize(std::uint64_t size) {
  std::size_t unit = 0;
  constexpr std::string_view kUnits = "BKMGTP";
  while (unit + 1 < kUnits.size() && size >= 1024 && size % 1024 == 0) {
    size /= 1024;
    ++unit;
  }
  return std::to_string(size) + (unit == 0 ? "" : std::string(1, kUnits[unit]));
}

template <typename T, typename U>
Status Store(T& field, Result<U> value) {
  if (!value) return std::move(value).error();
  field = static_cast<T>(*value);
  return Ok();
}

struct Assigner {
  const std::string& text;

  Status operator()(const TextSlot& slot) const {
    *slot.field = text;
    return Ok();
  }
  Status operator()(const ListSlot& slot) const {
    slot.field->push_back(text);
    return Ok();
  }
  Status operator()(const ChoiceSlot& slot) const {
    std::string all;
    for (const std::string_view choice : slot.choices) {
      if (choice == text) {
        *slot.field = text;
        return Ok();
      }
      all += (all.empty() ? "" : ", ") + std::string(choice);
    }
    return Complaint("is one of " + all);
  }
  Status operator()(const SwitchSlot& slot) const {
    COFFER_ASSIGN(const bool given, ParseSwitch(text));
    *slot.field = given == slot.on;
    return Ok();
  }
  Status operator()(const SizeSlot& slot) const {
    COFFER_ASSIGN(const std::uint64_t size, ParseSize(text));
    if (size < slot.least || size > slot.most) {
      return Complaint("must be from " + ShownSize(slot.least) + " to " + ShownSize(slot.most));
    }
    *slot.field = size;
    return Ok();
  }
  Status operator()(const CountSlot& slot) const {
    COFFER_ASSIGN(const std::uint64_t count, ParseNumber(text));
    if (count < 1 || count > slot.most)
      return Complaint("must be from 1 to " + std::to_string(slot.most));
    *slot.field = count;
    return Ok();
  }
  Status operator()(const DurationSlot& slot) const {
    COFFER_ASSIGN(const auto duration, ParseDuration(text));
    if (duration.count() == 0) return Complaint("must be longer than nothing");
    *slot.field = duration;
    return Ok();
  }
  Status operator()(const DeadlineSlot& slot) const {
    if (text == "forever") {
      slot.field->reset();
      return Ok();
    }
    auto duration = ParseDuration(text);
    if (!duration || duration->count() == 0) return Complaint("takes seconds or forever");
    *slot.field = *duration;
    return Ok();
  }
  Status operator()(const TtlSlot& slot) const { return Store(*slot.field, ParseTtl(text)); }
  Status operator()(const OptionalTtlSlot& slot) const {
    COFFER_ASSIGN(const auto ttl, ParseTtl(text));
    *slot.field = ttl;
    return Ok();
  }
  Status operator()(const LockPeriodSlot& slot) const {
    return Store(*slot.field, ParseLockPeriod(text));
  }
  Status operator()(const ModeSlot& slot) const {
    return Store(*slot.field, ParseMode(text, slot.most));
  }
  Status operator()(const IdSlot& slot) const {
    COFFER_ASSIGN(const std::uint64_t id, ParseNumber(text));
    // The last value means "no change" to chown(2) and is nobody's.
    if (id >= std::numeric_limits<std::uint32_t>::max())
      return Complaint("takes a number below 4294967295");
    *slot.field = static_cast<std::uint32_t>(id);
    return Ok();
  }
  Status operator()(const AttributeSlot& slot) const {
    if (text != "exact" && text != "list") return Complaint("is exact or list");
    *slot.field = text == "exact" ? AttributeSource::kExact : AttributeSource::kList;
    return Ok();
  }
};

}  // namespace

Result<std::uint64_t> ParseSize(std::string_view text) {
  std::string unit;
  const std::optional<double> number = Leading(text, &unit);
  if (unit.size() > 1 && unit.ends_with("ib")) unit.resize(1);
  double factor = 0;
  if (unit.empty() || unit == "b") factor = 1;
  for (const char c : {'k', 'm', 'g', 't', 'p'}) {
    if (unit == std::string(1, c)) factor = std::exp2(10 * (std::string_view("kmgtp").find(c) + 1));
  }
  if (!number || factor == 0) return Complaint("takes a size such as 512K, 8M or 1G");
  const double bytes = *number * factor;
  if (bytes > std::exp2(62)) return Complaint("takes less than 4096P");
  return static_cast<std::uint64_t>(bytes);
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  std::string unit;
  const std::optional<double> number = Leading(text, &unit);
  double factor = 0;
  if (unit.empty() || unit == "s") factor = 1e3;
  if (unit == "ms") factor = 1;
  if (unit == "m" || unit == "min") factor = 60e3;
  if (unit == "h") factor = 3600e3;
  if (unit == "d") factor = 86400e3;
  if (!number || factor == 0) return Complaint("takes seconds, such as 30, 0.5, 200ms or 5m");
  const double ms = *number * factor;
  if (ms > static_cast<double>(kIndefinite.count())) return Complaint("takes ten years at most");
  return std::chrono::milliseconds(static_cast<std::int64_t>(ms));
}

Result<std::uint32_t> ParseMode(std::string_view text, std::uint32_t largest) {
  std::uint32_t mode = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, mode, 8);
  if (text.empty() || parsed != end || error != std::errc() || mode > largest)
    return Complaint("takes an octal mode such as 0644");
  return mode;
}

Result<std::uint64_t> ParseNumber(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || parsed != end || error != std::errc()) return Complaint("takes a number");
  return number;
}

Result<bool> ParseSwitch(std::string_view text) {
  const std::string lower = AsciiLower(text);
  for (const std::string_view yes : {"true", "yes", "on", "1"})
    if (lower == yes) return true;
  for (const std::string_view no : {"false", "no", "off", "0"})
    if (lower == no) return false;
  return Complaint("is true or false");
}

Status Assign(const Slot& slot, const std::string& text) {
  return std::visit(Assigner{text}, slot);
}

}  // namespace coffer::fs
