// Small files that are opened one after the other, through the whole filesystem.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "fs/filesystem.h"
#include "fs/path.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/sealed_bench.h"
#include "tests/support/volume.h"

namespace coffer::test::small_files_test {

using namespace std::chrono_literals;
using Keys = std::vector<std::string>;

std::string Numbered(int i) { return "d/f" + std::to_string(1000 + i); }

// A directory of small files that was listed with all attributes, and who asks for which of them.
struct Shelf {
  explicit Shelf(int count, fs::FilesystemOptions options = LongTtl(),
                 int archived_from = 1'000'000)
      : volume(store, options, {.clock = &clock, .threads = 64}) {
    for (int i = 0; i < count; ++i) store.Plant(Numbered(i), "content " + std::to_string(i));
    for (int i = archived_from; i < count; ++i) {
      store.Edit(Numbered(i), [](s3::ObjectInfo& info) {
        info.archived = true;
        info.storage_class = "GLACIER";
      });
    }
    store.AdvanceTime(10);
    List();
    store.SetHook([this](Operation operation, std::string_view key) {
      if (operation == Operation::kGet) {
        const Lock lock(mu);
        gets.emplace_back(key);
      }
      return fault ? fault(operation, key) : std::nullopt;
    });
    store.ResetCounters();
  }
  ~Shelf() { store.SetHook(nullptr); }

  void List() {
    const auto names = *volume.List("d", true);
    for (const auto& name : names) REQUIRE(volume.Stat("d/" + name));
  }
  void Read(int i) { REQUIRE(*volume.Read(Numbered(i)) == "content " + std::to_string(i)); }
  void Read(int from, int to) {
    for (int i = from; i < to; ++i) Read(i);
  }
  // All that was asked for ahead is here.
  void Settle() {
    MustEnd([&] { Quiesce(volume.pool()); });
  }
  Keys asked() {
    const Lock lock(mu);
    return gets;
  }
  std::uint64_t ahead() { return volume.fs().read_counters().files_ahead; }
  std::uint64_t in_vain() { return volume.fs().read_counters().files_in_vain; }

