// What stands behind an option's name: text to a typed field, with a complaint that says what to
// write instead. Pure functions.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "crypto/result.h"
#include "fs/options.h"

namespace coffer::fs {

// kInvalid without the option's name, which the caller puts in front: "is not a size: ...".
Result<std::uint64_t> ParseSize(std::string_view text);  // 512K, 8M, 1G, 1T; powers of 1024
Result<std::chrono::milliseconds> ParseDuration(
    std::string_view text);  // 5, 0.5, 200ms, 2m, 1h, 7d
Result<std::uint32_t> ParseMode(std::string_view text, std::uint32_t largest);  // octal
Result<std::uint64_t> ParseNumber(std::string_view text);
Result<bool> ParseSwitch(std::string_view text);  // true, yes, on, 1 and their opposites

// "indefinite" for a time-to-live: long, and still fits into nanoseconds.
inline constexpr std::chrono::milliseconds kIndefinite = std::chrono::hours(24 * 3650);
inline constexpr std::chrono::milliseconds kMinimal{100};

// The field that an option sets, and how its text is read.
struct TextSlot {
  std::string* field;
};
struct ListSlot {
  std::vector<std::string>* field;
};
struct ChoiceSlot {
  std::string* field;
  std::span<const std::string_view> choices;
};
struct SwitchSlot {
  bool* field = nullptr;
  bool on = true;  // what the bare option sets it to
};
struct SizeSlot {
  std::uint64_t* field;
  std::uint64_t least;
  std::uint64_t most;
};
struct CountSlot {
  std::size_t* field;
  std::size_t most;
};
struct DurationSlot {
  std::chrono::milliseconds* field;
};
struct DeadlineSlot {
  Deadline* field;
};
struct TtlSlot {
  std::chrono::milliseconds* field;
};
struct OptionalTtlSlot {
  std::optional<std::chrono::milliseconds>* field;
};
struct LockPeriodSlot {
  std::int64_t* field;  // seconds
};
struct ModeSlot {
  std::uint32_t* field = nullptr;
  std::uint32_t most = 07777;
};
struct IdSlot {
  std::optional<std::uint32_t>* field;
};
struct AttributeSlot {
  AttributeSource* field;
};
using Slot = std::variant<TextSlot, ListSlot, ChoiceSlot, SwitchSlot, SizeSlot, CountSlot,
                          DurationSlot, DeadlineSlot, TtlSlot, OptionalTtlSlot, LockPeriodSlot,
                          ModeSlot, IdSlot, AttributeSlot>;

// Reads `text` into the slot's field; a list takes one element more.
Status Assign(const Slot& slot, const std::string& text);

}  // namespace coffer::fs
