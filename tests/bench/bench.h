// What the programs of the bench share: the clock, threads that take turns at numbered work, names
// of files and objects, and the line that each of them prints.

#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace coffer::bench {

using Clock = std::chrono::steady_clock;

inline double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Each of `threads` threads makes a worker by `make()` and calls it with numbers below `count`,
// each given out once, in order. What the first one throws is thrown here, after all have ended.
template <typename Make>
void Parallel(std::size_t threads, std::size_t count, Make make) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::exception_ptr failure;
  const auto run = [&] {
    try {
      auto work = make();
      for (std::size_t i = next++; i < count && !failed; i = next++) work(i);
    } catch (...) {
      if (!failed.exchange(true)) failure = std::current_exception();
    }
  };
  std::vector<std::thread> running;
  for (std::size_t i = 1; i < std::min(threads, count); ++i) running.emplace_back(run);
  run();
  for (std::thread& thread : running) thread.join();
  if (failure) std::rethrow_exception(failure);
}

// The name of small file number `i`, in one of `fan` directories unless that is 0.
inline std::string DirectoryName(std::size_t i, std::size_t fan) {
  char name[32];
  std::snprintf(name, sizeof name, "d%04zu", i % fan);
  return name;
}
inline std::string FileName(std::size_t i, std::size_t fan) {
  char name[32];
  std::snprintf(name, sizeof name, "f%06zu", i);
  return fan == 0 ? name : DirectoryName(i, fan) + "/" + name;
}

// Bytes that do not compress.
inline std::vector<char> Content(std::size_t size) {
  std::vector<char> out(size);
  std::uint64_t state = 88172645463325252u;
  for (char& c : out) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    c = static_cast<char>(state >> 32);
  }
  return out;
}

// 0 .. count-1, shuffled by `seed` unless that is 0.
inline std::vector<std::size_t> Order(std::size_t count, std::uint64_t seed) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  if (seed != 0) std::shuffle(order.begin(), order.end(), std::mt19937_64(seed));
  return order;
}

// `count` different blocks of a file of `size` bytes, as offsets, by `seed`.
inline std::vector<std::uint64_t> RandomOffsets(std::uint64_t size, std::uint64_t block,
                                                std::size_t count, std::uint64_t seed) {
  const std::uint64_t blocks = size / block;
  std::mt19937_64 random(seed);
  std::vector<bool> taken(blocks);
  std::vector<std::uint64_t> offsets;
  while (offsets.size() < std::min<std::uint64_t>(count, blocks)) {
    const std::uint64_t i = random() % blocks;
    if (taken[i]) continue;
    taken[i] = true;
    offsets.push_back(i * block);
  }
  return offsets;
}

// The arguments after the operation, in turn.
class Arguments {
 public:
  Arguments(int count, char** values) : rest_(values, values + count) {}
  std::string Text() {
    if (next_ == rest_.size()) throw std::runtime_error("an argument is missing");
    return rest_[next_++];
  }
  std::uint64_t Number() { return std::stoull(Text()); }
  std::uint64_t NumberOr(std::uint64_t otherwise) {
    return next_ == rest_.size() ? otherwise : Number();
  }

 private:
  std::vector<std::string> rest_;
  std::size_t next_ = 0;
};

struct Outcome {
  double seconds = 0;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;
};

inline void Print(const Outcome& outcome) {
  std::printf("{\"seconds\": %.6f, \"count\": %llu, \"bytes\": %llu}\n", outcome.seconds,
              static_cast<unsigned long long>(outcome.count),
              static_cast<unsigned long long>(outcome.bytes));
}

}  // namespace coffer::bench
