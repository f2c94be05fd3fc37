#include "fs/spool_shelf.h"

#include <catch2/catch.hpp>

#include "tests/support/temp_directory.h"

namespace coffer::test::spool_shelf_test {

struct Bench {
  fs::SpoolPtr Make(const std::string& etag, std::uint64_t bytes = 10) {
    auto room = shelf.Reserve(bytes, std::chrono::steady_clock::now());
    if (room.size() == 0) return nullptr;
    auto file = fs::SpoolFile::Make(directory.path(), arena);
    REQUIRE(file);
    s3::ObjectInfo info;
    info.etag = etag;
    return std::make_shared<const fs::Spool>(
        fs::Spool{std::move(info), std::move(*file), std::move(room)});
  }

  TempDirectory directory;
  SecretArena arena{16};
  fs::SpoolShelf shelf{2, 100};
};

TEST_CASE("spool shelf: the least recently used goes first, and stays for who holds it") {
  Bench bench;
  bench.shelf.Add("a", bench.Make("1"));
  bench.shelf.Add("b", bench.Make("1"));
  const fs::SpoolPtr held = bench.shelf.Find("b", "1");
  REQUIRE(held);
  REQUIRE(bench.shelf.Find("a", "1"));
  CHECK_FALSE(bench.shelf.Find("a", "2"));
  bench.shelf.Add("c", bench.Make("1"));
  CHECK_FALSE(bench.shelf.Find("b", "1"));
  CHECK(bench.shelf.Find("a", "1"));
  CHECK(bench.shelf.Find("c", "1"));
  CHECK(held->file.Read({0, 1}));
  CHECK(bench.arena.in_use() == 3);
}

TEST_CASE("spool shelf: room is bounded, and idle ones make it") {
  Bench bench;
  bench.shelf.Add("a", bench.Make("1", 60));
  CHECK_FALSE(bench.Make("2", 60));  // one that was just used is not thrown out at once
  CHECK_FALSE(bench.Make("2", 101));
  auto room = bench.shelf.Reserve(60, std::chrono::steady_clock::now() + std::chrono::seconds(20));
  CHECK(room.size() == 60);
  CHECK_FALSE(bench.shelf.Find("a", "1"));
}

}  // namespace coffer::test::spool_shelf_test
