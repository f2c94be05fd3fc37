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
      const char* const first = reinterpret_cast<const char*>(begin);
      copies += CopiesIn({first, end - begin});
    }
    return copies;
  }

 private:
  static constexpr char kMask = 0x15;
  static constexpr std::size_t kSkipped = 16;
  static constexpr unsigned long kLargest = 256ul << 20;

  int CopiesIn(std::string_view memory) const {
    int copies = 0;
    for (auto from = memory.find(at(kSkipped)); from != std::string_view::npos;
         from = memory.find(at(kSkipped), from + 1)) {
      const std::size_t wanted = size() - kSkipped;
      std::size_t same = 1;
      while (same < wanted && from + same < memory.size() &&
             memory[from + same] == at(kSkipped + same)) {
        ++same;
      }
      if (same == wanted) ++copies;
    }
    return copies;
  }

  std::string masked_;
};

}  // namespace coffer::test
