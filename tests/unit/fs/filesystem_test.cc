#include "fs/filesystem.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::filesystem_test {

using Names = std::vector<std::string>;

fs::FilesystemOptions NoTtl() {
  fs::FilesystemOptions options;
  options.metadata_ttl = options.negative_ttl = std::chrono::milliseconds(0);
  return options;
}

Code CodeOf(const Status& status) { return status.error().code; }

TEST_CASE("a file written is an object, and reads back") {
  FakeStore store;
  Volume volume(store);
  REQUIRE(volume.Write("hello", "world\n"));
  CHECK(store.Body("hello") == "world\n");
  CHECK(*volume.Read("hello") == "world\n");
  CHECK(volume.Stat("hello")->size == 6);
  CHECK(volume.Stat("hello")->attributes.mode == 0644);
  CHECK(*volume.List("") == Names{"hello"});
}

TEST_CASE("a mount of a prefix stays below it") {
  FakeStore store;
  store.Plant("p/in", "1");
  store.Plant("out", "2");
  auto options = LongTtl();
  options.prefix = "p/";
  Volume volume(store, options);
  CHECK(*volume.List("") == Names{"in"});
  REQUIRE(volume.Write("new", "x"));
  CHECK(store.Has("p/new"));
}

TEST_CASE("a row of a listing that makes no sense hides its name alone") {
  FakeStore store;
  store.Plant("d/good", "1");
  store.Plant("d/odd", "content");
  store.SpoilListing("d/odd");
  auto options = LongTtl();
  SECTION("exact attributes") {}
  SECTION("attributes of listings") { options.exact_attributes = false; }
  Volume volume(store, options);
  CHECK(*volume.List("d", true) == Names{"good"});
  CHECK(*volume.List("d") == Names{"good"});
  CHECK(*volume.Read("d/good") == "1");
  CHECK(volume.fs().stats().hidden_keys == 1);
  CHECK(volume.fs().stats().hidden_examples == Names{"d/odd"});
  CHECK(volume.notes().lines().size() == 1);
  // S3 itself is asked for what is wanted by name, and the directory is not empty.
  CHECK(volume.Stat("d/odd")->size == 7);
  CHECK(*volume.Read("d/odd") == "content");
  REQUIRE(volume.Unlink("d/good"));
  CHECK(CodeOf(volume.RemoveDirectory("d")) == Code::kNotEmpty);
}