  s3::FakeClock clock;
  FakeStore store;
  Mutex mu;
  Keys gets GUARDED_BY(mu);
  std::function<std::optional<Fault>(Operation, std::string_view)> fault;
  Volume volume;
};

TEST_CASE("request budgets: small files read in order are 1 GET each") {
  Shelf shelf(100);
  for (int i = 0; i < 100; ++i) {
    shelf.Read(i);
    shelf.Settle();  // what no thread has asked for when its open comes is not ahead
  }
  CHECK(shelf.store.requests() == 100);
  CHECK(shelf.store.count(Operation::kGet) == 100);
  CHECK(shelf.ahead() >= 90);
  CHECK(shelf.in_vain() == 0);
  CHECK(shelf.volume.budget().used() == 0);
}

TEST_CASE("small files: the third in order is followed, and no more than 32 are in vain") {
  Shelf shelf(200);
  shelf.Read(50, 52);
  CHECK(shelf.ahead() == 0);
  shelf.Read(52);
  shelf.Settle();
  CHECK(shelf.ahead() == 2);
  shelf.Read(53, 70);
  shelf.Settle();
  CHECK(shelf.asked().size() > 70 - 50 + 24);
  CHECK(shelf.asked().size() <= 70 - 50 + 32);
}

TEST_CASE("small files: by ascending st_ino, as cp -r goes") {
  Shelf shelf(60);
  std::map<std::uint64_t, int> order;
  for (int i = 0; i < 60; ++i) order.emplace(fs::InodeNumber(Numbered(i)), i);
  for (const auto& [ino, i] : order) {
    shelf.Read(i);
    shelf.Settle();
  }
  CHECK(shelf.store.requests() == 60);
  CHECK(shelf.ahead() >= 50);
}

TEST_CASE("small files: read in no order, nothing is fetched in vain") {
  Shelf shelf(100);
  for (int i = 0; i < 100; ++i) shelf.Read(i * 37 % 100);
  CHECK(shelf.store.requests() == 100);
  CHECK(shelf.ahead() == 0);
}

TEST_CASE("small files: never ahead with --metadata-ttl=minimal") {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = 100ms;
  Shelf shelf(30, options);
  shelf.Read(0, 30);
  CHECK(shelf.ahead() == 0);
}

TEST_CASE("small files: what was fetched serves no open after the time to live") {
  Shelf shelf(30);
  shelf.Read(0, 4);
  shelf.Settle();
  shelf.store.Plant(Numbered(4), "of another machine");
  shelf.store.Plant(Numbered(5), "of another machine");
  shelf.Read(4);  // within it, as for anything that is remembered
  shelf.clock.Advance(61s);
  CHECK(*shelf.volume.Read(Numbered(5)) == "of another machine");
}

TEST_CASE("small files: what this mount changes is not read from before") {
  Shelf shelf(30);
  shelf.Read(0, 4);
  shelf.Settle();
  const auto f = [](int i) { return Numbered(i); };
  const std::uint64_t before = shelf.in_vain();
  SECTION("written") {
    REQUIRE(shelf.volume.Write(f(4), "new"));
    CHECK(*shelf.volume.Read(f(4)) == "new");
    CHECK(shelf.in_vain() == before + 1);
  }
  SECTION("removed") {
    REQUIRE(shelf.volume.Unlink(f(4)));
    CHECK(shelf.volume.Read(f(4)).error().code == Code::kNotFound);
    CHECK(shelf.in_vain() == before + 1);
  }
  SECTION("renamed, and something else renamed to it") {
    REQUIRE(shelf.volume.Rename(f(4), "d/other"));
    REQUIRE(shelf.volume.Rename(f(20), f(4)));
    CHECK(*shelf.volume.Read(f(4)) == "content 20");
    CHECK(*shelf.volume.Read("d/other") == "content 4");
    CHECK(shelf.in_vain() == before + 1);
  }
  SECTION("its directory renamed") {
    REQUIRE(shelf.volume.Rename("d", "e"));
    CHECK(shelf.volume.Read(f(4)).error().code == Code::kNotFound);
    CHECK(*shelf.volume.Read("e/f1004") == "content 4");
    CHECK(shelf.in_vain() > before);
    CHECK(shelf.volume.budget().used() == 0);
  }
}

TEST_CASE("small files: a change drops what is still on its way") {
  std::atomic<bool> closed{true};
  std::atomic<int> waiting{0};
  Shelf shelf(30);
  shelf.Read(0, 2);
  shelf.fault = [&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kGet || key != Numbered(3)) return std::nullopt;
    ++waiting;
    while (closed) std::this_thread::sleep_for(1ms);
    return std::nullopt;
  };
  shelf.Read(2);
  MustEnd([&] {
    while (waiting == 0) std::this_thread::sleep_for(1ms);
  });
  CHECK(shelf.volume.Unlink(Numbered(3)));
  CHECK(shelf.in_vain() == 1);
  closed = false;
  REQUIRE(shelf.volume.Write(Numbered(3), "new"));
  CHECK(*shelf.volume.Read(Numbered(3)) == "new");
}

TEST_CASE("small files: O_DIRECT asks for itself") {
  Shelf shelf(30);
  shelf.Read(0, 4);
  shelf.Settle();
  const auto count = [&] {
    const Keys keys = shelf.asked();
    return std::count(keys.begin(), keys.end(), Numbered(4));
  };
  CHECK(count() == 1);
  const auto handle = shelf.volume.Open(Numbered(4), O_RDONLY | O_DIRECT);
  REQUIRE(handle);
  CHECK(count() == 2);
  REQUIRE(shelf.volume.Close(*handle));
}

TEST_CASE("small files: archived ones are never fetched ahead") {
  Shelf shelf(30, LongTtl(), 6);
  for (int i = 0; i < 5; ++i) {
    shelf.Read(i);
    shelf.Settle();
  }
  CHECK(shelf.asked().size() == 6);
  CHECK(shelf.in_vain() == 0);
  shelf.Read(5);
  CHECK(shelf.volume.Read(Numbered(6)).error().code == Code::kArchived);
}

TEST_CASE("small files: what somebody is opening is not asked for once more") {
  std::atomic<bool> closed{true};
  std::atomic<int> waiting{0};
  Shelf shelf(30);
  shelf.fault = [&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kGet || key != Numbered(4)) return std::nullopt;
    ++waiting;
    while (closed) std::this_thread::sleep_for(1ms);
    return std::nullopt;
  };
  std::thread other([&] { shelf.Read(4); });
  MustEnd([&] {
    while (waiting == 0) std::this_thread::sleep_for(1ms);
  });
  shelf.Read(0, 4);
  MustEnd([&] {
    while (shelf.ahead() < 4) std::this_thread::sleep_for(1ms);  // 3, 5, 6, 7
  });
  CHECK(waiting == 1);
  closed = false;
  other.join();
}

