// Sequences that once lost or misreported something, each by its own story.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <functional>
#include <thread>
#include <utility>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::filesystem_races_test {

using namespace std::chrono_literals;

fs::FilesystemOptions LongTtl() {
  fs::FilesystemOptions o;
  o.metadata_ttl = o.negative_ttl = o.attribute_delay = std::chrono::minutes(1);
  return o;
}

fs::FilesystemOptions NoTtl() {
  fs::FilesystemOptions o;
  o.metadata_ttl = o.negative_ttl = 0ms;
  return o;
}

// Lets something happen right after a DELETE was done, before its caller knows.
struct AfterStore : FakeStore {
  std::function<void()> after_delete;
  Status Delete(std::string_view key, const s3::Condition& condition) override {
    Status done = FakeStore::Delete(key, condition);
    if (after_delete) std::exchange(after_delete, nullptr)();
    return done;
  }
};

TEST_CASE("an append that could not read the old content leaves it alone") {
  FakeStore store;
  store.Plant("f", "precious");
  Volume v(store, LongTtl());
  REQUIRE(v.Look("f"));
  store.SetHook([](Operation op, std::string_view) -> std::optional<Fault> {
    if (op == Operation::kGet) return Fault{{Code::kDenied, "403"}};
    return std::nullopt;
  });
  auto h = v.Open("f", O_WRONLY | O_APPEND);
  CHECK_FALSE(h);
  CHECK(store.Body("f") == "precious");
}

TEST_CASE("a change that waits goes with the file that is replaced by a rename") {
  FakeStore store;
  store.Plant("a", "1");
  store.Plant("b", "2");
  auto o = LongTtl();
  o.attribute_delay = 10ms;
  Volume v(store, o);
  fs::AttributeChange c;
  c.mode = 0600;
  REQUIRE(v.Change("b", c));
  REQUIRE(v.Rename("a", "b"));
  std::this_thread::sleep_for(100ms);
  CHECK(v.fs().stats().deferred_attribute_changes == 0);
}

TEST_CASE("a waiting change of a file that another machine replaced is told as failed") {
  FakeStore store;
  store.Plant("a", std::string(300000, 'x'));
  auto o = LongTtl();
  o.attribute_delay = 300ms;
  Volume v(store, o);
  auto h = v.Open("a", O_RDONLY);
  REQUIRE(h);
  fs::AttributeChange c;
  c.mode = 0600;
  REQUIRE(v.Change("a", c));
  store.Plant("a", std::string(300001, 'y'));
  CHECK_FALSE(v.fs().Read(*h, 0, 4096));
  std::this_thread::sleep_for(600ms);
  CHECK(v.fs().stats().deferred_attribute_changes == 0);
  CHECK(v.fs().stats().deferred_attribute_failures == 1);
}

TEST_CASE("an unlinked open file answers fstat and fchmod") {
  FakeStore store;
  Volume v(store, LongTtl());
  auto h = v.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(h);
  auto n = v.Look("f")->node;
  REQUIRE(v.Unlink("f"));
  auto a = v.fs().GetAttributes(n, std::nullopt);
  CHECK(a);
  fs::AttributeChange c;
  c.mode = 0600;
  CHECK(v.fs().SetAttributes(n, std::nullopt, c));
}

TEST_CASE("the end of a directory stream does not revive an old listing") {
  FakeStore store;
  store.Plant("d/x", "1");
  auto o = LongTtl();
  o.metadata_ttl = o.negative_ttl = 50ms;
  Volume v(store, o);
  auto d = v.Look("d");
  REQUIRE(d);
  auto s = v.fs().OpenDirectory(d->node);
  REQUIRE(s);
  REQUIRE(v.fs().ReadDirectory(*s, 0, true, [&](const fs::DirectoryEntry&) { return true; }));
  store.Plant("d/new", "2");
  std::this_thread::sleep_for(200ms);
  v.fs().ReleaseDirectory(*s);
  CHECK(v.Look("d/new"));
}

