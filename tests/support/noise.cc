#include "tests/support/noise.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>

namespace coffer::test {

std::string Noise(std::size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random();
    std::memcpy(text.data() + i, &word, std::min<std::size_t>(8, size - i));
  }
  return text;
}

}  // namespace coffer::test
