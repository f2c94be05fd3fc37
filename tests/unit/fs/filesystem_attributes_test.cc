// The attributes of files and directories: when a change is sent, what it keeps, who is told of a
// failure.

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::filesystem_attributes_test {

TEST_CASE("attribute changes wait, and a failure is told to the next call") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.Write("f", "x"));
  fs::AttributeChange mode;
  mode.mode = 0600;
  REQUIRE(volume.Change("f", mode));
  CHECK(volume.Stat("f")->attributes.mode == 0600);
  CHECK(store.count(Operation::kCopy) == 0);
  SECTION("Drain sends it") {
    CHECK(volume.fs().Drain());
    CHECK(store.Info("f")->metadata.at("mode") == "33152");
  }
  SECTION("refused") {
    store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
      if (operation != Operation::kCopy) return std::nullopt;
      return Fault{{Code::kDenied, "403"}};
    });
    CHECK_FALSE(volume.fs().Drain());
    store.SetHook(nullptr);
    CHECK(volume.fs().stats().deferred_attribute_failures == 1);
    CHECK(volume.Change("f", mode).error().code == Code::kUnavailable);
    CHECK(volume.Stat("f")->attributes.mode == 0644);
  }
}

TEST_CASE("hidden mode bits never show, and a change of something else keeps them") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.Write("f", "x"));
  fs::AttributeChange mode;
  mode.mode = 02640;
  REQUIRE(volume.Change("f", mode));
  CHECK(volume.Stat("f")->attributes.mode == 0640);
  REQUIRE(volume.fs().Drain());
  CHECK(volume.Stat("f")->attributes.mode == 0640);
  CHECK(store.Info("f")->metadata.at("mode") == std::to_string(0102640));
  auto masked = LongTtl();
  masked.defaults.umask = 077;
  Volume other(store, masked);
  CHECK(other.Stat("f")->attributes.mode == 0600);
  fs::AttributeChange time;
  time.mtime = 5 * fs::kSecond;
  REQUIRE(other.Change("f", time));
  REQUIRE(other.fs().Drain());
  CHECK(store.Info("f")->metadata.at("mode") == std::to_string(0102640));
}

TEST_CASE("a copy onto itself keeps what the object had") {
  FakeStore store;
  store.Plant("f", "x", {{"color", "blue"}});
  store.Edit("f", [](s3::ObjectInfo& info) {
    info.headers.content_type = "text/plain";
    info.storage_class = "STANDARD_IA";
  });
  store.AdvanceTime(5);
  const std::int64_t modified = store.Info("f")->last_modified_s;
  Volume volume(store, LongTtl());
  fs::AttributeChange mode;
  mode.mode = 0600;
  REQUIRE(volume.Change("f", mode));
  REQUIRE(volume.fs().Drain());
  const auto info = store.Info("f");
  CHECK(info->metadata.at("color") == "blue");
  CHECK(info->headers.content_type == "text/plain");
  CHECK(info->storage_class == "STANDARD_IA");
  CHECK(info->metadata.at("mtime") == std::to_string(modified));
}

TEST_CASE("extended attributes") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.Write("f", "x"));
  const fs::NodeId node = volume.Look("f")->node;
  auto& fs = volume.fs();
  REQUIRE(fs.SetXattr(node, "user.a", "1", fs::Filesystem::XattrMode::kEither));
  CHECK(*fs.GetXattr(node, "user.a") == "1");
  CHECK(*fs.ListXattrs(node) == std::vector<std::string>{"user.a"});
  CHECK(*fs.GetXattr(node, "user.coffer.key") == "f");
  CHECK(fs.GetXattr(node, "security.selinux").error().code == Code::kUnsupported);
  CHECK(fs.GetXattr(node, "user.none").error().code == Code::kNoAttribute);
  REQUIRE(fs.Drain());
  Volume other(store, LongTtl());
  CHECK(*other.fs().GetXattr(other.Look("f")->node, "user.a") == "1");
  REQUIRE(fs.RemoveXattr(node, "user.a"));
  CHECK(fs.ListXattrs(node)->empty());
  // Bytes that change leave the attributes.
  REQUIRE(fs.SetXattr(node, "user.b", "2", fs::Filesystem::XattrMode::kEither));
  REQUIRE(volume.Write("f", "new"));
  CHECK(*fs.GetXattr(volume.Look("f")->node, "user.b") == "2");
}

