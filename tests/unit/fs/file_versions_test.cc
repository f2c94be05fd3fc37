#include "fs/file_versions.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/fake_store.h"

namespace coffer::fs::file_versions_test {

using test::FakeStore;
using test::Operation;

FakeStore::Options Versioned() {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  return options;
}

LockPolicy Protecting() {
  LockPolicy policy;
  policy.enabled = true;
  return policy;
}

std::vector<s3::ListedVersion> VersionsOf(FakeStore& store, std::string_view key) {
  std::vector<s3::ListedVersion> versions;
  REQUIRE(EachVersionOf(store, key, [&](const s3::ListedVersion& version) {
    versions.push_back(version);
    return Ok();
  }));
  return versions;
}

Result<RestoredVersion> Restore(FakeStore& store, const std::string& id,
                                LockPolicy locks = Protecting()) {
  return RestoreVersion(store, {"f", id, s3::Tri::kYes, locks});
}

TEST_CASE("file versions: of one key alone, over all pages") {
  FakeStore store(Versioned());
  for (int i = 0; i < 2500; ++i) store.Plant("f", std::to_string(i));
  store.Plant("f2", "next");
  store.Plant("f/below", "x");
  CHECK(VersionsOf(store, "f").size() == 2500);
  CHECK(VersionsOf(store, "f").front().latest);
  CHECK(VersionsOf(store, "g").empty());
  const Status ended = EachVersionOf(store, "f", [](const s3::ListedVersion&) -> Status {
    return Error{Code::kInterrupted, "enough"};
  });
  REQUIRE_FALSE(ended);
  CHECK(ended.error().code == Code::kInterrupted);
}

TEST_CASE("file versions: one is current again, with its metadata") {
  FakeStore store(Versioned());
  store.Plant("f", "old", {{"mode", "33200"}});
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer", {{"mode", "33188"}});
  const auto restored = Restore(store, old);
  REQUIRE(restored);
  CHECK_FALSE(restored->was_current);
  CHECK(store.Body("f") == "old");
  CHECK(store.Info("f")->metadata.at("mode") == "33200");
  CHECK(store.Info("f")->version_id == restored->made.version_id);
  CHECK(VersionsOf(store, "f").size() == 3);
  const auto again = Restore(store, restored->made.version_id);
  REQUIRE(again);
  CHECK(again->was_current);
  CHECK(VersionsOf(store, "f").size() == 3);
}

TEST_CASE("file versions: from under a delete marker, unless somebody writes the name") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Remove("f");
  const std::string marker = VersionsOf(store, "f").front().version_id;
  CHECK(Restore(store, marker).error().code == Code::kInvalid);
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation == Operation::kCopy) store.Plant("f", "theirs");
    return std::nullopt;
  });
  const auto lost = Restore(store, old);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Code::kChanged);
  CHECK(store.Body("f") == "theirs");
  store.SetHook({});
  store.Remove("f");
  REQUIRE(Restore(store, old));
  CHECK(store.Body("f") == "old");
}

TEST_CASE("file versions: a race with another version is lost") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer");
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation == Operation::kCopy) store.Plant("f", "theirs");
    return std::nullopt;
  });
  const auto lost = Restore(store, old);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Code::kChanged);
  CHECK(store.Body("f") == "theirs");
}

TEST_CASE("file versions: nothing lies over what is locked, unless that is meant") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer");
  store.Edit("f", [](s3::ObjectInfo& info) { info.lock.legal_hold = true; });
  const auto refused = Restore(store, old);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kLocked);
  CHECK(store.Body("f") == "newer");
  LockPolicy over = Protecting();
  over.versioned = true;
  REQUIRE(Restore(store, old, over));
  CHECK(store.Body("f") == "old");
}

TEST_CASE("file versions: what cannot be restored") {
  FakeStore store(Versioned());
  CHECK(Restore(store, "x").error().code == Code::kNotFound);
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Edit("f", [](s3::ObjectInfo& info) { info.archived = true; });
  store.Plant("f", "newer");
  CHECK(Restore(store, "x").error().code == Code::kNotFound);
  CHECK(Restore(store, old).error().code == Code::kArchived);
  const std::string newer = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newest");
  CHECK(RestoreVersion(store, {"f", newer, s3::Tri::kNo, Protecting()}).error().code ==
        Code::kUnsupported);
  CHECK(store.count(Operation::kCopy) == 0);
}

TEST_CASE("file versions: where a bucket may keep none, a copy takes no version's place") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer");
  const auto restore = [&] {
    return RestoreVersion(store, {"f", old, s3::Tri::kUnknown, Protecting()});
  };
  REQUIRE(restore());
  CHECK(store.Body("f") == "old");
  store.Plant("f", "made while versioning was off");
  store.Edit("f", [](s3::ObjectInfo& info) { info.version_id = "null"; });
  store.Plant("f", "newest");
  const auto refused = restore();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kUnsupported);
  CHECK(store.Body("f") == "newest");
}

TEST_CASE("file versions: of a sealed volume's descriptor only a removed one") {
  FakeStore store(Versioned());
  const std::string key = "v/.coffer/volume";
  store.Plant(key, "old");
  const std::string old = VersionsOf(store, key).front().version_id;
  store.Plant(key, "newer");
  CHECK(RestoreVersion(store, {key, old, s3::Tri::kYes, Protecting()}).error().code ==
        Code::kNotPermitted);
  store.Remove(key);
  CHECK(RestoreVersion(store, {key, old, s3::Tri::kYes, Protecting()}));
}

TEST_CASE("file versions: what came right after the copy is told") {
  FakeStore store(Versioned());
  store.Plant("f", "old");
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer");
  bool copied = false;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation == Operation::kHead && copied) store.Plant("f", "theirs");
    copied = operation == Operation::kCopy;
    return std::nullopt;
  });
  const auto restored = Restore(store, old);
  REQUIRE(restored);
  CHECK(restored->overtaken);
  CHECK(store.Body("f") == "theirs");
}

TEST_CASE("file versions: a copy that is not what was copied is told") {
  FakeStore store(Versioned());
  store.Plant("f", "old", {{"mode", "33200"}});
  const std::string old = VersionsOf(store, "f").front().version_id;
  store.Plant("f", "newer");
  bool copied = false;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation == Operation::kHead && copied) {
      store.Edit("f", [](s3::ObjectInfo& info) { info.metadata.clear(); });
    }
    copied = operation == Operation::kCopy;
    return std::nullopt;
  });
  const auto restored = Restore(store, old);
  REQUIRE_FALSE(restored);
  CHECK(restored.error().code == Code::kCorrupt);
}

}  // namespace coffer::fs::file_versions_test
