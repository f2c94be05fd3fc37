#include "tests/support/memory_search.h"

#include <cstdio>
#include <fstream>
#include <string_view>

namespace coffer::test {
namespace {

constexpr std::size_t kSkipped = 16;
constexpr unsigned long kLargest = 256ul << 20;

}  // namespace

int Masked::Copies() const {
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

// Byte by byte, and out of the sanitizers' sight: freed memory is looked at on purpose.
__attribute__((no_sanitize("address", "thread"))) int Masked::CopiesIn(const char* first,
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

}  // namespace coffer::test
