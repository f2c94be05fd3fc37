// Looks for a text in the memory of this process: what was wiped is not found.

#pragma once

#include <cstddef>
#include <string>

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
  int Copies() const;

 private:
  static constexpr char kMask = 0x15;

  int CopiesIn(const char* first, const char* end) const;

  std::string masked_;
};

}  // namespace coffer::test
