#include "fs/tree_rename.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::tree_rename_test {

using test::FakeStore;
using test::Fault;
using test::Operation;

// Everything below a prefix: name -> body and metadata.
using Content = std::map<std::string, std::pair<std::string, s3::Metadata>>;

Content ContentOf(const FakeStore& store, const std::string& prefix) {
  Content content;
  for (const std::string& key : store.Keys(prefix)) {
    content[key.substr(prefix.size())] = {*store.Body(key), store.Info(key)->metadata};
  }
  return content;
}

// A tree with what trees may hold: markers, hidden keys, empty files, awkward bytes.
Content SmallTree(FakeStore& store, const std::string& prefix) {
  store.Plant(prefix, "", {{"mode", "16877"}});
  store.Plant(prefix + "a", "one", {{"mode", "33188"}});
  store.Plant(prefix + "b", "");
  store.Plant(prefix + "sub/", "");
  store.Plant(prefix + "sub/c d\n\xff%", "three", {{"xattr", "x"}});
  store.Plant(prefix + "sub//hidden", "four");
  store.Plant(prefix + "..", "five");
  store.Plant(prefix + "z", "six");
  return ContentOf(store, prefix);
}

struct Setup {
  test::TempDirectory state;
  WorkerPool pool{4};
  TreeRenames::Options options(const std::string& directory) const {
    return {directory, "v", 4, 3};
  }
  TreeRenames Over(FakeStore& store) { return {store, pool, options(state.path())}; }
  std::size_t journals() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(state.path())) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }
};

// Fails the deletion of the page of names that begins with `key`.
FakeStore::Hook FailDeleting(std::string key, Code code) {
  return [=](Operation operation, std::string_view first) -> std::optional<Fault> {
    if (operation != Operation::kDeleteMany || first != key) return std::nullopt;
    return Fault{{code, "as told"}, false};
  };
}

// Fails the k-th request of one kind, before or after it took effect.
FakeStore::Hook FailOne(Operation operation, int k, Code code, bool applied = false) {
  auto seen = std::make_shared<std::atomic<int>>(0);
  return [=](Operation now, std::string_view) -> std::optional<Fault> {
    if (now != operation || ++*seen != k) return std::nullopt;
    return Fault{{code, "as told"}, applied};
  };
}

TEST_CASE("a tree moves whole, with its metadata, for the promised number of requests") {
  FakeStore store;
  Setup setup;
  constexpr int kFiles = 2500;
  store.Plant("v/old/", "", {{"mode", "16877"}});
  for (int i = 1; i < kFiles; ++i) {
    store.Plant("v/old/" + std::to_string(i), std::to_string(i), {{"uid", std::to_string(i)}});
  }
  store.Plant("v/older", "stays");
  const Content before = ContentOf(store, "v/old/");
  TreeRenames renames(store, setup.pool, {setup.state.path(), "v"});
  const auto renamed = renames.Rename({"v/old/", "v/new/", ""});
  REQUIRE(renamed);
  CHECK(renamed->objects == kFiles);
  CHECK(renamed->kept_count == 0);
  CHECK(ContentOf(store, "v/new/") == before);
  CHECK(store.Keys("v/old/").empty());
  CHECK(store.Body("v/older") == "stays");
  CHECK(store.count(Operation::kList) == 3);
  CHECK(store.count(Operation::kCopy) == kFiles);
  CHECK(store.count(Operation::kDeleteMany) == 3);
  CHECK(store.requests() == kFiles + 6);
  CHECK(renames.counters().listed == kFiles);
  CHECK(renames.counters().copied == kFiles);
  CHECK(renames.counters().deleted == kFiles);
  CHECK(setup.journals() == 0);
}

