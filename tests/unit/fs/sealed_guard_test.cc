#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/sealed_bench.h"
#include "tests/support/volume.h"

namespace coffer::test::sealed_guard_test {

using fs::SealedBelow;

fs::FilesystemOptions Plain(SealedBelow below = SealedBelow::kRefused) {
  auto options = LongTtl();
  options.sealed_below = below;
  return options;
}

// A volume at "vol/" beside plain files, and a sealed file that was moved out of it.
void Fill(FakeStore& store) {
  fs::SealedVolume volume = TestVolume();
  volume.prefix = "vol/";
  volume.shows_own = true;
  SealedBench sealed(store, std::move(volume));
  REQUIRE(sealed.Put("vol/.coffer/volume", "{}"));
  REQUIRE(sealed.Put("vol/photos/f", "secret", {{"mode", "33188"}}));
  store.Plant("plain/f", "text");
  store.Plant("stray/f", *store.Body("vol/photos/f"), store.Info("vol/photos/f")->metadata);
}

Code CodeOf(const Status& status) { return status ? Code::kRange : status.error().code; }
template <typename T>
Code CodeOf(const Result<T>& result) {
  return result ? Code::kRange : result.error().code;
}

fs::AttributeChange Mode(std::uint32_t mode) {
  fs::AttributeChange change;
  change.mode = mode;
  return change;
}

TEST_CASE("sealed guard: a sealed volume below a plain mount is closed on every path") {
  FakeStore store;
  Fill(store);
  const std::vector<std::string> before = store.Keys();
  Volume volume(store, Plain());
  SECTION("cold: the lookup tells") {}
  SECTION("after a listing of the directory above, which does not tell") {
    REQUIRE(volume.List("", true));
  }
  SECTION("after its own listing was refused") {
    CHECK(CodeOf(volume.List("vol")) == Code::kDenied);
  }
  CHECK(volume.Stat("vol"));  // it shows, closed
  CHECK(CodeOf(volume.Write("vol/new", "x")) == Code::kDenied);
  CHECK(CodeOf(volume.Write("vol/photos/new", "x")) == Code::kDenied);
  CHECK(CodeOf(volume.Write("vol/photos/f", "x")) == Code::kDenied);
  CHECK(CodeOf(volume.Write("vol/photos/f", "x", O_APPEND)) == Code::kDenied);
  CHECK(CodeOf(volume.MakeDirectory("vol/d")) == Code::kDenied);
  CHECK(CodeOf(volume.Read("vol/photos/f")) == Code::kDenied);
  CHECK(CodeOf(volume.List("vol")) == Code::kDenied);
  CHECK(CodeOf(volume.List("vol/photos")) == Code::kDenied);
  CHECK(CodeOf(volume.Unlink("vol/photos/f")) == Code::kDenied);
  CHECK(CodeOf(volume.RemoveDirectory("vol")) != Code::kRange);
  CHECK(CodeOf(volume.Change("vol", Mode(0700))) == Code::kDenied);
  CHECK(CodeOf(volume.Rename("vol/photos/f", "plain/g")) == Code::kDenied);
  CHECK(CodeOf(volume.Rename("plain/f", "vol/g")) == Code::kDenied);
  CHECK(CodeOf(volume.Rename("vol", "moved")) == Code::kDenied);
  CHECK(volume.fs().Drain());
  CHECK(store.Keys() == before);
  CHECK(volume.fs().stats().sealed_directories == 1);
  CHECK(volume.notes().lines().size() == 1);
  CHECK(*volume.Read("plain/f") == "text");
}

TEST_CASE("sealed guard: a change in a directory that nothing is known of asks once, no more") {
  FakeStore store;
  Fill(store);
  store.Plant("a/b/c/f", "text");
  Volume volume(store, Plain());
  const auto asked = [&] { return store.count(Operation::kGet); };
  SECTION("below directories that only a listing of what is above showed") {
    REQUIRE(volume.List("", true));
    REQUIRE(volume.Stat("a"));
    store.ResetCounters();
    REQUIRE(volume.MakeDirectory("a/made"));
    CHECK(asked() == 1);
    REQUIRE(volume.Write("a/made/f", "x"));
    REQUIRE(volume.Write("a/g", "x"));
    CHECK(asked() == 1);
  }
  SECTION("below directories that were looked up: that told") {
    REQUIRE(volume.Write("a/b/c/g", "x"));
    CHECK(asked() == 0);
  }
  SECTION("in a directory that was listed") {
    REQUIRE(volume.List("", true));
    REQUIRE(volume.List("a", true));
    REQUIRE(volume.Write("a/g", "x"));
    CHECK(asked() == 0);
  }
  SECTION("names that stand before the descriptor, more than a page has") {
    for (int i = 0; i < 40; ++i) store.Plant("vol/!" + std::to_string(i), "x");
    CHECK(CodeOf(volume.Write("vol/g", "x")) == Code::kDenied);
    CHECK(asked() == 1);
  }
}

TEST_CASE("sealed guard: that there is no volume is asked again after a while") {
  FakeStore store;
  store.Plant("d/f", "text");
  s3::FakeClock clock;
  Volume volume(store, Plain(), {.clock = &clock});
  REQUIRE(volume.List("", true));
  REQUIRE(volume.List("d", true));
  REQUIRE(volume.Write("d/before", "x"));
  REQUIRE(volume.Write("before", "x"));
  // Somebody makes one, in the mount's own root or below it.
  const std::string made = GENERATE("", "d/");
  store.Plant(made + ".coffer/volume", "descriptor");
  clock.Advance(std::chrono::seconds(61));
  CHECK(CodeOf(volume.Write("d/after", "x")) == Code::kDenied);
  if (made.empty()) CHECK(CodeOf(volume.Write("after", "x")) == Code::kDenied);
  CHECK_FALSE(store.Has("d/after"));
  CHECK_FALSE(store.Has("after"));
}

TEST_CASE("sealed guard: what cannot be told is not written") {
  FakeStore store;
  Fill(store);
  Volume volume(store, Plain());
  REQUIRE(volume.List("", true));
  REQUIRE(volume.Stat("plain"));
  store.SetHook([](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kGet || !key.ends_with(".coffer/volume")) return std::nullopt;
    return Fault{{Code::kUnavailable, "no network"}};
  });
  CHECK(CodeOf(volume.Write("plain/new", "x")) == Code::kUnavailable);
  CHECK_FALSE(store.Has("plain/new"));
  store.SetHook(nullptr);
  CHECK(volume.Write("plain/new", "x"));
}

