// Fuzz targets: one parser each, fed with any bytes, and what must be true of it then.
//
// A target crashes, or breaks a property by Must. `make fuzz` drives them by libFuzzer under the
// sanitizers (tests/fuzz/driver.cc); the unit tests replay the corpus (tests/fuzz/replay_test.cc).
// Targets keep nothing between two inputs and do the same for the same bytes.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "crypto/bytes.h"

namespace coffer::test {

struct FuzzTarget {
  std::string_view name;  // also of its corpus below tests/fuzz/corpus/
  void (*run)(ByteView input);
};
std::span<const FuzzTarget> FuzzTargets();

// Throws, with the property in words, when it does not hold.
void Must(bool holds, const std::string& property);

// Takes an input apart from its front. What is not there any more is zero, or empty.
class Pieces {
 public:
  explicit Pieces(ByteView input) : rest_(AsText(input)) {}

  bool done() const { return rest_.empty(); }
  std::uint8_t Byte() { return static_cast<std::uint8_t>(Integer(1)); }
  std::uint32_t Word() { return static_cast<std::uint32_t>(Integer(4)); }
  std::uint64_t Long() { return Integer(8); }
  // A length in one byte, and so many bytes.
  std::string Text() { return std::string(Take(Byte())); }
  // Up to the next line's end, without it.
  std::string Line();
  std::string Rest() { return std::string(Take(rest_.size())); }

 private:
  std::string_view Take(std::size_t size);
  std::uint64_t Integer(std::size_t bytes);
  std::string_view rest_;
};

// In the file of the same name.
void FuzzAttributes(ByteView input);
void FuzzConfig(ByteView input);
void FuzzDescriptor(ByteView input);
void FuzzEncoding(ByteView input);
void FuzzErrors(ByteView input);
void FuzzHeader(ByteView input);
void FuzzKeys(ByteView input);
void FuzzKms(ByteView input);
void FuzzLayout(ByteView input);
void FuzzListing(ByteView input);
void FuzzMessage(ByteView input);
void FuzzMetadata(ByteView input);
void FuzzNameTag(ByteView input);
void FuzzObject(ByteView input);
void FuzzOptions(ByteView input);
void FuzzReplies(ByteView input);
void FuzzState(ByteView input);
void FuzzTargetAddress(ByteView input);

}  // namespace coffer::test