TEST_CASE("hidden keys move too, storage classes stay, ETags may change") {
  FakeStore::Options options;
  options.copy_changes_etag = true;
  FakeStore store(options);
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.Edit("old/a", [](s3::ObjectInfo& info) { info.storage_class = "STANDARD_IA"; });
  REQUIRE(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(ContentOf(store, "new/") == before);
  CHECK(store.Info("new/a")->storage_class == "STANDARD_IA");
  CHECK(store.Keys("old/").empty());
  // Nothing there at all: nothing to do.
  const auto nothing = setup.Over(store).Rename({"none/", "more/", ""});
  REQUIRE(nothing);
  CHECK(nothing->objects == 0);
  CHECK(setup.journals() == 0);
}

TEST_CASE("where markers are not copied, empty ones are made as they were") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.Edit("old/", [](s3::ObjectInfo& info) { info.headers.content_type = "a/b"; });
  auto renames = setup.Over(store);
  store.SetHook([](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kCopy || !key.ends_with('/')) return std::nullopt;
    return Fault{{Code::kUnsupported, "no copies of markers"}};
  });
  SECTION("the tree moves whole") {
    REQUIRE(renames.Rename({"old/", "new/", ""}));
    CHECK(ContentOf(store, "new/") == before);
    CHECK(store.Info("new/")->headers.content_type == "a/b");
    CHECK(store.Keys("old/").empty());
    CHECK(store.count(Operation::kPut) == 2);
  }
  SECTION("and replaces an empty directory") {
    const std::string etag = store.Plant("new/", "", {{"mode", "16832"}});
    REQUIRE(renames.Rename({"old/", "new/", etag}));
    CHECK(ContentOf(store, "new/") == before);
  }
  SECTION("but not over somebody else's") {
    store.Plant("new/", "");
    store.AdvanceTime(10);
    CHECK_FALSE(renames.Rename({"old/", "new/", ""}));
    CHECK(ContentOf(store, "old/") == before);
  }
  SECTION("nor without what only a copy takes along") {
    SECTION("tags") {
      store.Edit("old/sub/", [](s3::ObjectInfo& info) { info.tag_count = 1; });
    }
    SECTION("content") { store.Plant("old/sub/", "a marker with bytes"); }
    const Content all = ContentOf(store, "old/");
    CHECK_FALSE(renames.Rename({"old/", "new/", ""}));
    CHECK(ContentOf(store, "old/") == all);
    CHECK(store.Keys("new/").empty());
  }
}

TEST_CASE("the marker of the empty directory that is replaced gives way") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  const std::string etag = store.Plant("new/", "", {{"mode", "16832"}});
  REQUIRE(setup.Over(store).Rename({"old/", "new/", etag}));
  CHECK(ContentOf(store, "new/") == before);
  CHECK(store.Keys("old/").empty());
}

TEST_CASE("requests that make no sense are refused before any request") {
  FakeStore store;
  Setup setup;
  store.Plant("a/b/", "");
  for (const auto& [from, to] : std::map<std::string, std::string>{
           {"a/b/", "a/b/c/"}, {"a/", "a/"}, {"a/b/c/", "a/b/"}, {"a", "b/"}, {"a/b", "c"}}) {
    CHECK_FALSE(setup.Over(store).Rename({from, to, ""}));
  }
  CHECK(store.requests() == 0);
  const test::TempDirectory other;
  std::filesystem::create_directory(other.path() + "/state");
  std::filesystem::permissions(other.path() + "/state", std::filesystem::perms::all);
  TreeRenames renames(store, setup.pool, {other.path() + "/state", "v"});
  std::filesystem::create_symlink("/proc/self/nowhere", other.path() + "/state/renames");
  CHECK_FALSE(renames.Rename({"a/", "b/", ""}));
  CHECK(store.requests() == 0);
}

TEST_CASE("a copy that fails leaves the old tree whole and nothing of the new one") {
  for (const Code code : {Code::kDenied, Code::kArchived, Code::kTooLarge, Code::kUnavailable,
                          Code::kTimeout, Code::kNameTooLong}) {
    for (const bool applied : {false, true}) {
      if (applied && code != Code::kUnavailable && code != Code::kTimeout) continue;
      for (int k = 1; k <= 8; ++k) {
        FakeStore store;
        Setup setup;
        const Content before = SmallTree(store, "old/");
        store.SetHook(FailOne(Operation::kCopy, k, code, applied));
        const auto renamed = setup.Over(store).Rename({"old/", "new/", ""});
        INFO("copy " << k << " code " << static_cast<int>(code) << " applied " << applied);
        REQUIRE_FALSE(renamed);
        CHECK(renamed.error().code == code);
        CHECK(ContentOf(store, "old/") == before);
        CHECK(store.Keys("new/").empty());
        CHECK(setup.journals() == 0);
      }
    }
  }
}

