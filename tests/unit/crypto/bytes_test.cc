#include "crypto/bytes.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

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

// Each buffer holds its own byte everywhere, from several threads that free and take all the time.
TEST_CASE("bytes: large buffers that are taken again belong to one") {
  constexpr std::size_t kMiB = 1u << 20;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      std::vector<Bytes> held(3);
      for (int i = 0; i < 60; ++i) {
        Bytes& buffer = held[static_cast<std::size_t>(i) % held.size()];
        buffer = Bytes();
        buffer.resize(3 * kMiB + static_cast<std::size_t>(i % 7) * kMiB);
        const auto mark = static_cast<std::byte>(t * 60 + i);
        std::memset(buffer.data(), std::to_integer<int>(mark), buffer.size());
        std::this_thread::yield();
        const bool whole = std::all_of(buffer.begin(), buffer.end(),
                                       [mark](std::byte byte) { return byte == mark; });
        if (!whole) ++wrong;
        for (const Bytes& other : held) {
          if (!other.empty() && other.front() != other.back()) ++wrong;
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace coffer::bytes_test