TEST_CASE("request budgets: small files") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.MakeDirectory("d"));
  store.ResetCounters();

  SECTION("create in a directory made here: 1 PUT") {
    REQUIRE(volume.Write("d/f", "x"));
    CHECK(store.requests() == 1);
    CHECK(store.count(Operation::kPut) == 1);
  }
  SECTION("create in a cold directory: at most 3") {
    store.Plant("cold/other", "x");
    REQUIRE(volume.Look("cold"));
    store.ResetCounters();
    REQUIRE(volume.Write("cold/f", "x"));
    CHECK(store.requests() <= 3);
  }
  SECTION("rsync's way: 1 PUT, 1 COPY, 1 DELETE") {
    REQUIRE(volume.Write("d/.f.123456", "x"));
    fs::AttributeChange times;
    times.mtime = times.atime = 1'600'000'000'000'000'000;
    REQUIRE(volume.Change("d/.f.123456", times));
    fs::AttributeChange mode;
    mode.mode = 0600;
    REQUIRE(volume.Change("d/.f.123456", mode));
    fs::AttributeChange owner;
    owner.uid = 1000;
    owner.gid = 1000;
    REQUIRE(volume.Change("d/.f.123456", owner));
    REQUIRE(volume.Rename("d/.f.123456", "d/f"));
    CHECK(store.count(Operation::kPut) == 1);
    CHECK(store.count(Operation::kCopy) == 1);
    CHECK(store.count(Operation::kDelete) == 1);
    CHECK(store.requests() == 3);
    const auto info = store.Info("d/f");
    REQUIRE(info);
    CHECK(info->metadata.at("mtime").starts_with("1600000000"));
    CHECK(info->metadata.at("uid") == "1000");
    CHECK(volume.Stat("d/f")->attributes.mode == 0600);
    CHECK(volume.Stat("d/f")->attributes.mtime == 1'600'000'000'000'000'000);
  }
  SECTION("unlink: 1; rename: 1 COPY, 1 DELETE") {
    REQUIRE(volume.Write("d/f", "x"));
    store.ResetCounters();
    REQUIRE(volume.Rename("d/f", "d/g"));
    CHECK(store.requests() == 2);
    store.ResetCounters();
    REQUIRE(volume.Unlink("d/g"));
    CHECK(store.requests() == 1);
    CHECK_FALSE(volume.Exists("d/g"));
  }
  SECTION("mkdir: 1 PUT; rmdir: 1 LIST, 1 DELETE") {
    REQUIRE(volume.MakeDirectory("d/e"));
    CHECK(store.requests() == 1);
    store.ResetCounters();
    REQUIRE(volume.RemoveDirectory("d/e"));
    CHECK(store.count(Operation::kList) == 1);
    CHECK(store.count(Operation::kDelete) == 1);
    CHECK(store.requests() == 2);
  }
  SECTION("overwrite: 1 PUT; append to a small file: 1 GET, 1 PUT") {
    REQUIRE(volume.Write("d/f", "one"));
    store.ResetCounters();
    REQUIRE(volume.Write("d/f", "two"));
    CHECK(store.requests() == 1);
    store.ResetCounters();
    REQUIRE(volume.Write("d/f", " three", O_APPEND));
    CHECK(store.count(Operation::kGet) == 1);
    CHECK(store.count(Operation::kPut) == 1);
    CHECK(store.requests() == 2);
    CHECK(store.Body("d/f") == "two three");
  }
}

TEST_CASE("request budgets: listings") {
  FakeStore store;
  constexpr int kFiles = 50;
  for (int i = 0; i < kFiles; ++i) store.Plant("d/f" + std::to_string(100 + i), "x");
  store.AdvanceTime(10);
  Volume volume(store, LongTtl());
  REQUIRE(volume.List("d"));
  CHECK(store.count(Operation::kList) == 2);  // what "d" is, and the directory
  store.ResetCounters();
  const Names names = *volume.List("d", true);
  for (const auto& name : names) REQUIRE(volume.Stat("d/" + name));
  CHECK(store.count(Operation::kList) == 0);
  CHECK(store.count(Operation::kHead) == kFiles);
  store.ResetCounters();
  const Names again = *volume.List("d", true);
  for (const auto& name : again) REQUIRE(volume.Stat("d/" + name));
  CHECK(store.requests() == 0);

  SECTION("open, read and close of a listed small file: 1 GET") {
    REQUIRE(volume.Read("d/f100"));
    CHECK(store.requests() == 1);
    CHECK(store.count(Operation::kGet) == 1);
  }
}

TEST_CASE("with attributes from listings, nothing is asked for a mode") {
  FakeStore store;
  store.Plant("d/f", "x", {{"mode", "33216"}});
  auto options = LongTtl();
  options.exact_attributes = false;
  Volume volume(store, options);
  REQUIRE(volume.List("d"));
  store.ResetCounters();
  CHECK(volume.Stat("d/f")->attributes.mode == 0644);
  CHECK(store.requests() == 0);
}

TEST_CASE("what another machine does is seen") {
  FakeStore store;
  Volume volume(store, NoTtl());
  REQUIRE(volume.Write("f", "ours"));
  store.Plant("f", "theirs, longer");
  CHECK(*volume.Read("f") == "theirs, longer");
  store.Plant("new", "n");
  CHECK(*volume.List("") == Names{"f", "new"});
  store.Remove("f");
  CHECK(volume.Read("f").error().code == Code::kNotFound);
}