TEST_CASE("a listing that fails in the middle does the same") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.SetHook(FailOne(Operation::kList, 3, Code::kTimeout));
  CHECK_FALSE(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(ContentOf(store, "old/") == before);
  CHECK(store.Keys("new/").empty());
}

TEST_CASE("a failed rename onto an empty directory leaves it there") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  const std::string etag = store.Plant("new/", "");
  store.SetHook(FailOne(Operation::kCopy, 7, Code::kDenied));
  CHECK_FALSE(setup.Over(store).Rename({"old/", "new/", etag}));
  CHECK(ContentOf(store, "old/") == before);
  CHECK(store.Keys("new/") == std::vector<std::string>{"new/"});
}

TEST_CASE("a name that somebody makes below the new directory is not overwritten") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  bool once = true;
  std::mutex mu;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    const std::lock_guard lock(mu);
    if (operation == Operation::kCopy && once) {
      once = false;
      store.Plant("new/z", "theirs");
    }
    return std::nullopt;
  });
  const auto renamed = setup.Over(store).Rename({"old/", "new/", ""});
  REQUIRE_FALSE(renamed);
  CHECK(renamed.error().code == Code::kExists);
  CHECK(ContentOf(store, "old/") == before);
  CHECK(store.Keys("new/") == std::vector<std::string>{"new/z"});
  CHECK(store.Body("new/z") == "theirs");
}

TEST_CASE("a copy whose reply was lost and that was asked for again is taken for what it is") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.SetHook(FailOne(Operation::kCopy, 4, Code::kExists, true));
  REQUIRE(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(ContentOf(store, "new/") == before);
  CHECK(store.Keys("old/").empty());
}

TEST_CASE("a refusal that does not say which condition failed is looked into") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.SetHook(FailOne(Operation::kCopy, 4, Code::kExists));
  REQUIRE(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(ContentOf(store, "new/") == before);
  CHECK(store.Keys("old/").empty());
}

TEST_CASE("files that change or vanish while the tree is copied") {
  FakeStore store;
  Setup setup;
  Content expected = SmallTree(store, "old/");
  bool once = true;
  std::mutex mu;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    const std::lock_guard lock(mu);
    if (operation == Operation::kCopy && once) {
      once = false;  // after the first page of three names was listed
      for (const char* name : {"old/", "old/..", "old/a"}) store.Plant(name, "newer");
    }
    if (operation == Operation::kDeleteMany) {
      store.Remove("old/z");
      store.Plant("old/b", "written again");
    }
    return std::nullopt;
  });
  const auto renamed = setup.Over(store).Rename({"old/", "new/", ""});
  REQUIRE(renamed);
  for (const char* name : {"", "..", "a"}) expected[name] = {"newer", {}};
  CHECK(ContentOf(store, "new/") == expected);
  CHECK(store.Keys("old/") == std::vector<std::string>{"old/b"});
  CHECK(store.Body("old/b") == "written again");
  CHECK(renamed->kept == std::vector<std::string>{"old/b"});
  CHECK(renamed->kept_count == 1);
}

TEST_CASE("a file that is deleted before it is copied is not missed") {
  FakeStore store;
  Setup setup;
  Content expected = SmallTree(store, "old/");
  store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation == Operation::kCopy && key == "new/a") store.Remove("old/a");
    return std::nullopt;
  });
  const auto renamed = setup.Over(store).Rename({"old/", "new/", ""});
  REQUIRE(renamed);
  expected.erase("a");
  CHECK(renamed->objects == expected.size());
  CHECK(ContentOf(store, "new/") == expected);
}

