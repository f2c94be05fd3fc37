// Text as protocols know it: letter case and white space of ASCII alone, whatever the locale.

#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

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

// Without the white space at both ends.
constexpr std::string_view Trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// "a, b, c"
inline std::string Joined(const std::vector<std::string>& words, std::string_view between = ", ") {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

}  // namespace coffer