TEST_CASE("implicit ancestors stay when their last key goes") {
  FakeStore store;
  store.Plant("a/b/x", "1");
  Volume v(store, NoTtl());
  REQUIRE(v.Unlink("a/b/x"));
  CHECK(v.Exists("a"));
  CHECK(v.Exists("a/b"));
}

TEST_CASE("a file open for append is read under its new name") {
  FakeStore store;
  auto o = LongTtl();
  o.write.first_part = 100;
  o.write.smallest_part = 50;
  store.Plant("f", std::string(1000, 'x'));
  Volume v(store, o);
  auto w = v.Open("f", O_WRONLY | O_APPEND);
  REQUIRE(w);
  auto r = v.Open("f", O_RDONLY);
  REQUIRE(r);
  REQUIRE(v.Rename("f", "g"));
  auto got = v.fs().Read(*r, 0, 100);
  CHECK(got);
  REQUIRE(v.Close(*w));
}

TEST_CASE("Drain sends attributes of files that stay open") {
  FakeStore store;
  Volume v(store, LongTtl());
  auto h = v.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(h);
  REQUIRE(v.fs().Write(*h, 0, AsBytes("x")));
  REQUIRE(v.fs().Fsync(*h));
  fs::AttributeChange c;
  c.mode = 0600;
  REQUIRE(v.Change("f", c));
  const bool all = v.fs().Drain();
  CHECK((!all || store.Info("f")->metadata.at("mode") == "33152"));
}

TEST_CASE("fsync of a handle that only reads sends what waits") {
  FakeStore store;
  Volume v(store, LongTtl());
  auto h = v.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(h);
  REQUIRE(v.fs().Write(*h, 0, AsBytes("x")));
  REQUIRE(v.fs().Fsync(*h));
  auto r = v.Open("f", O_RDONLY);
  REQUIRE(r);
  fs::AttributeChange c;
  c.mode = 0600;
  REQUIRE(v.Change("f", c));
  REQUIRE(v.fs().Fsync(*r));
  CHECK(store.Info("f")->metadata.at("mode") == "33152");
}

TEST_CASE("unlink asks S3 when a failed write may have been stored") {
  FakeStore store;
  Volume v(store, LongTtl());
  auto h = v.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(h);
  REQUIRE(v.fs().Write(*h, 0, AsBytes("mine")));
  store.SetHook([](Operation op, std::string_view) -> std::optional<Fault> {
    if (op == Operation::kPut) return Fault{{Code::kTimeout, "lost"}, true};
    return std::nullopt;
  });
  CHECK_FALSE(v.fs().Fsync(*h));
  store.SetHook(nullptr);
  CHECK(v.Unlink("f"));
  CHECK_FALSE(store.Has("f"));
  v.fs().Release(*h);
}

TEST_CASE("a rename that failed half-way is asked about anew") {
  FakeStore store;
  store.Plant("a", "1");
  Volume v(store, LongTtl());
  CHECK_FALSE(v.Exists("b"));
  store.SetHook([](Operation op, std::string_view) -> std::optional<Fault> {
    if (op == Operation::kDelete) return Fault{{Code::kTimeout, "down"}};
    return std::nullopt;
  });
  CHECK_FALSE(v.Rename("a", "b"));
  store.SetHook(nullptr);
  CHECK(store.Has("b"));
  CHECK(v.Exists("b"));
}

TEST_CASE("Drain reaches files below a directory that vanished") {
  FakeStore store;
  store.Plant("d/z", "1");
  Volume v(store, NoTtl());
  auto h = v.Open("d/x", O_WRONLY | O_CREAT);
  REQUIRE(h);
  REQUIRE(v.fs().Write(*h, 0, AsBytes("data")));
  store.Remove("d/z");
  (void)v.Look("d");
  CHECK(v.fs().Drain());
  CHECK(store.Has("d/x"));
}