TEST_CASE("sealed guard: a directory that holds a volume somewhere is not renamed") {
  FakeStore store;
  Fill(store);
  for (const char* name : {"a/0", "a/1", "a/vol/f", "a/z"}) store.Plant(name, "x");
  store.Plant("a/vol/.coffer/volume", "descriptor");
  const std::vector<std::string> before = store.Keys();
  Volume volume(store, Plain());
  CHECK(CodeOf(volume.Rename("a", "b")) == Code::kDenied);
  CHECK(store.Keys() == before);
}

TEST_CASE("sealed guard: a directory of a volume's name without a descriptor is one like others") {
  FakeStore store;
  store.Plant("d/.coffer/other", "x");
  store.Plant("d/f", "text");
  Volume volume(store, Plain());
  REQUIRE(volume.List("", true));
  CHECK(*volume.List("d") == std::vector<std::string>{".coffer", "f"});
  CHECK(*volume.Read("d/f") == "text");
  CHECK(volume.Write("d/.coffer/more", "x"));
  CHECK(volume.notes().lines().empty());
}

TEST_CASE("sealed guard: with --sealed=no a volume is shown as it is, and nothing changes below") {
  FakeStore store;
  Fill(store);
  const std::vector<std::string> before = store.Keys();
  Volume volume(store, Plain(SealedBelow::kReadOnly));
  CHECK(*volume.List("vol") == std::vector<std::string>{".coffer", "photos"});
  CHECK(*volume.Read("vol/photos/f") == *store.Body("vol/photos/f"));
  CHECK(*volume.Read("stray/f") == *store.Body("stray/f"));
  CHECK(CodeOf(volume.Write("vol/new", "x")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Unlink("vol/photos/f")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Unlink("vol/.coffer/volume")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Change("vol/photos/f", Mode(0600))) == Code::kReadOnly);
  CHECK(CodeOf(volume.Rename("vol", "moved")) == Code::kDenied);
  CHECK(store.Keys() == before);
  CHECK(volume.Write("plain/new", "x"));
}

TEST_CASE("sealed guard: a sealed file outside of a volume is not taken for content") {
  FakeStore store;
  Fill(store);
  const std::string bytes = *store.Body("stray/f");
  auto options = Plain();
  SECTION("by its attributes") {}
  SECTION("where listings alone say them: by the reply") { options.exact_attributes = false; }
  SECTION("the same of a file that is not read whole when it is opened") {
    options.exact_attributes = false;
    options.read.first_window = 512;
  }
  const bool exact = options.exact_attributes;
  Volume volume(store, options);
  REQUIRE(volume.List("stray", true));
  CHECK(volume.Stat("stray/f")->size == bytes.size());
  CHECK(CodeOf(volume.Read("stray/f")) == Code::kDenied);
  CHECK(CodeOf(volume.Write("stray/f", "x")) == Code::kDenied);
  CHECK(CodeOf(volume.Write("stray/f", "x", O_APPEND)) == Code::kDenied);
  CHECK(CodeOf(volume.Change("stray/f", Mode(0600))) == Code::kDenied);
  CHECK(CodeOf(volume.Rename("stray/f", "stray/g")) == Code::kDenied);
  CHECK(CodeOf(volume.Rename("plain/f", "stray/f")) == Code::kDenied);
  CHECK(store.Body("stray/f") == bytes);
  CHECK(volume.fs().stats().sealed_files == 1);
  CHECK(volume.notes().lines().size() == 1);
  CHECK(volume.Unlink("stray/f"));
  if (exact) CHECK(store.count(Operation::kGet) == 0);
}

}  // namespace coffer::test::sealed_guard_test
