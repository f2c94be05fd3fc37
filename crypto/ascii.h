// Letter case as protocols know it: A to Z alone, whatever the locale.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace coffer {

constexpr char AsciiLower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr char AsciiUpper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

inline std::string AsciiLower(std::string_view text) {
  std::string lower(text);
  std::transform(text.begin(), text.end(), lower.begin(), [](char c) { return AsciiLower(c); });
  return lower;
}
inline std::string AsciiUpper(std::string_view text) {
  std::string upper(text);
  std::transform(text.begin(), text.end(), upper.begin(), [](char c) { return AsciiUpper(c); });
  return upper;
}

}  // namespace coffer
