#include "tests/fuzz/fuzz.h"

#include <algorithm>
#include <stdexcept>

namespace coffer::test {
namespace {

constexpr FuzzTarget kTargets[] = {
    {"attributes", FuzzAttributes},
    {"config", FuzzConfig},
    {"descriptor", FuzzDescriptor},
    {"encoding", FuzzEncoding},
    {"errors", FuzzErrors},
    {"header", FuzzHeader},
    {"keys", FuzzKeys},
    {"kms", FuzzKms},
    {"layout", FuzzLayout},
    {"listing", FuzzListing},
    {"message", FuzzMessage},
    {"metadata", FuzzMetadata},
    {"name_tag", FuzzNameTag},
    {"object", FuzzObject},
    {"options", FuzzOptions},
    {"replies", FuzzReplies},
    {"state", FuzzState},
    {"target", FuzzTargetAddress},
};

}  // namespace

std::span<const FuzzTarget> FuzzTargets() { return kTargets; }

void Must(bool holds, const std::string& property) {
  if (!holds) throw std::logic_error("it does not hold that " + property);
}

std::string Pieces::Line() {
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  std::string line(Take(end));
  Take(1);
  return line;
}

std::string_view Pieces::Take(std::size_t size) {
  const std::string_view taken = rest_.substr(0, size);
  rest_.remove_prefix(taken.size());
  return taken;
}

std::uint64_t Pieces::Integer(std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : Take(bytes)) value = value << 8 | static_cast<std::uint8_t>(c);
  return value;
}

}  // namespace coffer::test