TEST_CASE("objects too large for one copy carry their metadata along") {
  FakeStore store;
  Setup setup;
  store.Plant("old/big", "pretends to be large", {{"mode", "33152"}});
  store.Edit("old/big", [](s3::ObjectInfo& info) {
    info.size = s3::kMaxCopySize + 1;
    info.headers.content_type = "text/x";
  });
  REQUIRE(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(store.count(Operation::kHead) == 1);
  CHECK(store.Info("new/big")->metadata == s3::Metadata{{"mode", "33152"}});
  CHECK(store.Info("new/big")->headers.content_type == "text/x");
}

TEST_CASE("old names that cannot be deleted are told, and the next mount deletes them") {
  FakeStore store;
  Setup setup;
  const Content before = SmallTree(store, "old/");
  store.SetHook(FailDeleting("old/b", Code::kDenied));
  const auto renamed = setup.Over(store).Rename({"old/", "new/", ""});
  REQUIRE_FALSE(renamed);
  CHECK(renamed.error().code == Code::kDenied);
  CHECK(renamed.error().what.find("\"new/\" is complete") != std::string::npos);
  CHECK(ContentOf(store, "new/") == before);
  CHECK(store.Keys("old/").size() == 3);
  CHECK(setup.journals() == 1);

  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kList) return std::nullopt;
    return Fault{{Code::kUnavailable, "down"}, false};
  });
  const RecoveredRenames failed = setup.Over(store).Recover();
  CHECK(failed.unfinished == 1);
  CHECK(failed.lines.at(0).find("tries again") != std::string::npos);
  CHECK(setup.journals() == 1);
  store.SetHook(nullptr);

  const RecoveredRenames recovered = setup.Over(store).Recover();
  CHECK(recovered.finished == 1);
  REQUIRE(recovered.lines.size() == 1);
  INFO(recovered.lines[0]);
  CHECK(recovered.lines[0].find("3 old names removed") != std::string::npos);
  CHECK(store.Keys("old/").empty());
  CHECK(ContentOf(store, "new/") == before);
  CHECK(setup.journals() == 0);
}

TEST_CASE("recovery deletes no old name that was put there again, nor one whose copy is gone") {
  FakeStore store;
  Setup setup;
  SmallTree(store, "old/");
  store.SetHook(FailDeleting("old/", Code::kUnavailable));
  REQUIRE_FALSE(setup.Over(store).Rename({"old/", "new/", ""}));
  store.SetHook(nullptr);
  CHECK(store.Keys("old/").size() == 3);  // "", "..", "a"
  store.AdvanceTime(1000);
  store.Plant("old/a", "one");  // the same content, but another day's
  store.Remove("new/..");
  const RecoveredRenames recovered = setup.Over(store).Recover();
  CHECK(recovered.finished == 1);
  CHECK(recovered.lines.at(0).find("2 kept") != std::string::npos);
  CHECK(store.Keys("old/") == std::vector<std::string>{"old/..", "old/a"});
  CHECK(setup.journals() == 0);
}

TEST_CASE("a rename at work is left alone by the recovery of another mount") {
  FakeStore store;
  Setup setup;
  SmallTree(store, "old/");
  int recoveries = 0;
  std::mutex mu;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kCopy) return std::nullopt;
    const std::lock_guard lock(mu);
    const RecoveredRenames recovered = setup.Over(store).Recover();
    CHECK(recovered.lines.empty());
    ++recoveries;
    return std::nullopt;
  });
  CHECK(setup.Over(store).Rename({"old/", "new/", ""}));
  CHECK(recoveries == 8);
}

TEST_CASE("a journal that cannot be read is told and kept; an empty one goes") {
  FakeStore store;
  Setup setup;
  CHECK(setup.Over(store).Recover().lines.empty());
  std::string directory;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(setup.state.path())) {
    directory = entry.path();
  }
  std::ofstream(directory + "/1-0.rename") << "";
  std::ofstream(directory + "/1-1.rename") << "H[1,\"torn";
  std::ofstream(directory + "/1-2.rename") << "H[2,\"future\",\"x\",\"\"]\n";
  std::ofstream(directory + "/1-3.rename") << "H[1,\"a/\",\"b/\",\"\"]\nP[[1]]\n";
  const RecoveredRenames recovered = setup.Over(store).Recover();
  CHECK(recovered.unfinished == 2);
  CHECK(recovered.lines.size() == 2);
  CHECK(setup.journals() == 2);
  CHECK(store.count(Operation::kDeleteMany) == 0);
}

