// Renames and whoever has files open meanwhile.

#include <atomic>
#include <catch2/catch.hpp>
#include <string>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::rename_test {

TEST_CASE("rename: an open file follows its directory's copy, and nothing else") {
  FakeStore::Options ordinary;
  ordinary.copy_changes_etag = GENERATE(false, true);
  FakeStore store(ordinary);
  store.Plant("d/x", "x");
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("d/f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.fs().Fsync(*handle));
  const bool replaced = GENERATE(false, true);
  CAPTURE(ordinary.copy_changes_etag, replaced);
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    // All copies stand by now; another machine writes one of the new names.
    if (operation == Operation::kDeleteMany && replaced) store.Plant("e/f", "theirs");
    return std::nullopt;
  });
  REQUIRE(volume.Rename("d", "e"));
  store.SetHook(nullptr);
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  const Status closed = volume.Close(*handle);
  if (replaced) {
    CHECK(closed.error().code == Code::kChanged);
    CHECK(store.Body("e/f") == "theirs");
    CHECK(*volume.Read("e/f") == "theirs");
  } else {
    CHECK(closed);
    CHECK(*volume.Read("e/f") == "one two");
  }
}

// What copies of parts are told to, if they had to be.
struct ObservedStore : FakeStore {
  std::atomic<int> observed{0};
  Result<s3::Written> Copy(const s3::CopyRequest& request) override {
    if (request.uploads != nullptr) ++observed;
    return FakeStore::Copy(request);
  }
};

TEST_CASE("rename: every copy that may be made of parts is on record") {
  ObservedStore store;
  Volume volume(store, LongTtl());
  fs::AttributeChange mode;
  mode.mode = 0600;
  for (const char* key : {"d/f", "g"}) store.Plant(key, "x");
  REQUIRE(volume.Change("g", mode));
  REQUIRE(volume.fs().Drain());
  mode.mode = 0644;
  REQUIRE(volume.Change("g", mode));
  REQUIRE(volume.Rename("g", "h"));
  REQUIRE(volume.Rename("d", "e"));
  CHECK(store.count(Operation::kCopy) == 3);
  CHECK(store.observed == 3);
}

TEST_CASE("rename: a file that another machine wrote before the copy is not overwritten") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.MakeDirectory("d"));
  const auto handle = volume.Open("d/f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.fs().Fsync(*handle));
  store.Plant("d/f", "theirs");
  REQUIRE(volume.Rename("d", "e"));
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  CHECK(volume.Close(*handle).error().code == Code::kChanged);
  CHECK(store.Body("e/f") == "theirs");
}

}  // namespace coffer::test::rename_test
