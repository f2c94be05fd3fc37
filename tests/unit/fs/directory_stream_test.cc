// readdir: what a stream shows of names that change while it is read.

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::directory_stream_test {

using namespace std::chrono_literals;

TEST_CASE("directory_stream: a page does not override what was written here after it") {
  FakeStore store;
  for (int i = 0; i < 1500; ++i) store.Plant("d/" + std::to_string(1000 + i), "old");
  s3::FakeClock clock;
  auto options = LongTtl();
  options.exact_attributes = false;  // every row of a listing is an answer
  Volume volume(store, options, {.clock = &clock});
  auto& fs = volume.fs();
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  const auto stream = fs.OpenDirectory(directory->node);
  std::uint64_t offset = 0;
  REQUIRE(fs.ReadDirectory(*stream, 0, true, [&](const fs::DirectoryEntry& entry) {
    offset = entry.next_offset;
    return entry.name != "1003";
  }));
  REQUIRE(volume.Write("d/1005", "newer"));
  clock.Advance(2min);  // nothing is known for certain any more, but what is older still is
  bool seen = false;
  REQUIRE(fs.ReadDirectory(*stream, offset, true, [&](const fs::DirectoryEntry& entry) {
    if (entry.name != "1005") return true;
    seen = true;
    if (entry.entry) CHECK(entry.entry->stat.size == 5);
    return false;
  }));
  CHECK(seen);
  const auto now = fs.GetAttributes(volume.Look("d/1005")->node, std::nullopt);
  REQUIRE(now);
  CHECK(now->stat.size == 5);
  fs.ReleaseDirectory(*stream);
}

TEST_CASE("directory_stream: a name that is known in many ways goes out once") {
  FakeStore store;
  for (const char* key : {"d/z_$folder$", "d/b_$folder$", "d/m_$folder$"}) store.Plant(key, "");
  store.Plant("d/i/x", "x");
  Volume volume(store, LongTtl());
  REQUIRE(volume.List("d"));
  REQUIRE(volume.Unlink("d/i/x"));  // kept, since it was there
  REQUIRE(volume.MakeDirectory("d/new"));
  const auto handle = volume.Open("d/f", O_WRONLY | O_CREAT);  // a fact and a node
  REQUIRE(handle);
  for (const char* name : {"d/z", "d/b", "d/m"}) CHECK(volume.Exists(name));
  CHECK_FALSE(volume.Exists("d/c"));
  const std::vector<std::string> all{"b", "f", "i", "m", "new", "z"};
  CHECK(*volume.List("d") == all);
  CHECK(*volume.List("d", true) == all);
  REQUIRE(volume.Close(*handle));
}

TEST_CASE("directory_stream: who lists again and again sees what another machine makes") {
  FakeStore store;
  store.Plant("d/a", "x");
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  REQUIRE(volume.List("d"));
  store.Plant("d/b", "x");
  clock.Advance(36s);  // of a minute that names are good for
  CHECK(volume.List("d")->size() == 1);
  clock.Advance(36s);
  CHECK(volume.List("d")->size() == 2);
}

TEST_CASE(
    "directory_stream: what a listing lacks is not there for as long as its first page says") {
  FakeStore store;
  for (int i = 1'000; i < 3'500; ++i) store.Plant("d/" + std::to_string(i), "x");
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  int pages = 0;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kList) return {};
    clock.Advance(25s);
    if (++pages == 3) store.Plant("d/0", "made behind the first page");
    return {};
  });
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  pages = 0;
  const auto stream = volume.fs().OpenDirectory(directory->node);
  REQUIRE(
      volume.fs().ReadDirectory(*stream, 0, false, [](const fs::DirectoryEntry&) { return true; }));
  CHECK(pages == 3);
  store.SetHook({});
  SECTION("while it is read") { CHECK_FALSE(volume.fs().Lookup(directory->node, "0")); }
  clock.Advance(11s);
  CHECK(volume.fs().Lookup(directory->node, "0"));
  const int lists = store.count(Operation::kList);
  volume.fs().ReleaseDirectory(*stream);
  clock.Advance(20s);
  CHECK(volume.fs().Lookup(directory->node, "2000"));  // a name that it has
  CHECK(store.count(Operation::kList) == lists);
}