TEST_CASE("a streamed file has the attributes of its beginning") {
  FakeStore store;
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("big", O_WRONLY | O_CREAT, 0600);
  REQUIRE(handle);
  const std::string piece(1u << 20, 'x');
  for (std::uint64_t at = 0; at < 10u << 20; at += piece.size()) {
    REQUIRE(volume.fs().Write(*handle, at, AsBytes(piece)));
  }
  SECTION("as it was made") {
    REQUIRE(volume.Close(*handle));
    CHECK(store.Info("big")->metadata.at("mode") == "33152");
    CHECK(store.Info("big")->metadata.contains("mtime"));
  }
  SECTION("a change that came later is sent by fsync") {
    fs::AttributeChange mode;
    mode.mode = 0640;
    REQUIRE(volume.fs().SetAttributes(volume.Look("big")->node, *handle, mode));
    REQUIRE(volume.fs().Fsync(*handle));
    CHECK(store.Info("big")->metadata.at("mode") == "33184");
    REQUIRE(volume.Close(*handle));
    CHECK(volume.Stat("big")->attributes.mode == 0640);
  }
}

TEST_CASE("fsync sends a change of attributes of an open file, and writing goes on") {
  FakeStore::Options ordinary;
  ordinary.copy_changes_etag = GENERATE(false, true);
  FakeStore store(ordinary);
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.fs().Fsync(*handle));
  fs::AttributeChange mode;
  mode.mode = 0600;
  REQUIRE(volume.fs().SetAttributes(volume.Look("f")->node, *handle, mode));
  REQUIRE(volume.fs().Fsync(*handle));
  CHECK(store.Info("f")->metadata.at("mode") == "33152");
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  REQUIRE(volume.Close(*handle));
  CHECK(store.Body("f") == "one two");
  CHECK(store.Info("f")->metadata.at("mode") == "33152");
}

TEST_CASE("a change that waits while the file is open is sent soon after its close") {
  FakeStore store;
  auto options = LongTtl();
  options.attribute_delay = std::chrono::milliseconds(10);
  Volume volume(store, options);
  const auto handle = volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Fsync(*handle));
  fs::AttributeChange mode;
  mode.mode = 0600;
  REQUIRE(volume.fs().SetAttributes(volume.Look("f")->node, *handle, mode));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the timer found it open
  REQUIRE(volume.Close(*handle));
  for (int i = 0; i < 500 && store.Info("f")->metadata.at("mode") != "33152"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(store.Info("f")->metadata.at("mode") == "33152");
}

TEST_CASE("with attributes from listings, a HEAD is asked for a cold name and before a change") {
  FakeStore store;
  store.Plant("f", "x", {{"mode", "33216"}});
  auto options = LongTtl();
  options.exact_attributes = false;
  Volume volume(store, options);
  CHECK(volume.Stat("f")->attributes.mode == 0700);
  CHECK(store.count(Operation::kHead) == 1);
  CHECK(store.count(Operation::kList) == 1);
  Volume listed(store, options);
  REQUIRE(listed.List(""));
  store.ResetCounters();
  CHECK(listed.Stat("f")->attributes.mode == 0644);
  CHECK(store.requests() == 0);
  fs::AttributeChange owner;
  owner.gid = 9;
  REQUIRE(listed.Change("f", owner));
  CHECK(store.count(Operation::kHead) == 1);
  CHECK(store.requests() == 1);
}

TEST_CASE("with attributes from listings, a change keeps what the object has") {
  FakeStore store;
  store.Plant("f", "x",
              {{"mode", "33216"}, {"uid", "7"}, {"xattr", "%7B%22user.a%22%3A%22MQ%3D%3D%22%7D"}});
  auto options = LongTtl();
  options.exact_attributes = false;
  Volume volume(store, options);
  REQUIRE(volume.List(""));
  fs::AttributeChange owner;
  owner.gid = 9;
  REQUIRE(volume.Change("f", owner));
  REQUIRE(volume.fs().Drain());
  const auto metadata = store.Info("f")->metadata;
  CHECK(metadata.at("mode") == "33216");
  CHECK(metadata.at("uid") == "7");
  CHECK(metadata.at("gid") == "9");
  CHECK(metadata.contains("xattr"));
}

}  // namespace coffer::test::filesystem_attributes_test