TEST_CASE("an open reader keeps its version or is told, never a mix") {
  FakeStore store;
  const std::string old_bytes(1 << 20, 'a');
  store.Plant("f", old_bytes);
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_RDONLY);
  REQUIRE(handle);
  REQUIRE(volume.fs().Read(*handle, 0, 4096));
  store.Plant("f", std::string(1 << 20, 'b'));
  for (std::uint64_t at = 0; at < old_bytes.size(); at += 128u << 10) {
    auto slices = volume.fs().Read(*handle, at, 128u << 10);
    if (!slices) {
      CHECK(slices.error().code == Code::kChanged);
      continue;
    }
    for (const auto& slice : *slices) {
      CHECK(AsText(slice.bytes).find_first_not_of('a') == std::string_view::npos);
    }
  }
  volume.fs().Release(*handle);
  CHECK((*volume.Read("f"))[0] == 'b');
}

TEST_CASE("a lost update is told, and the bytes are rescued") {
  FakeStore store;
  store.Plant("f", "base");
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_WRONLY | O_TRUNC);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("mine")));
  store.Plant("f", "theirs");
  const Status closed = volume.Close(*handle);
  REQUIRE_FALSE(closed);
  CHECK(CodeOf(closed) == Code::kChanged);
  CHECK(store.Body("f") == "theirs");
  CHECK(volume.fs().stats().rescued_files == 1);
  CHECK(*volume.Read("f") == "theirs");
}

TEST_CASE("O_EXCL is decided by the first commit") {
  FakeStore store;
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_WRONLY | O_CREAT | O_EXCL);
  REQUIRE(handle);
  store.Plant("f", "theirs");
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("mine")));
  CHECK(CodeOf(volume.Close(*handle)) == Code::kExists);
  CHECK(store.Body("f") == "theirs");
}

TEST_CASE("existing content is not changed in place, and stays untouched") {
  FakeStore store;
  store.Plant("f", "content");
  Volume volume(store);
  for (const int flags : {O_RDWR, O_WRONLY, O_RDWR | O_APPEND}) {
    CHECK(volume.Open("f", flags).error().code == Code::kUnsupported);
  }
  CHECK(store.Body("f") == "content");
  CHECK(volume.Open("f", O_RDONLY));
}

TEST_CASE("fsync commits, writing goes on, and an error sticks") {
  FakeStore store;
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.fs().Fsync(*handle));
  CHECK(store.Body("f") == "one");
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  SECTION("the next fsync takes the rest along") {
    REQUIRE(volume.fs().Fsync(*handle));
    CHECK(store.Body("f") == "one two");
    REQUIRE(volume.Close(*handle));
  }
  SECTION("a failure is said again by every later call") {
    store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
      if (operation != Operation::kPut) return std::nullopt;
      return Fault{{Code::kUnavailable, "down"}};
    });
    CHECK_FALSE(volume.fs().Fsync(*handle));
    store.SetHook(nullptr);
    CHECK_FALSE(volume.fs().Fsync(*handle));
    CHECK_FALSE(volume.fs().Write(*handle, 7, AsBytes("x")));
    CHECK_FALSE(volume.Close(*handle));
    CHECK(store.Body("f") == "one");
  }
}

TEST_CASE("a failed close leaves the old object and no new name") {
  FakeStore store;
  Volume volume(store, LongTtl());
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kPut) return std::nullopt;
    return Fault{{Code::kDenied, "403"}};
  });
  CHECK(CodeOf(volume.Write("new", "x")) == Code::kDenied);
  store.SetHook(nullptr);
  CHECK_FALSE(volume.Exists("new"));
  CHECK(volume.List("")->empty());
}