TEST_CASE("a 404 that the listing does not agree with is not an absence") {
  FakeStore store;
  store.Plant("f", "1");
  store.Plant("f.txt", "2");
  Volume v(store, NoTtl());
  bool once = true;
  store.SetHook([&](Operation op, std::string_view) -> std::optional<Fault> {
    if (op != Operation::kHead || !std::exchange(once, false)) return std::nullopt;
    return Fault{{Code::kNotFound, "a proxy's"}};
  });
  CHECK(v.Look("f"));
}

TEST_CASE("who may list and write but not read makes new files, and sees no absence in a refusal") {
  FakeStore store;
  store.Plant("there", "1");
  Volume v(store, NoTtl());
  std::optional<Error> listing;
  store.SetHook([&](Operation op, std::string_view) -> std::optional<Fault> {
    if (op == Operation::kHead) return Fault{{Code::kDenied, "403"}};
    if (op == Operation::kList && listing) return Fault{*listing};
    return std::nullopt;
  });
  CHECK(v.Look("new").error().code == Code::kNotFound);
  CHECK(v.Write("new", "x"));
  CHECK(store.Body("new") == "x");
  CHECK(v.Look("there").error().code == Code::kDenied);
  for (const Code code : {Code::kDenied, Code::kUnavailable}) {
    listing = Error{code, "no listing"};
    CHECK(v.Look("new2").error().code == Code::kDenied);
  }
}

TEST_CASE("a directory is found behind any number of names that sort before it") {
  FakeStore store;
  for (int i = 0; i < 100; ++i) store.Plant("d-" + std::to_string(i), "x");
  store.Plant("d/f", "x");
  Volume v(store, NoTtl());
  const auto found = v.Look("d");
  REQUIRE(found);
  CHECK(found->stat.attributes.type == fs::FileType::kDirectory);
  CHECK(v.Look("d-7"));
  CHECK_FALSE(v.Look("d-"));
}

// Directory buckets: pages in no order.
struct UnsortedStore : FakeStore {
  Result<s3::ListPage> List(const s3::ListRequest& request) override {
    if (!request.prefix.empty() && request.prefix.back() != '/') {
      return Error{Code::kInvalid, "the prefix of a directory bucket ends in '/'"};
    }
    auto page = FakeStore::List(request);
    if (page) std::reverse(page->objects.begin(), page->objects.end());
    if (page) std::reverse(page->prefixes.begin(), page->prefixes.end());
    return page;
  }
};

TEST_CASE("a bucket that lists in no order is shown whole, each name once") {
  UnsortedStore store;
  for (int i = 0; i < 1500; ++i) store.Plant("d/f" + std::to_string(i), "x");
  store.Plant("d/sub/x", "x");
  store.Plant("d/f7/shadows", "x");
  auto o = LongTtl();
  o.sorted_listings = false;
  Volume v(store, o);
  const auto names = v.List("d");
  REQUIRE(names);
  CHECK(names->size() == 1501);
  CHECK(std::adjacent_find(names->begin(), names->end()) == names->end());
  for (const char* name : {"d/f0", "d/f1499", "d/f700", "d/sub"}) CHECK(v.Look(name));
  CHECK(v.Look("d/f7")->stat.attributes.type == fs::FileType::kDirectory);
  CHECK_FALSE(v.Look("d/none"));
}

// Directory buckets: a rename is one request.
struct RenamingVolume {
  RenamingVolume() : store({.renames = true}) {
    auto o = LongTtl();
    o.rename_object = true;
    volume.emplace(store, o);
  }
  FakeStore store;
  std::optional<Volume> volume;
};

