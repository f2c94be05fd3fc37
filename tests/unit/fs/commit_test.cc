// Commits that fail.

#include <catch2/catch.hpp>
#include <string>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test {
namespace {

TEST_CASE("commit: after a failure the name shows what the bucket has") {
  FakeStore store;
  store.Plant("old", "theirs");
  Volume volume(store, LongTtl());
  const std::string name = GENERATE("old", "new");
  const auto handle = volume.Open(name, O_WRONLY | O_CREAT | O_TRUNC);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("mine")));
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation == Operation::kPut) return Fault{{Code::kDenied, "403"}};
    return std::nullopt;
  });
  CHECK(volume.fs().Fsync(*handle).error().code == Code::kDenied);
  store.SetHook(nullptr);

  if (name == "old") CHECK(*volume.Read("old") == "theirs");
  if (name == "new") CHECK(volume.Look("new").error().code == Code::kNotFound);
  REQUIRE(volume.Write(name, "again"));
  // The handle that failed goes on saying so, and changes nothing.
  CHECK(volume.fs().Fsync(*handle).error().code == Code::kDenied);
  CHECK(volume.Close(*handle).error().code == Code::kDenied);
  CHECK(store.Body(name) == "again");
  CHECK(*volume.Read(name) == "again");
  CHECK(volume.fs().stats().rescued_files == 1);
}

}  // namespace
}  // namespace coffer::test