TEST_CASE("directories: implicit ones, markers, and the last entry") {
  FakeStore store;
  store.Plant("a/b/c", "x");
  Volume volume(store, LongTtl());
  CHECK(*volume.List("a") == Names{"b"});
  CHECK(CodeOf(volume.RemoveDirectory("a/b")) == Code::kNotEmpty);
  REQUIRE(volume.Unlink("a/b/c"));
  // Nothing is left in S3, yet the directories do not vanish under their user.
  CHECK(store.Keys().empty());
  CHECK(volume.Exists("a/b"));
  CHECK(*volume.List("a") == Names{"b"});
  REQUIRE(volume.RemoveDirectory("a/b"));
  REQUIRE(volume.RemoveDirectory("a"));
  CHECK(volume.List("")->empty());
}

TEST_CASE("a directory hides a file of the same name, which is counted") {
  FakeStore store;
  store.Plant("a", "file");
  store.Plant("a/b", "x");
  store.Plant("c//d", "x");
  Volume volume(store, LongTtl());
  CHECK(*volume.List("") == Names{"a", "c"});
  CHECK(volume.Look("a")->stat.attributes.type == fs::FileType::kDirectory);
  CHECK(volume.List("c")->empty());
  CHECK(volume.fs().stats().hidden_keys == 2);
  CHECK(CodeOf(volume.RemoveDirectory("c")) == Code::kNotEmpty);
}

TEST_CASE("Hadoop's directory markers are directories") {
  FakeStore store;
  store.Plant("empty_$folder$", "");
  store.Plant("full_$folder$", "");
  store.Plant("full/f", "x");
  store.Plant("file_$folder$", "has content");
  Volume volume(store, LongTtl());
  CHECK(*volume.List("") == Names{"empty", "file_$folder$", "full"});
  CHECK(volume.Look("empty")->stat.attributes.type == fs::FileType::kDirectory);
  CHECK(volume.List("empty")->empty());
  REQUIRE(volume.RemoveDirectory("empty"));
  CHECK_FALSE(store.Has("empty_$folder$"));
  CHECK(*volume.List("") == Names{"file_$folder$", "full"});
}

TEST_CASE("a rename keeps the storage class") {
  FakeStore store;
  store.Plant("f", "x");
  store.Edit("f", [](s3::ObjectInfo& info) { info.storage_class = "STANDARD_IA"; });
  Volume volume(store, LongTtl());
  REQUIRE(volume.Rename("f", "g"));
  CHECK(store.Info("g")->storage_class == "STANDARD_IA");
}

TEST_CASE("rename: files, onto files, directories") {
  FakeStore store;
  Volume volume(store, LongTtl());
  REQUIRE(volume.Write("f", "1"));
  REQUIRE(volume.Write("g", "2"));
  CHECK(CodeOf(volume.Rename("f", "g", true)) == Code::kExists);
  REQUIRE(volume.Rename("f", "g"));
  CHECK(*volume.Read("g") == "1");
  CHECK_FALSE(volume.Exists("f"));

  REQUIRE(volume.MakeDirectory("d"));
  REQUIRE(volume.MakeDirectory("d/sub"));
  REQUIRE(volume.Write("d/sub/x", "x"));
  CHECK(CodeOf(volume.Rename("g", "d")) == Code::kIsDirectory);
  CHECK(CodeOf(volume.Rename("d", "d/sub/e")) == Code::kInvalid);
  REQUIRE(volume.Rename("d", "e"));
  CHECK(*volume.Read("e/sub/x") == "x");
  CHECK_FALSE(volume.Exists("d"));
  CHECK(store.Keys("d").empty());
  REQUIRE(volume.MakeDirectory("empty"));
  REQUIRE(volume.Rename("e", "empty"));
  CHECK(*volume.Read("empty/sub/x") == "x");
}

TEST_CASE("an open writer is renamed and removed with its file") {
  FakeStore store;
  Volume volume(store, LongTtl());
  const auto handle = volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.Rename("f", "g"));
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  SECTION("renamed") {
    REQUIRE(volume.Close(*handle));
    CHECK(store.Keys() == Names{"g"});
    CHECK(store.Body("g") == "one two");
  }
  SECTION("removed: commits nothing") {
    REQUIRE(volume.Unlink("g"));
    REQUIRE(volume.Close(*handle));
    CHECK(store.Keys().empty());
  }
}

