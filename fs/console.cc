#include "fs/console.h"

#include <algorithm>
#include <cstddef>

namespace coffer::fs {
namespace {

unsigned char ByteAt(std::string_view text, std::size_t at) {
  return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// The length of the UTF-8 character that begins at `at` and is fit for a terminal, else 0: no C0 or
// C1 control characters, no over-long forms, no surrogates.
std::size_t ShowableAt(std::string_view text, std::size_t at) {
  const unsigned char first = ByteAt(text, at);
  if (first < 0x80) return first >= 0x20 && first != 0x7f ? 1 : 0;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  const unsigned char second = ByteAt(text, at + 1);
  const bool bad_second = (first == 0xc2 && second < 0xa0) || (first == 0xe0 && second < 0xa0) ||
                          (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
                          (first == 0xf4 && second > 0x8f);
  if (bad_second) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((ByteAt(text, at + i) & 0xc0) != 0x80) return 0;
  }
  return size;
}

}  // namespace

std::string Printable(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string shown;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = ShowableAt(text, at);
    if (text[at] == '\\') {
      shown += "\\\\";
    } else if (size != 0) {
      shown += text.substr(at, size);
    } else {
      const unsigned char byte = ByteAt(text, at);
      shown += "\\x";
      shown += kHex[byte >> 4];
      shown += kHex[byte & 15];
    }
    at += std::max<std::size_t>(size, 1);
  }
  return shown;
}

bool Confirm(Console& console, std::string_view question) {
  if (!console.interactive) return false;
  console.err << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace coffer::fs
