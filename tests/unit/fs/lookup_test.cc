// Lookups: how many requests a failure costs, and which of two answers counts.

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::lookup_test {

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

// LISTs that `count` lookups of other names cost, nothing under way after each.
int ListsOfLookups(FakeStore& store, Volume& volume, int from, int count) {
  const int before = store.count(Operation::kList);
  for (int i = from; i < from + count; ++i) {
    REQUIRE(volume.Look("d/" + std::to_string(i * 7)));
    MustEnd([&] { Quiesce(volume.pool()); });
  }
  return store.count(Operation::kList) - before;
}

TEST_CASE("lookup: a directory of several pages is listed once that pays") {
  FakeStore store;
  for (int i = 0; i < 2'500; ++i) store.Plant("d/" + std::to_string(i), "x");
  store.AdvanceTime(10);
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  SECTION("in any order, from nothing") {
    // The directory; three names; a page that is not all of it; names, and then all three pages.
    CHECK(ListsOfLookups(store, volume, 0, 20) <= 1 + 3 + 1 + 4 + 3);
    CHECK(ListsOfLookups(store, volume, 20, 100) == 0);
    clock.Advance(2min);
    CHECK(ListsOfLookups(store, volume, 120, 100) <= 1 + 6 + 3);  // two for each page
    CHECK(ListsOfLookups(store, volume, 220, 100) == 0);
  }
  SECTION("after it was read") {
    REQUIRE(volume.List("d"));
    clock.Advance(2min);
    CHECK(ListsOfLookups(store, volume, 0, 5) <= 1 + 5);  // not for a few
    CHECK(ListsOfLookups(store, volume, 5, 10) <= 1 + 3);
    CHECK(ListsOfLookups(store, volume, 20, 100) == 0);
  }
  SECTION("a listing that fails is not told to who asks for a name") {
    REQUIRE(ListsOfLookups(store, volume, 0, 4) > 0);
    std::atomic<int> refused{0};
    store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
      if (operation != Operation::kList || key != "d/") return std::nullopt;
      ++refused;
      return Fault{{Code::kTimeout, "no progress for 300 s"}};
    });
    const int lists = ListsOfLookups(store, volume, 4, 20);
    CHECK(lists == 20 + refused);
    CHECK(refused > 0);
    CHECK(refused <= 6);  // tried again only when as many more have missed
  }
}

// A listing of three pages, each of which takes `page` of the minute that it is good for.
struct SlowPages {
  explicit SlowPages(std::chrono::seconds page) {
    for (int i = 1'000; i < 3'500; ++i) store.Plant("d/" + std::to_string(i), "x");
    store.AdvanceTime(10);
    REQUIRE(volume.List("d"));
    clock.Advance(2min);
    store.SetHook([this, page](Operation operation, std::string_view key) {
      if (operation == Operation::kList && key == "d/") {
        clock.Advance(page);
        if (++pages == 2) store.Plant("d/0", "made behind the first page");
      }
      return std::optional<Fault>();
    });
    for (int i = 1'000; i < 1'040; ++i) Look(std::to_string(i));
  }
  bool Look(const std::string& name) {
    const bool found = volume.Look("d/" + name).has_value();
    MustEnd([&] { Quiesce(volume.pool()); });
    return found;
  }
  s3::FakeClock clock;
  FakeStore store;
  Volume volume{store, LongTtl(), {.clock = &clock}};
  std::atomic<int> pages{0};
};

TEST_CASE("lookup: pages are good for the time to live of the first of them") {
  SlowPages slow(20s);
  CHECK(slow.pages == 3);
  CHECK_FALSE(slow.Look("0"));
  slow.clock.Advance(21s);
  CHECK(slow.Look("0"));
}

TEST_CASE(
    "lookup: pages that are old before the last is here answer nothing, and are not asked for "
    "again") {
  SlowPages slow(31s);
  CHECK(slow.pages == 3);
  CHECK(slow.Look("0"));
  for (int i = 1'040; i < 1'100; ++i) CHECK(slow.Look(std::to_string(i)));
  CHECK(slow.pages == 3);
}

