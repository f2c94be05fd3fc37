// Directories that are listed ahead: what that costs, and what it must not hide.

#include <atomic>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <vector>

#include "fs/filesystem.h"
#include "fs/mutex.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::list_ahead_test {

using namespace std::chrono_literals;

std::string Folder(int i) { return "d/" + std::to_string(1'000 + i); }

// `count` directories of one file each, seen by whoever has listed the one that they are in.
struct Forest {
  explicit Forest(int count, const fs::FilesystemOptions& options = LongTtl(), bool look = true)
      : volume(store, options, {.clock = &clock, .threads = 64}) {
    for (int i = 0; i < count; ++i) store.Plant(Folder(i) + "/file", "x");
    store.AdvanceTime(10);
    REQUIRE(volume.List("d")->size() == static_cast<std::size_t>(count));
    for (int i = 0; look && i < count; ++i) REQUIRE(volume.Look(Folder(i)));
    Settle();
    store.ResetCounters();
  }
  // All that was asked for ahead is here.
  void Settle() {
    MustEnd([&] { Quiesce(volume.pool()); });
  }
  void Visit(int i) {
    CHECK(*volume.List(Folder(i)) == std::vector<std::string>{"file"});
    Settle();  // what no thread has asked for when its reader comes is not ahead
  }
  void Visit(int from, int to) {
    for (int i = from; i < to; ++i) Visit(i);
  }
  int lists() { return store.count(Operation::kList); }
  std::uint64_t ahead() { return volume.fs().read_counters().lists_ahead; }
  std::uint64_t in_vain() { return volume.fs().read_counters().lists_in_vain; }

  s3::FakeClock clock;
  FakeStore store;
  Volume volume;
};

TEST_CASE("request budgets: directories read in order are 1 LIST each") {
  Forest forest(60);
  forest.Visit(0, 60);
  CHECK(forest.lists() == 60);
  CHECK(forest.store.requests() == 60);
  CHECK(forest.ahead() >= 50);
  CHECK(forest.in_vain() == 0);
}

TEST_CASE("list ahead: the third in order is followed, and no more than 16 are in vain") {
  Forest forest(100);
  forest.Visit(20, 22);
  CHECK(forest.ahead() == 0);
  forest.Visit(22);
  CHECK(forest.ahead() == 2);
  forest.Visit(23, 40);
  CHECK(forest.lists() > 20 + 8);
  CHECK(forest.lists() <= 20 + 16);
}

TEST_CASE("list ahead: in no order, and with --metadata-ttl=minimal, nothing") {
  fs::FilesystemOptions options = LongTtl();
  SECTION("in no order") {
    Forest forest(50);
    for (int i = 0; i < 50; ++i) forest.Visit(i * 17 % 50);
    CHECK(forest.ahead() == 0);
    CHECK(forest.lists() == 50);
  }
  SECTION("minimal") {
    options.metadata_ttl = options.negative_ttl = 100ms;
    Forest forest(20, options);
    forest.Visit(0, 20);
    CHECK(forest.ahead() == 0);
  }
}

TEST_CASE("list ahead: what is made in a directory meanwhile is in it") {
  Forest forest(30);
  forest.Visit(0, 3);
  REQUIRE(forest.ahead() == 2);
  SECTION("here") {
    REQUIRE(forest.volume.Write(Folder(3) + "/mine", "x"));
    REQUIRE(forest.volume.Unlink(Folder(4) + "/file"));
  }
  SECTION("elsewhere: for no longer than the time to live") {
    forest.store.Plant(Folder(3) + "/mine", "x");
    forest.store.Remove(Folder(4) + "/file");
    forest.clock.Advance(61s);
  }
  CHECK(forest.volume.List(Folder(3))->size() == 2);
  const auto emptied = forest.volume.List(Folder(4));
  CHECK((!emptied || emptied->empty()));
}

TEST_CASE("list ahead: a change that is made while the listing is under way counts") {
  Forest forest(30);
  forest.Visit(0, 2);
  Mutex mu;
  Condition changed;
  bool asked = false;
  bool written = false;
  forest.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kList || key != Folder(3) + "/") return {};
    const Lock lock(mu);
    asked = true;
    changed.NotifyAll();
    while (!written) changed.Wait(mu);
    return {};
  });
  REQUIRE(forest.volume.List(Folder(2)));
  MustEnd([&] {
    const Lock lock(mu);
    while (!asked) changed.Wait(mu);
  });
  REQUIRE(forest.volume.Write(Folder(3) + "/mine", "x"));
  {
    const Lock lock(mu);
    written = true;
    changed.NotifyAll();
  }
  CHECK(forest.volume.List(Folder(3))->size() == 2);
  forest.Settle();
  forest.store.SetHook(nullptr);
}

