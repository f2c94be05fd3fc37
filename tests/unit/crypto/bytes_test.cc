#include "crypto/bytes.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::bytes_test {

TEST_CASE("bytes: what is appended is at the end, as often as it comes") {
  Bytes bytes;
  Append(bytes, {});
  CHECK(bytes.empty());
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<std::size_t>(i * 7), static_cast<char>('a' + i % 26));
    Append(bytes, AsBytes(piece));
    expected += piece;
  }
  CHECK(AsText(bytes) == expected);
}

}  // namespace coffer::bytes_test
