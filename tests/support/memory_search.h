// Looks for a text in the memory of this process: what was wiped is not found.

#pragma once

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>

namespace coffer::test {

// A text that does not lie in memory as it is, so that a search finds only other copies of it.
class Masked {
 public:
  // Adds a letter; the text is built letter by letter.
  void Add(char c) { masked_ += static_cast<char>(c ^ kMask); }
  std::size_t size() const { return masked_.size(); }
  char at(std::size_t i) const { return static_cast<char>(masked_[i] ^ kMask); }

  // How often the text stands in writable memory, the mappings of sanitizers left out. Its first 16
  // letters do not count: where memory was freed, the allocator has overwritten them.
  int Copies() const {
    int copies = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      unsigned long begin = 0;
      unsigned long end = 0;
      char mode[5] = "";
      if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, mode) != 3) continue;
      if (std::string_view(mode) != "rw-p" || end - begin > kLargest) continue;
      copies += CopiesIn(reinterpret_cast<const char*>(begin), reinterpret_cast<const char*>(end));
    }
    return copies;
  }

 private:
  static constexpr char kMask = 0x15;
  static constexpr std::size_t kSkipped = 16;
  static constexpr unsigned long kLargest = 256ul << 20;

  // Byte by byte, and out of the sanitizers' sight: freed memory is looked at on purpose.
  __attribute__((no_sanitize("address", "thread"))) int CopiesIn(const char* first,
                                                                 const char* end) const {
    const std::size_t wanted = size() - kSkipped;
    const char letter = at(kSkipped);
    int copies = 0;
    for (; first + wanted <= end; ++first) {
      if (*first != letter) continue;
      std::size_t same = 1;
      while (same < wanted && first[same] == at(kSkipped + same)) ++same;
      if (same == wanted) ++copies;
    }
    return copies;
  }

  std::string masked_;
};

}  // namespace coffer::test