TEST_CASE("list ahead: nodes that nobody has looked up yet, and that go when nobody does") {
  fs::FilesystemOptions options = LongTtl();
  options.metadata_ttl = 1s;
  Forest forest(40, options, false);
  auto& fs = forest.volume.fs();
  const auto parent = forest.volume.Look("d");
  REQUIRE(parent);
  const std::uint64_t before = fs.stats().nodes;
  std::vector<fs::NodeId> visited;
  for (int i = 0; i < 8; ++i) {
    const auto folder = fs.Lookup(parent->node, std::to_string(1'000 + i));
    REQUIRE(folder);
    visited.push_back(folder->node);
    const auto stream = fs.OpenDirectory(folder->node);
    REQUIRE(fs.ReadDirectory(*stream, 0, false, [](const fs::DirectoryEntry&) { return true; }));
    fs.ReleaseDirectory(*stream);
    forest.Settle();
  }
  CHECK(forest.ahead() >= 8);
  CHECK(fs.stats().nodes > before + 8);
  const auto ahead = fs.Lookup(parent->node, "1008");
  REQUIRE(ahead);
  CHECK(ahead->stat.attributes.type == fs::FileType::kDirectory);
  fs.Forget(ahead->node, 1);
  for (const fs::NodeId node : visited) fs.Forget(node, 1);
  MustEnd([&] {
    while (fs.stats().nodes > before) std::this_thread::sleep_for(5ms);
  });
}

TEST_CASE("list ahead: directories that are renamed, or removed, while they are listed") {
  Forest forest(30);
  forest.Visit(0, 2);
  std::atomic<bool> go{false};
  forest.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kList || key.size() != Folder(3).size() + 1 || key < Folder(3)) {
      return {};
    }
    while (!go) std::this_thread::sleep_for(1ms);
    return {};
  });
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    go = true;
  });
  REQUIRE(forest.volume.List(Folder(2)));
  SECTION("one of them") {
    REQUIRE(forest.volume.Rename(Folder(3), "d/9999"));
    REQUIRE(forest.volume.Write("d/9999/more", "x"));
    CHECK(forest.volume.List("d/9999")->size() == 2);
    CHECK_FALSE(forest.volume.List(Folder(3)));
  }
  SECTION("the one that they are in") {
    REQUIRE(forest.volume.Rename("d", "e"));
    CHECK_FALSE(forest.volume.List(Folder(3)));
    CHECK(forest.volume.List("e")->size() == 30);
    CHECK(forest.volume.List("e/1003")->size() == 1);
  }
  SECTION("removed") {
    REQUIRE(forest.volume.Unlink(Folder(3) + "/file"));
    REQUIRE(forest.volume.RemoveDirectory(Folder(3)));
    CHECK_FALSE(forest.volume.List(Folder(3)));
    REQUIRE(forest.volume.MakeDirectory(Folder(3)));
    CHECK(forest.volume.List(Folder(3))->empty());
  }
  later.join();
  forest.Settle();
  forest.store.SetHook(nullptr);
}

TEST_CASE("list ahead: no more than 16 at once, however often what they are in is listed anew") {
  Forest forest(200);
  forest.Visit(0, 20);
  const std::uint64_t before = forest.ahead();
  for (int i = 0; i < 5; ++i) {
    forest.clock.Advance(61s);
    REQUIRE(forest.volume.List("d"));
    forest.clock.Advance(-61s);
    forest.Visit(20 + i);
  }
  CHECK(forest.ahead() <= before + 5 + 1);
}

TEST_CASE("list ahead: who leaves them unread is not followed any more") {
  fs::FilesystemOptions options = LongTtl();
  options.metadata_ttl = 400ms;
  Forest forest(60, options);
  forest.Visit(0, 8);
  const std::uint64_t before = forest.ahead();
  CHECK(before >= 4);
  MustEnd([&] {
    while (forest.in_vain() + 8 < before + 3) std::this_thread::sleep_for(5ms);
  });
  CHECK(forest.in_vain() >= 4);
  REQUIRE(forest.volume.List("d"));
  forest.Visit(30, 40);
  CHECK(forest.ahead() == before);
}

TEST_CASE("list ahead: large directories are in vain, and soon not asked for") {
  Forest forest(20);
  for (int i = 3; i < 20; ++i) {
    for (int file = 0; file < 1'100; ++file) {
      forest.store.Plant(Folder(i) + "/" + std::to_string(file), "x");
    }
  }
  for (int i = 0; i < 20; ++i) {
    REQUIRE(forest.volume.List(Folder(i)));
    forest.Settle();
  }
  CHECK(forest.in_vain() >= 4);
  CHECK(forest.in_vain() <= 8);
  CHECK(forest.lists() == static_cast<int>(3 + 2 * 17 + forest.in_vain()));
}

TEST_CASE("list ahead: a sealed volume among them is closed, and nothing else") {
  fs::FilesystemOptions options = LongTtl();
  options.sealed_below = fs::SealedBelow::kRefused;
  Forest forest(10, options);
  forest.store.Plant(Folder(4) + "/.coffer/volume", "descriptor");
  for (int i = 0; i < 10; ++i) {
    const auto names = forest.volume.List(Folder(i));
    CHECK(names.has_value() == (i != 4));
    forest.Settle();
  }
  CHECK(forest.ahead() >= 5);
}

TEST_CASE("list ahead: a refusal is the reader's to hear, and nobody is followed into it") {
  Forest forest(40);
  forest.store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kList) return {};
    return Fault{{Code::kDenied, "not here"}};
  });
  for (int i = 0; i < 40; ++i) {
    CHECK(forest.volume.List(Folder(i)).error().code == Code::kDenied);
    forest.Settle();
  }
  CHECK(forest.lists() <= 40 + 4);
  forest.store.SetHook(nullptr);
}

}  // namespace coffer::test::list_ahead_test