// Reads the entries up to `name`; where to go on.
std::uint64_t ReadUpTo(fs::Filesystem& fs, fs::HandleId stream, std::uint64_t from,
                       const std::string& name) {
  std::uint64_t offset = from;
  REQUIRE(fs.ReadDirectory(stream, from, false, [&](const fs::DirectoryEntry& entry) {
    offset = entry.next_offset;
    return entry.name != name;
  }));
  return offset;
}

TEST_CASE("request budgets: ls -l of a directory of many pages, while they come") {
  constexpr int kNames = 20'000;
  FakeStore store;
  for (int i = 0; i < kNames; ++i) store.Plant("d/" + std::to_string(100'000 + i), "x");
  store.AdvanceTime(10);
  s3::FakeClock clock;
  Volume volume(store, LongTtl(), {.clock = &clock});
  auto& fs = volume.fs();
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  store.ResetCounters();
  const auto stream = fs.OpenDirectory(directory->node);
  std::uint64_t offset = 0;
  for (int at = 0; at < kNames; at += 500) {
    offset = ReadUpTo(fs, *stream, offset, std::to_string(100'000 + at + 499));
    for (int i = at; i < at + 500; ++i) {
      REQUIRE(fs.Lookup(directory->node, std::to_string(100'000 + i)));
    }
    clock.Advance(2s);
  }
  ReadUpTo(fs, *stream, offset, "");
  MustEnd([&] { Quiesce(volume.pool()); });
  CHECK(store.count(Operation::kList) == 20);
  CHECK(store.count(Operation::kHead) == kNames);
  fs.ReleaseDirectory(*stream);
}

TEST_CASE("directory_stream: what is not on a page yet is asked for") {
  FakeStore store;
  store.Plant("d/a", "a file that a directory hides");
  for (int i = 1'000; i < 1'999; ++i) store.Plant("d/a!" + std::to_string(i), "x");
  store.Plant("d/a/b", "x");
  for (int i = 10'000; i < 12'500; ++i) store.Plant("d/z" + std::to_string(i), "x");
  Volume volume(store, LongTtl());
  auto& fs = volume.fs();
  const auto directory = volume.Look("d");
  REQUIRE(directory);
  const auto stream = fs.OpenDirectory(directory->node);
  int pages = 0;
  std::uint64_t offset = 0;
  REQUIRE(fs.ReadDirectory(*stream, 0, false, [&](const fs::DirectoryEntry& entry) {
    offset = entry.next_offset;
    if (entry.name != "." && entry.name != "..") pages = store.count(Operation::kList) - 1;
    CHECK(entry.name != "a");  // not before it is clear what it is
    return entry.name != "a!1000";
  }));
  CHECK(pages == 2);
  REQUIRE(store.count(Operation::kList) == 3);  // of "d", and two pages of four
  SECTION("a directory that hides a file") {
    const auto hidden = fs.Lookup(directory->node, "a");
    REQUIRE(hidden);
    CHECK(hidden->stat.attributes.type == fs::FileType::kDirectory);
  }
  SECTION("a name behind it") { CHECK(fs.Lookup(directory->node, "z12000")); }
  SECTION("a name that nobody has") { CHECK_FALSE(fs.Lookup(directory->node, "b")); }
  SECTION("one that somebody here removes, makes, and leaves the stream") {
    REQUIRE(volume.Unlink("d/a!1001"));
    CHECK_FALSE(fs.Lookup(directory->node, "a!1001"));
    REQUIRE(volume.Write("d/y", "x"));
    CHECK(fs.Lookup(directory->node, "y"));
    fs.ReleaseDirectory(*stream);
    CHECK(volume.List("d")->size() == 3'500);
    return;
  }
  ReadUpTo(fs, *stream, offset, "");
  CHECK_FALSE(fs.Lookup(directory->node, "b"));
  fs.ReleaseDirectory(*stream);
}

}  // namespace coffer::test::directory_stream_test
