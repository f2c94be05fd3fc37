// Lookups: how many requests a failure costs, and which of two answers counts.

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test {
namespace {

using namespace std::chrono_literals;

// Counts how often it was read: every lookup does so once before it asks S3.
class CountingClock : public s3::FakeClock {
 public:
  s3::SteadyTime Steady() const override {
    ++reads_;
    return s3::FakeClock::Steady();
  }
  int reads() const { return reads_; }

 private:
  mutable std::atomic<int> reads_{0};
};

TEST_CASE("lookup: whoever waits for a listing shares its failure") {
  constexpr int kLookups = 8;
  FakeStore store;
  CountingClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  REQUIRE(volume.List(""));
  clock.Advance(2min);  // one listing renews it, and all who miss wait for that
  const int reads = clock.reads();
  std::atomic<int> lists{0};
  store.SetHook([&](Operation, std::string_view) -> std::optional<Fault> {
    ++lists;
    while (clock.reads() < reads + kLookups) std::this_thread::yield();
    return Fault{{Code::kTimeout, "no progress for 300 s"}};
  });
  std::atomic<int> failed{0};
  std::vector<std::thread> lookups;
  for (int i = 0; i < kLookups; ++i) {
    lookups.emplace_back([&, i] {
      const auto found = volume.Look("f" + std::to_string(i));
      if (!found && found.error().code == Code::kTimeout) ++failed;
    });
  }
  for (auto& lookup : lookups) lookup.join();
  CHECK(failed == kLookups);
  // The first began before the others asked; they share the second. (A third is for one that was
  // held up between its question and its wait.)
  CHECK(lists >= 2);
  CHECK(lists <= 3);
}

}  // namespace
}  // namespace coffer::test