TEST_CASE("where a rename is one request, it is one") {
  RenamingVolume bench;
  FakeStore& store = bench.store;
  Volume& v = *bench.volume;
  store.Plant("a", "one", {{"color", "blue"}});
  const auto before = store.Info("a");
  REQUIRE(v.Look("a"));
  store.AdvanceTime(100);
  store.ResetCounters();
  SECTION("onto a free name: bytes, metadata, time and ETag stay") {
    REQUIRE(v.Rename("a", "b"));
    CHECK(store.count(Operation::kRename) == 1);
    CHECK(store.count(Operation::kCopy) + store.count(Operation::kDelete) == 0);
    CHECK(store.Info("b")->metadata.at("color") == "blue");
    CHECK_FALSE(store.Has("a"));
    CHECK(v.Stat("b")->attributes.mtime == before->last_modified_s * fs::kSecond);
    CHECK(*v.Read("b") == "one");
    CHECK(v.Write("b", "again"));
    CHECK_FALSE(v.Exists("a"));
  }
  SECTION("onto a file") {
    store.Plant("b", "two");
    REQUIRE(v.Rename("a", "b"));
    CHECK(store.Body("b") == "one");
    CHECK(store.count(Operation::kRename) == 1);
  }
  SECTION("a name that somebody made meanwhile is not replaced") {
    store.SetHook([&](Operation op, std::string_view) -> std::optional<Fault> {
      if (op == Operation::kRename) store.Plant("b", "theirs");
      return std::nullopt;
    });
    CHECK(v.Rename("a", "b").error().code == Code::kExists);
    CHECK(store.Body("b") == "theirs");
    CHECK(store.Body("a") == "one");
    CHECK(store.count(Operation::kCopy) == 0);
  }
  SECTION("a change of attributes that waits goes with a copy, as elsewhere") {
    fs::AttributeChange mode;
    mode.mode = 0600;
    REQUIRE(v.Change("a", mode));
    REQUIRE(v.Rename("a", "b"));
    CHECK(store.count(Operation::kRename) == 0);
    CHECK(store.count(Operation::kCopy) == 1);
    CHECK(store.Info("b")->metadata.at("mode") == "33152");
  }
  SECTION("where the service refuses it after all, the copy is made") {
    for (const Code code : {Code::kUnsupported, Code::kInvalid, Code::kDenied, Code::kNotFound}) {
      RenamingVolume refused;
      refused.store.Plant("a", "one");
      refused.store.SetHook([&](Operation op, std::string_view) -> std::optional<Fault> {
        if (op != Operation::kRename) return std::nullopt;
        return Fault{{code, "refused"}};
      });
      REQUIRE(refused.volume->Rename("a", "b"));
      CHECK(refused.store.Body("b") == "one");
      CHECK_FALSE(refused.store.Has("a"));
    }
  }
  SECTION("when nobody knows whether it happened, nothing else is tried") {
    store.SetHook([&](Operation op, std::string_view) -> std::optional<Fault> {
      if (op != Operation::kRename) return std::nullopt;
      return Fault{{Code::kTimeout, "lost"}, true};
    });
    CHECK(v.Rename("a", "b").error().code == Code::kTimeout);
    store.SetHook(nullptr);
    CHECK(store.count(Operation::kCopy) == 0);
    CHECK_FALSE(v.Exists("a"));
    CHECK(*v.Read("b") == "one");
  }
}

TEST_CASE("a stat and a read while a file is renamed wait for the end of it") {
  AfterStore store;
  store.Plant("a", std::string(300000, 'x'));
  Volume v(store, NoTtl());
  const auto e = v.Look("a");
  REQUIRE(e);
  const auto h = v.Open("a", O_RDONLY);
  REQUIRE(h);
  std::vector<std::thread> others;
  std::atomic<bool> gone{false}, read{false};
  store.after_delete = [&] {
    others.emplace_back([&] { gone = !v.fs().Lookup(fs::kRootNode, "a"); });
    others.emplace_back([&] { read = v.fs().Read(*h, 0, 4096).has_value(); });
    std::this_thread::sleep_for(100ms);
  };
  REQUIRE(v.Rename("a", "b"));
  for (auto& other : others) other.join();
  CHECK(gone);
  CHECK(read);
  CHECK(v.Read("b"));
  CHECK(v.fs().GetAttributes(v.Look("b")->node, std::nullopt));
  v.fs().Release(*h);
}

}  // namespace coffer::test::filesystem_races_test