TEST_CASE("small files: who may not read asks for nothing ahead") {
  Shelf shelf(60);
  shelf.fault = [](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kGet) return std::nullopt;
    return Fault{{Code::kDenied, "no"}};
  };
  for (int i = 0; i < 60; ++i) CHECK_FALSE(shelf.volume.Read(Numbered(i)));
  CHECK(shelf.ahead() == 0);
  CHECK(shelf.asked().size() == 60);
}

TEST_CASE("small files: a refusal ends it") {
  Shelf shelf(60);
  shelf.fault = [](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kGet || key < Numbered(4)) return std::nullopt;
    return Fault{{Code::kDenied, "no"}};
  };
  shelf.Read(0, 3);
  shelf.Settle();  // 3 is here, and 4 was refused
  for (int i = 3; i < 60; ++i) CHECK(shelf.volume.Read(Numbered(i)).has_value() == (i < 4));
  CHECK(shelf.in_vain() == 1);
  CHECK(shelf.asked().size() == 60 + 1);
}

TEST_CASE("small files: what another machine replaced is asked for as ever") {
  Shelf shelf(60);
  for (int i = 10; i < 20; ++i) shelf.store.Plant(Numbered(i), "newer");
  for (int i = 0; i < 60; ++i) {
    const bool newer = i >= 10 && i < 20;
    CHECK(*shelf.volume.Read(Numbered(i)) == (newer ? "newer" : "content " + std::to_string(i)));
  }
  CHECK(shelf.in_vain() <= 32);
}

TEST_CASE("small files: what has become a directory elsewhere is one, after the time to live") {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = 1000ms;
  Shelf shelf(1'100, options);  // too many to be listed whole
  shelf.List();
  shelf.clock.Advance(1001ms);
  shelf.store.Plant(Numbered(3) + "/x", "");
  shelf.Read(0, 3);
  shelf.Settle();
  CHECK(shelf.volume.Read(Numbered(3)).error().code == Code::kIsDirectory);
  shelf.Read(4, 20);
}

TEST_CASE("small files: a slow reader fetches no more than it comes to, however long facts hold") {
  fs::FilesystemOptions options = LongTtl();
  options.metadata_ttl = options.negative_ttl = std::chrono::hours(24 * 365);
  Shelf shelf(100, options);
  for (int i = 0; i < 100; ++i) {
    shelf.Read(i);
    shelf.Settle();
    shelf.clock.Advance(10s);
  }
  CHECK(shelf.ahead() > 0);
  CHECK(shelf.asked().size() <= 110);
}

TEST_CASE("small files: their directory is renamed while the next ones are planned") {
  Shelf shelf(60);
  shelf.Read(0, 2);
  std::atomic<bool> ended{false};
  std::atomic<int> renamed{0};
  std::thread renames([&] {
    for (int i = 0; i < 20; ++i) {
      if (shelf.volume.Rename(i % 2 == 0 ? "d" : "e", i % 2 == 0 ? "e" : "d")) ++renamed;
    }
    ended = true;
  });
  while (!ended) {
    for (int i = 2; i < 60; ++i) {
      const auto text = shelf.volume.Read(Numbered(i));
      if (text) CHECK(*text == "content " + std::to_string(i));
    }
  }
  renames.join();
  CHECK(renamed == 20);
}

TEST_CASE("small files: ahead in a sealed volume, opened and proved as ever") {
  FakeStore store;
  SealedBench bench(store);
  for (int i = 0; i < 40; ++i) REQUIRE(bench.Put(Numbered(i), "content " + std::to_string(i)));
  const std::string damaged = Numbered(20);
  std::string body = *store.Body(damaged);
  body.back() ^= 1;
  store.Plant(damaged, body, store.Info(damaged)->metadata);
  store.AdvanceTime(10);
  fs::FilesystemOptions options = LongTtl();
  options.read.granularity = kTestFrame;
  Volume volume(bench.sealed, options, {.threads = 64, .sealer = &bench.sealed});
  const auto names = *volume.List("d", true);
  for (const auto& name : names) REQUIRE(volume.Stat("d/" + name));
  store.ResetCounters();
  for (int i = 0; i < 40; ++i) {
    const auto text = volume.Read(Numbered(i));
    MustEnd([&] { Quiesce(volume.pool()); });
    if (i == 20) {
      CHECK(text.error().code == Code::kCorrupt);
    } else {
      CHECK(*text == "content " + std::to_string(i));
    }
  }
  CHECK(store.count(Operation::kGet) <= 40 + 2);
  CHECK(volume.fs().read_counters().files_ahead >= 36);
  CHECK(volume.fs().read_counters().files_in_vain <= 1);
  CHECK(volume.fs().stats().refused_files == 1);
}

}  // namespace coffer::test::small_files_test