// The process dies at its k-th request: the state directory is kept as it is at that moment, and
// the requests after it fail.
struct Crash {
  Crash(FakeStore& store, const std::string& state, std::string copy, int k, bool applied)
      : store_(store) {
    store.SetHook(
        [=, this, copy = std::move(copy)](Operation, std::string_view) -> std::optional<Fault> {
          const std::lock_guard lock(mu_);
          const int now = ++seen_;
          if (now < k) return std::nullopt;
          if (now == k) {
            std::filesystem::copy(state, copy, std::filesystem::copy_options::recursive);
            happened_ = true;
          }
          return Fault{{Code::kUnavailable, "dead"}, applied && now == k};
        });
  }
  ~Crash() { store_.SetHook(nullptr); }
  bool happened() const { return happened_; }

 private:
  FakeStore& store_;
  std::mutex mu_;
  int seen_ = 0;
  std::atomic<bool> happened_{false};
};

// Dies at request k; false when there were fewer. Afterwards, and after the recovery of the next
// mount, nothing may be lost.
bool CrashAndRecover(int k, bool applied, const FakeStore::Options& options, bool replace) {
  FakeStore store(options);
  Setup setup;
  const test::TempDirectory kept;
  const std::string state = kept.path() + "/state";
  const Content before = SmallTree(store, "old/");
  const std::string marker = replace ? store.Plant("new/", "") : "";
  {
    const Crash crash(store, setup.state.path(), state, k, applied);
    const auto renamed = setup.Over(store).Rename({"old/", "new/", marker});
    if (!crash.happened()) {
      REQUIRE(renamed);
      return false;
    }
  }
  const auto check_nothing_lost = [&] {
    const Content old_names = ContentOf(store, "old/");
    const Content new_names = ContentOf(store, "new/");
    for (const auto& [name, content] : before) {
      const bool old_there = old_names.count(name) > 0 && old_names.at(name) == content;
      const bool new_there = new_names.count(name) > 0 && new_names.at(name) == content;
      INFO("name " << name);
      CHECK((old_there || new_there));
    }
  };
  INFO("request " << k << ", applied " << applied << ", replace " << replace);
  check_nothing_lost();
  store.AdvanceTime(100);
  TreeRenames next(store, setup.pool, setup.options(state));
  const RecoveredRenames recovered = next.Recover();
  CHECK(recovered.unfinished == 0);
  check_nothing_lost();
  const Content old_names = ContentOf(store, "old/");
  const Content new_names = ContentOf(store, "new/");
  if (old_names.empty()) {
    CHECK(new_names == before);
  } else {
    CHECK(old_names == before);
    const std::size_t rest = replace ? 1 : 0;
    // Copies whose reply never came are not known for ours when their ETag differs.
    if (!options.copy_changes_etag) CHECK(new_names.size() == rest);
    CHECK(new_names.size() <= rest + 4);
  }
  CHECK(next.Recover().lines.empty());
  // And the user can go on: what is left over is told, nothing stands in the way of the old tree.
  if (!old_names.empty() && new_names.empty()) {
    CHECK(next.Rename({"old/", "new/", ""}));
    CHECK(ContentOf(store, "new/") == before);
  }
  return true;
}

TEST_CASE("death at any request never loses both names, and the next mount tidies up") {
  for (const bool replace : {false, true}) {
    for (const bool real_service : {false, true}) {
      FakeStore::Options options;
      options.copy_changes_etag = real_service;
      options.versioned = real_service;
      for (const bool applied : {false, true}) {
        int k = 1;
        while (CrashAndRecover(k, applied, options, replace)) ++k;
        CHECK(k == 1 + 3 + 8 + 3);  // LISTs, COPYs and DELETEs of eight names in pages of three
      }
    }
  }
}

TEST_CASE("renames of different trees run side by side") {
  FakeStore store;
  Setup setup;
  TreeRenames renames = setup.Over(store);
  std::vector<Content> before;
  constexpr int kTrees = 4;
  for (int i = 0; i < kTrees; ++i) before.push_back(SmallTree(store, std::to_string(i) + "/"));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < kTrees; ++i) {
    threads.emplace_back([&, i] {
      good += renames.Rename({std::to_string(i) + "/", "to" + std::to_string(i) + "/", ""}) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(good == kTrees);
  for (int i = 0; i < kTrees; ++i) {
    CHECK(ContentOf(store, "to" + std::to_string(i) + "/") == before[static_cast<std::size_t>(i)]);
  }
  CHECK(setup.journals() == 0);
}

}  // namespace coffer::fs::tree_rename_test