TEST_CASE("a file being written goes along with its directory") {
  FakeStore::Options ordinary;
  ordinary.copy_changes_etag = GENERATE(false, true);
  FakeStore store(ordinary);
  Volume volume(store, LongTtl());
  REQUIRE(volume.MakeDirectory("d"));
  const auto handle = volume.Open("d/f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(volume.Rename("d", "e"));
  REQUIRE(volume.fs().Write(*handle, 3, AsBytes(" two")));
  REQUIRE(volume.Close(*handle));
  CHECK(store.Keys() == Names{"e/", "e/f"});
  CHECK(store.Body("e/f") == "one two");
}

TEST_CASE("the name tells the content type, when asked to") {
  FakeStore store;
  auto options = LongTtl();
  options.infer_content_type = true;
  Volume volume(store, options);
  REQUIRE(volume.Write("index.html", "x"));
  CHECK(store.Info("index.html")->headers.content_type == "text/html");
  REQUIRE(volume.Write("index.html", "y"));
  CHECK(store.Info("index.html")->headers.content_type == "text/html");
}

TEST_CASE("a read-only mount refuses every change") {
  FakeStore store;
  store.Plant("f", "x");
  auto options = LongTtl();
  options.read_only = true;
  Volume volume(store, options);
  CHECK(CodeOf(volume.Write("f", "y")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Write("g", "y")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Unlink("f")) == Code::kReadOnly);
  CHECK(CodeOf(volume.MakeDirectory("d")) == Code::kReadOnly);
  CHECK(CodeOf(volume.Rename("f", "g")) == Code::kReadOnly);
  CHECK(*volume.Read("f") == "x");
}

TEST_CASE("names that are too long, and odd ones") {
  FakeStore store;
  Volume volume(store);
  CHECK(CodeOf(volume.Write(std::string(256, 'n'), "x")) == Code::kNameTooLong);
  REQUIRE(volume.Write(std::string(255, 'n'), "x"));
  for (const std::string name : {" ", "a\nb", "%2F", "+", "é", "-rf"}) {
    REQUIRE(volume.Write(name, name));
    CHECK(*volume.Read(name) == name);
  }
}

TEST_CASE("a large file streams; nothing is left in the bucket when it fails") {
  FakeStore store;
  Volume volume(store, LongTtl());
  std::string big(20u << 20, 'x');
  for (std::size_t i = 0; i < big.size(); i += 4096)
    big[i] = static_cast<char>('a' + i / 4096 % 26);
  store.ResetCounters();
  REQUIRE(volume.Write("big", big));
  CHECK(store.count(Operation::kUploadPart) + 2 >= store.requests() - 3);
  CHECK(store.count(Operation::kCompleteUpload) == 1);
  CHECK(*volume.Read("big") == big);
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kUploadPart) return std::nullopt;
    return Fault{{Code::kUnavailable, "down"}};
  });
  CHECK_FALSE(volume.Write("big", big));
  store.SetHook(nullptr);
  CHECK(store.open_uploads() == 0);
  CHECK(*volume.Read("big") == big);
}

TEST_CASE("a local change wins over an answer to an older question") {
  FakeStore::Options slow;
  slow.latency = std::chrono::milliseconds(30);
  FakeStore store(slow);
  Volume volume(store, LongTtl());
  for (int round = 0; round < 10; ++round) {
    const std::string name = "f" + std::to_string(round);
    std::thread lister([&] { (void)volume.List(""); });
    std::thread looker([&] { (void)volume.Look(name); });
    REQUIRE(volume.Write(name, "x"));
    CHECK(volume.Exists(name));
    lister.join();
    looker.join();
    CHECK(volume.Exists(name));
    const auto names = *volume.List("");
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
}

}  // namespace coffer::test::filesystem_test