TEST_CASE("lookup: a directory that is too large is not listed for lookups") {
  FakeStore store;
  for (int i = 0; i < 17'001; ++i) store.Plant("d/" + std::to_string(i), "x");
  store.AdvanceTime(10);
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  // Each name by itself; and 1, 4, 10 and 16 pages that were not all of it.
  CHECK(ListsOfLookups(store, volume, 0, 300) <= 1 + 300 + 31);
  CHECK(ListsOfLookups(store, volume, 300, 100) == 100);
}

TEST_CASE("lookup: a directory that is being read stays listed, also while all is known ahead") {
  FakeStore store;
  for (int i = 10; i < 50; ++i) store.Plant("d/" + std::to_string(i), "x");
  store.AdvanceTime(10);
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  const auto stream = volume.fs().OpenDirectory(directory->node);
  REQUIRE(
      volume.fs().ReadDirectory(*stream, 0, false, [](const fs::DirectoryEntry&) { return true; }));
  SECTION("for who goes through it") {
    store.ResetCounters();
    for (int i = 10; i < 18; ++i) {
      clock.Advance(36s);  // of a minute that a listing is good for
      CHECK(volume.fs().Lookup(directory->node, std::to_string(i)));
      MustEnd([&] { Quiesce(volume.pool()); });
    }
    CHECK(store.count(Operation::kList) == 0);
  }
  SECTION("not for who waits for a name to come") {
    store.Plant("d/later", "x");
    clock.Advance(36s);
    CHECK_FALSE(volume.fs().Lookup(directory->node, "later"));
    clock.Advance(36s);
    CHECK(volume.fs().Lookup(directory->node, "later"));
  }
  volume.fs().ReleaseDirectory(*stream);
}

// The pool does nothing else until this goes.
class BusyPool {
 public:
  explicit BusyPool(fs::WorkerPool& pool) {
    pool.Submit([this] {
      std::unique_lock lock(mu_);
      freed_.wait(lock, [this] { return free_; });
      gone_ = true;
      freed_.notify_all();
    });
  }
  ~BusyPool() {
    std::unique_lock lock(mu_);
    free_ = true;
    freed_.notify_all();
    freed_.wait(lock, [this] { return gone_; });
  }
  BusyPool(const BusyPool&) = delete;
  BusyPool& operator=(const BusyPool&) = delete;

 private:
  std::mutex mu_;
  std::condition_variable freed_;
  bool free_ = false;
  bool gone_ = false;
};

TEST_CASE("lookup: what was asked ahead before a local change does not override it") {
  FakeStore store;
  for (const char* key : {"d/a", "d/b"}) store.Plant(key, "old");
  store.AdvanceTime(10);  // settled, so that the index keeps what HEAD says
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock, .threads = 1});
  auto& fs = volume.fs();
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  REQUIRE(volume.List("d"));
  for (const char* path : {"d/a", "d/b"}) REQUIRE(volume.Look(path));
  const auto handle = volume.Open("d/b", O_WRONLY | O_APPEND);
  REQUIRE(handle);
  store.Plant("d/0", "has no row yet");
  clock.Advance(2min);
  const auto stream = fs.OpenDirectory(directory->node);
  REQUIRE(fs.ReadDirectory(*stream, 0, false, [](const fs::DirectoryEntry&) { return true; }));
  {
    const BusyPool busy(volume.pool());
    REQUIRE(fs.Lookup(directory->node, "0"));  // asks about a and b ahead, in the pool
    REQUIRE(fs.Write(*handle, 3, AsBytes(" and new")));
    REQUIRE(volume.Close(*handle));
  }
  const auto found = fs.Lookup(directory->node, "b");
  REQUIRE(found);
  CHECK(found->stat.size == 11);
  fs.ReleaseDirectory(*stream);
}

TEST_CASE("lookup: a request that runs out of memory leaves nobody waiting") {
  FakeStore store;
  for (const char* key : {"d/a", "d/b", "d/c"}) store.Plant(key, "x");
  Volume volume(store, LongTtl());
  auto& fs = volume.fs();
  const auto out_of_memory = [&](Operation operation, std::string_view key) {
    store.SetHook([=](Operation op, std::string_view asked) -> std::optional<Fault> {
      if (op == operation && asked == key) throw std::bad_alloc();
      return std::nullopt;
    });
  };
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  SECTION("a listing beside a HEAD, in the pool") {
    out_of_memory(Operation::kList, "d/f");
    MustEnd([&] { CHECK(fs.Lookup(directory->node, "f").error().code == Code::kNoMemory); });
    store.SetHook(nullptr);
    CHECK(fs.Lookup(directory->node, "f").error().code == Code::kNotFound);
  }
  SECTION("a HEAD ahead, in the pool") {
    REQUIRE(volume.List("d"));
    out_of_memory(Operation::kHead, "d/b");
    REQUIRE(fs.Lookup(directory->node, "a"));
    MustEnd([&] { CHECK_THROWS_AS(fs.Lookup(directory->node, "b"), std::bad_alloc); });
    store.SetHook(nullptr);
    CHECK(fs.Lookup(directory->node, "b"));
  }
  SECTION("a listing that others may wait for") {
    s3::FakeClock clock;
    Volume other(store, LongTtl(), {.clock = &clock});
    REQUIRE(other.List(""));
    clock.Advance(2min);
    out_of_memory(Operation::kList, "");
    CHECK_THROWS_AS(other.Look("f"), std::bad_alloc);
    store.SetHook(nullptr);
    MustEnd([&] { CHECK(other.Look("d")); });
  }
}

TEST_CASE("lookup: the kernel is given what is left of a time to live, not a new one") {
  FakeStore store;
  store.Plant("f", "x");
  s3::FakeClock clock;
  auto options = LongTtl();
  options.exact_attributes = false;  // every row of a listing is an answer
  Volume volume(store, options, {.clock = &clock});
  auto& fs = volume.fs();
  SECTION("of a name that is not there") {
    CHECK_FALSE(volume.Exists("none"));
    CHECK(fs.AbsentFor(fs::kRootNode, "none") == 60s);
    clock.Advance(50s);
    CHECK_FALSE(volume.Exists("none"));
    CHECK(fs.AbsentFor(fs::kRootNode, "none") == 10s);
    CHECK(fs.AbsentFor(fs::kRootNode, "never asked for") == 0s);
    REQUIRE(volume.Write("none", "x"));
    CHECK(fs.AbsentFor(fs::kRootNode, "none") == 0s);
  }
  SECTION("of a name in a listing") {
    REQUIRE(volume.List(""));
    clock.Advance(50s);
    CHECK(volume.Look("f")->ttl == 10s);
    CHECK_FALSE(volume.Exists("none"));
    CHECK(fs.AbsentFor(fs::kRootNode, "none") == 10s);
    const auto stream = fs.OpenDirectory(fs::kRootNode);
    REQUIRE(fs.ReadDirectory(*stream, 2, true, [](const fs::DirectoryEntry& entry) {
      CHECK((entry.entry && entry.entry->ttl == 10s));
      return true;
    }));
    fs.ReleaseDirectory(*stream);
  }
}

}  // namespace coffer::test::lookup_test
