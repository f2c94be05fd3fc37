// Files of archived objects: refused as they are, and what was restored is as any other, although a
// listing shows no difference.

#include <catch2/catch.hpp>
#include <string>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::archived_files_test {

struct Bench {
  Bench() {
    store.Plant("f", "cold");
    Archive(true);
  }
  void Archive(bool archived) {
    store.Edit("f", [&](s3::ObjectInfo& info) {
      info.storage_class = "GLACIER";
      info.archived = archived;
    });
  }
  Status ChangeMode(std::uint32_t mode) {
    fs::AttributeChange change;
    change.mode = mode;
    return volume.Change("f", change);
  }
  std::size_t Named() const {
    std::size_t count = 0;
    for (const std::string& line : volume.notes().lines()) {
      count += line.find("'coffer restore'") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  FakeStore store;
  mutable Volume volume{store, LongTtl()};
};

TEST_CASE("archived files: seen, and neither read nor changed") {
  Bench bench;
  CHECK(bench.volume.Stat("f")->attributes.mode == 0644);
  CHECK(bench.volume.Read("f").error().code == Code::kArchived);
  CHECK(bench.Named() == 0);  // the request that failed is a line of its own
  CHECK(bench.volume.Write("f", "more", O_APPEND).error().code == Code::kArchived);
  CHECK(bench.Named() == 1);
  CHECK(bench.ChangeMode(0600).error().code == Code::kArchived);
  CHECK(bench.Named() == 2);
  CHECK(bench.ChangeMode(0644));
  CHECK(bench.store.count(Operation::kCopy) + bench.store.count(Operation::kPut) == 0);
  CHECK(bench.volume.Write("f", "new"));
  CHECK(bench.store.Body("f") == "new");
}

TEST_CASE("archived files: what was restored meanwhile is read, appended to and changed") {
  {
    Bench bench;
    REQUIRE(bench.volume.List("", true));
    REQUIRE(bench.volume.Look("f"));
    bench.Archive(false);
    CHECK(bench.volume.Read("f").value() == "cold");
    CHECK(bench.volume.Write("f", "er", O_APPEND));
    CHECK(bench.store.Body("f") == "colder");
  }
  Bench bench;
  REQUIRE(bench.volume.Look("f"));
  bench.Archive(false);
  CHECK(bench.ChangeMode(0600));
  CHECK(bench.volume.fs().Drain());
  CHECK(bench.store.Info("f")->metadata.at("mode") == "33152");
  CHECK(bench.Named() == 0);
}

}  // namespace coffer::test::archived_files_test
