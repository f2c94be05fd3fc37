// Files under Object Lock: shown as immutable, refused to be changed, asked about again before
// anything that cannot be undone; and what that costs.

#include <sys/xattr.h>

#include <catch2/catch.hpp>
#include <string>

#include "fs/filesystem.h"
#include "fs/locking_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::locked_files_test {

constexpr std::int64_t kHour = 3600;

struct Bench {
  static FakeStore::Options StoreOptions(bool hides) {
    FakeStore::Options options;
    options.versioned = true;
    options.object_lock = true;
    options.hides_locks = hides;
    options.start_time_s = s3::FakeClock::kStart_s;
    return options;
  }
  static fs::FilesystemOptions Options(fs::LockPolicy policy) {
    auto options = LongTtl();
    policy.enabled = true;
    options.locks = policy;
    return options;
  }
  explicit Bench(fs::LockPolicy policy = {})
      : store(StoreOptions(!policy.visible)),
        volume(store, Options(std::move(policy)), {.clock = &clock}) {}

  void Plant(const std::string& key) {
    store.Plant(key, "content");
    Pass(5);
  }
  // As somebody else does.
  void Lock(const std::string& key, s3::Lock lock) {
    store.Edit(key, [&](s3::ObjectInfo& info) { info.lock = lock; });
  }
  void LockFor(const std::string& key, std::int64_t seconds) {
    Lock(key, {"GOVERNANCE", store.now() + seconds, false});
  }
  void Pass(std::int64_t seconds) {
    clock.Advance(std::chrono::seconds(seconds));
    store.AdvanceTime(seconds);
  }
  fs::NodeId Node(const std::string& path) { return volume.Look(path)->node; }
  Code Set(const std::string& path, const std::string& name, const std::string& value) {
    const auto set = volume.fs().SetXattr(Node(path), "user.coffer.lock." + name, value,
                                          fs::Filesystem::XattrMode::kEither);
    return set ? Code::kBusy : set.error().code;  // kBusy: it did
  }
  std::string Get(const std::string& path, const std::string& name) {
    const auto got = volume.fs().GetXattr(Node(path), "user.coffer.lock." + name);
    return got ? *got : "";
  }
  int Spent(Operation operation) const { return store.count(operation); }

  s3::FakeClock clock;
  FakeStore store;
  Volume volume;
};

constexpr Code kDone = Code::kBusy;

Code CodeOf(const Status& status) { return status ? kDone : status.error().code; }

fs::AttributeChange ModeOf(std::uint32_t mode) {
  fs::AttributeChange change;
  change.mode = mode;
  return change;
}

TEST_CASE("locks: a locked file looks immutable, until its time is over by the service's clock") {
  for (const bool strip : {true, false}) {
    Bench bench({.strip_write_bits = strip});
    bench.Plant("f");
    bench.LockFor("f", kHour / 2);
    CHECK(bench.volume.Stat("f")->attributes.mode == (strip ? 0444 : 0644));
    CHECK(*bench.volume.fs().IsImmutable(bench.Node("f")));
    CHECK(bench.Get("f", "mode") == "GOVERNANCE");
    CHECK(bench.Get("f", "retain-until") == "2026-01-02T03:34:10Z");
    CHECK(bench.Get("f", "legal-hold").empty());
    bench.Pass(kHour / 2);
    CHECK(bench.volume.Stat("f")->attributes.mode == 0644);
    CHECK_FALSE(*bench.volume.fs().IsImmutable(bench.Node("f")));
    CHECK(bench.Get("f", "mode").empty());
    CHECK(bench.volume.Write("f", "new"));
  }
}

TEST_CASE("locks: what ext4 refuses on +i is refused, and nothing is sent") {
  Bench bench;
  bench.Plant("d/f");
  bench.Plant("d/free");
  bench.LockFor("d/f", kHour);
  fs::AttributeChange size;
  size.size = 0;
  fs::AttributeChange owner;
  owner.uid = 7;
  fs::AttributeChange time;
  time.mtime = 5;
  auto& fs = bench.volume.fs();
  const auto either = fs::Filesystem::XattrMode::kEither;
  for (const int flags : {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDONLY | O_TRUNC}) {
    const auto opened = bench.volume.Open("d/f", flags);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kLocked);
  }
  CHECK(CodeOf(bench.volume.Write("d/f", "x", O_APPEND)) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Change("d/f", size)) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Change("d/f", owner)) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Change("d/f", time)) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Change("d/f", {})) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Change("d/f", ModeOf(0600))) == Code::kLocked);
  CHECK(CodeOf(fs.SetXattr(bench.Node("d/f"), "user.a", "1", either)) == Code::kLocked);
  CHECK(CodeOf(fs.SetXattr(bench.Node("d/f"), "security.a", "1", either)) == Code::kLocked);
  CHECK(CodeOf(fs.RemoveXattr(bench.Node("d/f"), "user.none")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Unlink("d/f")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Rename("d/f", "d/g")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Rename("d/free", "d/f")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Rename("d/free", "d/f", true)) == Code::kExists);
  CHECK(CodeOf(bench.volume.Rename("d", "e")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.RemoveDirectory("d")) == Code::kNotEmpty);
  REQUIRE(fs.Drain());
  for (const Operation change : {Operation::kPut, Operation::kCopy, Operation::kDelete,
                                 Operation::kDeleteMany, Operation::kCreateUpload}) {
    CHECK(bench.Spent(change) == 0);
  }
  CHECK(*bench.volume.Read("d/f") == "content");
}

TEST_CASE("locks: chmod to the stored or the shown mode is no change") {
  Bench bench;
  bench.Plant("f");
  bench.LockFor("f", kHour);
  CHECK(bench.volume.Change("f", ModeOf(0444)));
  CHECK(bench.volume.Change("f", ModeOf(0644)));
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
  REQUIRE(bench.volume.fs().Drain());
  CHECK(bench.Spent(Operation::kCopy) == 0);
}

TEST_CASE("locks: one that came after the last look is met before anything is done") {
  Bench bench;
  for (const char* key : {"f", "g", "h", "i", "d/f"}) bench.Plant(key);
  for (const char* key : {"f", "g", "h", "i", "d/f"}) REQUIRE(bench.volume.Stat(key));
  const auto handle = bench.volume.Open("h", O_WRONLY | O_TRUNC);
  REQUIRE(handle);
  REQUIRE(bench.volume.fs().Write(*handle, 0, AsBytes("new")));
  REQUIRE(bench.volume.Change("i", ModeOf(0600)));
  for (const char* key : {"f", "g", "h", "i", "d/f"}) bench.LockFor(key, kHour);
  CHECK(CodeOf(bench.volume.Unlink("f")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Rename("f", "f2")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Rename("d", "e")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Close(*handle)) == Code::kLocked);
  CHECK_FALSE(bench.volume.fs().Drain());
  CHECK(bench.volume.fs().stats().deferred_attribute_failures == 1);
  CHECK(bench.volume.fs().stats().rescued_files == 1);
  for (const char* key : {"f", "g", "h", "i", "d/f"}) CHECK(*bench.store.Body(key) == "content");
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
}

TEST_CASE("locks: what they cost, and that buckets without pay nothing") {
  for (const bool enabled : {true, false}) {
    Bench bench;
    FakeStore plain;
    Volume without(plain, LongTtl());
    FakeStore& store = enabled ? bench.store : plain;
    Volume& volume = enabled ? bench.volume : without;
    const int more = enabled ? 1 : 0;
    for (const char* key : {"a", "b", "c", "over"}) store.Plant(key, "x");
    for (const char* key : {"a", "b", "c", "over"}) REQUIRE(volume.Stat(key));
    const auto cost = [&](const Status& status) {
      REQUIRE(status);
      const int heads = store.count(Operation::kHead);
      const int all = store.requests();
      store.ResetCounters();
      return std::pair(all - heads, heads);
    };
    REQUIRE_FALSE(volume.Stat("new"));
    store.ResetCounters();
    CHECK(cost(volume.Write("new", "x")) == std::pair(1, 0));
    CHECK(cost(volume.Write("over", "y")) == std::pair(1, more));
    CHECK(cost(volume.Unlink("a")) == std::pair(1, more));
    CHECK(cost(volume.Rename("b", "a")) == std::pair(2, more));
    CHECK(cost(volume.Rename("c", "a")) == std::pair(2, 2 * more));
  }
}

TEST_CASE("locks: a directory's files are looked at before and after they are copied") {
  Bench bench;
  for (const char* key : {"d/", "d/f", "d/g"}) bench.Plant(key);
  REQUIRE(bench.volume.Stat("d"));
  REQUIRE_FALSE(bench.volume.Stat("e"));
  bench.store.ResetCounters();
  SECTION("unlocked") {
    REQUIRE(bench.volume.Rename("d", "e"));
    CHECK(bench.store.Keys() == std::vector<std::string>{"e/", "e/f", "e/g"});
    CHECK(bench.Spent(Operation::kHead) == 4);
    CHECK(bench.Spent(Operation::kDelete) == 3);
    CHECK(bench.Spent(Operation::kDeleteMany) == 0);
  }
  SECTION("locked in between: the old name stays, and is told") {
    bench.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
      if (operation == Operation::kCopy && key == "e/g") bench.LockFor("d/f", kHour);
      return std::nullopt;
    });
    REQUIRE(bench.volume.Rename("d", "e"));
    CHECK(bench.store.Keys() == std::vector<std::string>{"d/f", "e/", "e/f", "e/g"});
    REQUIRE(bench.volume.notes().lines().size() == 1);
    CHECK(bench.volume.notes().lines()[0].find("d/f") != std::string::npos);
  }
}

TEST_CASE("locks: chattr is the legal hold, read back; -i while retention runs is refused") {
  Bench bench;
  bench.Plant("f");
  const fs::NodeId node = bench.Node("f");
  REQUIRE(bench.volume.fs().SetImmutable(node, true));
  CHECK(bench.store.Info("f")->lock == s3::Lock{"", 0, true});
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
  CHECK(bench.Get("f", "legal-hold") == "ON");
  bench.store.ResetCounters();
  REQUIRE(bench.volume.fs().SetImmutable(node, true));
  CHECK(bench.store.requests() == 0);
  REQUIRE(bench.volume.fs().SetImmutable(node, false));
  CHECK_FALSE(bench.store.Info("f")->lock.legal_hold);
  CHECK(bench.volume.Stat("f")->attributes.mode == 0644);

  bench.Lock("f", {"GOVERNANCE", bench.store.now() + kHour, true});
  REQUIRE(bench.Get("f", "legal-hold") == "ON");
  CHECK(CodeOf(bench.volume.fs().SetImmutable(node, false)) == Code::kLocked);
  CHECK(bench.store.Info("f")->lock.legal_hold);
  CHECK(bench.Set("f", "legal-hold", "off") == kDone);
  CHECK_FALSE(bench.store.Info("f")->lock.legal_hold);
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
}

TEST_CASE("locks: setfattr sets and extends retention, and weakens nothing") {
  Bench bench;
  bench.Plant("f");
  CHECK(bench.Set("f", "mode", "GOVERNANCE") == Code::kInvalid);
  CHECK(bench.Set("f", "retain-until", "tomorrow") == Code::kInvalid);
  CHECK(bench.Set("f", "retain-until", "2020-01-01T00:00:00Z") == Code::kInvalid);
  CHECK(bench.Set("f", "colour", "red") == Code::kInvalid);
  CHECK(bench.Spent(Operation::kPutRetention) == 0);
  CHECK(bench.Set("f", "retain-until", "2030-01-01T00:00:00Z") == kDone);
  CHECK(bench.Get("f", "mode") == "GOVERNANCE");
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
  CHECK(bench.Set("f", "retain-until", "2029-01-01T00:00:00Z") == Code::kLocked);
  CHECK(bench.Spent(Operation::kPutRetention) == 1);
  CHECK(bench.Set("f", "retain-until", "2031-01-01T00:00:00Z") == kDone);
  CHECK(bench.Get("f", "retain-until") == "2031-01-01T00:00:00Z");
  CHECK(bench.Set("f", "mode", "governance") == kDone);
  CHECK(bench.Set("f", "mode", "COMPLIANCE") == Code::kNotPermitted);
  CHECK(CodeOf(bench.volume.fs().RemoveXattr(bench.Node("f"), "user.coffer.lock.mode")) ==
        Code::kNotPermitted);
  bench.Lock("f", {"COMPLIANCE", bench.store.now() + kHour, false});
  CHECK(bench.Set("f", "retain-until", "2032-01-01T00:00:00Z") == Code::kNotPermitted);
}

TEST_CASE("locks: compliance is set only where the mount allows it") {
  Bench bench({.allow_compliance = true});
  bench.Plant("f");
  bench.Lock("f", {"COMPLIANCE", bench.store.now() + kHour, false});
  CHECK(bench.Set("f", "retain-until", "2032-01-01T00:00:00Z") == kDone);
  CHECK(bench.store.Info("f")->lock.mode == "COMPLIANCE");
  CHECK(bench.Set("f", "mode", "GOVERNANCE") == Code::kLocked);
}

TEST_CASE("locks: what was written before the lock is in the version that is locked") {
  Bench bench;
  const auto handle = bench.volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(bench.volume.fs().Write(*handle, 0, AsBytes("before")));
  REQUIRE(bench.volume.fs().SetImmutable(bench.Node("f"), true));
  CHECK(*bench.store.Body("f") == "before");
  CHECK(bench.store.Info("f")->lock.legal_hold);
  const auto after = bench.volume.fs().Write(*handle, 6, AsBytes("after"));
  REQUIRE_FALSE(after);
  CHECK(after.error().code == Code::kLocked);
  CHECK(bench.volume.Close(*handle));
  CHECK(*bench.store.Body("f") == "before");
}

TEST_CASE("locks: a bucket's default retention does not stop the writer whose version it locks") {
  Bench bench({.default_mode = "GOVERNANCE", .default_period_s = kHour});
  bench.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation == Operation::kHead) bench.LockFor(std::string(key), kHour);  // as the bucket did
    return std::nullopt;
  });
  const auto handle = bench.volume.Open("f", O_WRONLY | O_CREAT);
  REQUIRE(handle);
  REQUIRE(bench.volume.fs().Write(*handle, 0, AsBytes("one")));
  REQUIRE(bench.volume.fs().Fsync(*handle));
  CHECK(bench.volume.Stat("f")->attributes.mode == 0444);
  REQUIRE(bench.volume.fs().Write(*handle, 3, AsBytes("two")));
  CHECK(bench.volume.Close(*handle));
  CHECK(*bench.store.Body("f") == "onetwo");
  CHECK(CodeOf(bench.volume.Write("f", "x")) == Code::kLocked);
  CHECK(CodeOf(bench.volume.Unlink("f")) == Code::kLocked);
}

TEST_CASE(
    "locks: a symbolic link that was just made is given its times, and a moment later is not") {
  Bench bench({.default_mode = "GOVERNANCE", .default_period_s = kHour});
  bench.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation == Operation::kHead) bench.LockFor(std::string(key), kHour);  // as the bucket did
    return std::nullopt;
  });
  fs::Filesystem& volume = bench.volume.fs();
  fs::AttributeChange times;
  times.mtime = 1'000'000'000'000'000'000;
  const auto link = volume.MakeSymlink(fs::kRootNode, "link", "target", {});
  REQUIRE(link);
  CHECK(CodeOf(bench.volume.Unlink("link")) == Code::kLocked);
  REQUIRE(volume.SetAttributes(link->node, std::nullopt, times));
  REQUIRE(volume.Drain());
  CHECK(bench.store.count(Operation::kCopy) == 1);
  CHECK(bench.store.Info("link")->metadata.contains("mtime"));
  bench.Pass(61);
  times.mtime = 2'000'000'000'000'000'000;
  const auto late = volume.SetAttributes(link->node, std::nullopt, times);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Code::kLocked);
  CHECK(bench.store.count(Operation::kCopy) == 1);
}

TEST_CASE("locks: with --locked=versioned changes lie over what is locked, and ask for nothing") {
  Bench bench({.versioned = true});
  for (const char* key : {"over", "gone", "moved", "mode", "tree/a"}) {
    bench.Plant(key);
    bench.LockFor(key, kHour);
  }
  bench.Lock("over", {"GOVERNANCE", bench.store.now() + kHour, false});
  CHECK(bench.volume.Stat("over")->attributes.mode == 0644);
  CHECK(*bench.volume.fs().IsImmutable(bench.Node("over")));
  CHECK(bench.Get("over", "mode") == "GOVERNANCE");
  bench.store.ResetCounters();
  CHECK(bench.volume.Write("over", "new"));
  CHECK(bench.volume.Unlink("gone"));
  CHECK(bench.volume.Rename("moved", "moved-2"));
  CHECK(bench.volume.Change("mode", ModeOf(0600)));
  CHECK(bench.volume.Rename("tree", "tree-2"));
  REQUIRE(bench.volume.fs().Drain());
  CHECK(*bench.store.Body("over") == "new");
  CHECK_FALSE(bench.store.Has("gone"));
  const auto versions = bench.store.ListVersions("", "", "");
  REQUIRE(versions);
  int kept = 0;
  for (const auto& version : versions->versions) {
    if (version.delete_marker) continue;
    const auto info = bench.store.Head(version.key, {"", version.version_id});
    if (info && info->lock.Retained(bench.store.now())) ++kept;
  }
  CHECK(kept == 5);
  CHECK(bench.volume.fs().SetImmutable(bench.Node("mode"), true));
  CHECK(bench.volume.fs().SetImmutable(bench.Node("mode"), false));
  CHECK_FALSE(bench.store.Info("mode")->lock.legal_hold);
}

// A rule's lock, as the mount puts it there. Once as it is read back, once as it cannot be.
TEST_CASE(
    "locks: what a rule locks is its writer's own until the last close, late attributes too") {
  for (const bool visible : {true, false}) {
    s3::FakeClock clock;
    FakeStore store(Bench::StoreOptions(!visible));
    s3::ServerTime time{clock};
    fs::LockingStore locking(store, time);
    auto rules = fs::ParseLockRules({"**=governance:1h"}, {});
    REQUIRE(rules);
    const fs::LockPolicy policy{.enabled = true, .visible = visible};
    locking.SetRules({"", fs::LockRules(*std::move(rules), true), {}, policy, true});
    auto options = Bench::Options(policy);
    options.write.first_part = 5u << 20;
    Volume volume(locking, options, {.clock = &clock});
    const auto handle = volume.Open("f", O_WRONLY | O_CREAT);
    REQUIRE(handle);
    REQUIRE(volume.fs().Write(*handle, 0, Bytes(6u << 20)));
    REQUIRE(volume.fs().Fsync(*handle));
    REQUIRE(volume.fs().Write(*handle, 6u << 20, Bytes(6u << 20)));
    REQUIRE(volume.Change("f", ModeOf(0600)));
    REQUIRE(volume.Close(*handle));
    CHECK(CodeOf(volume.Change("f", ModeOf(0640))) == Code::kLocked);
    REQUIRE(volume.fs().Drain());
    CHECK(volume.fs().stats().deferred_attribute_failures == 0);
    const auto made = store.Info("f");
    REQUIRE(made);
    CHECK(made->size == 12u << 20);
    CHECK(std::stoi(made->metadata.at("mode")) % 01000 == 0600);
    CHECK(made->lock.Retained(store.now()));
    CHECK(CodeOf(volume.Write("f", "x")) == Code::kLocked);
    CHECK(CodeOf(volume.Unlink("f")) == Code::kLocked);
  }
}

TEST_CASE("locks: of a directory's copies the writer has the lock that they got, and no other's") {
  for (const bool others : {false, true}) {
    Bench bench;
    s3::ServerTime time{bench.clock};
    fs::LockingStore locking(bench.store, time);
    auto rules = fs::ParseLockRules({"e/**=governance:1h"}, {});
    REQUIRE(rules);
    const fs::LockPolicy policy{.enabled = true};
    locking.SetRules({"", fs::LockRules(*std::move(rules), true), {}, policy, true});
    Volume volume(locking, Bench::Options(policy), {.clock = &bench.clock});
    REQUIRE(volume.MakeDirectory("d"));
    const auto handle = volume.Open("d/f", O_WRONLY | O_CREAT);
    REQUIRE(handle);
    REQUIRE(volume.fs().Write(*handle, 0, AsBytes("one")));
    REQUIRE(volume.fs().Fsync(*handle));
    bench.store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
      const bool removed = operation == Operation::kDelete && key == "d/f";
      if (others && removed) bench.LockFor("e/f", 2 * kHour);
      return std::nullopt;
    });
    REQUIRE(volume.Rename("d", "e"));
    REQUIRE(bench.store.Info("e/f")->lock.Retained(bench.store.now()));
    REQUIRE(volume.fs().Write(*handle, 3, AsBytes(", two")));
    CHECK(CodeOf(volume.Close(*handle)) == (others ? Code::kLocked : kDone));
    CHECK(*bench.store.Body("e/f") == (others ? "one" : "one, two"));
  }
}

TEST_CASE("locks: a directory on its way is not locked at its old names, nor at its new ones") {
  FakeStore fake(Bench::StoreOptions(false));
  s3::FakeClock clock;
  const s3::ServerTime time(clock);
  fs::WorkerPool pool(1);
  fs::OwedLocks owed({fake, pool, clock});
  fs::LockingStore store(fake, time);
  const auto autolock = fs::ParseAutolock("1s=governance:1d", {});
  REQUIRE(autolock);
  store.SetRules({"", {}, *autolock, {.enabled = true}, false});
  store.SetOwed(&owed);
  Volume volume(store, Bench::Options({}), {.clock = &clock});
  owed.SetHooks({[&](const std::string& key) { return volume.fs().HoldUnused(key); },
                 [&](const std::string& key) { volume.fs().LockedMeanwhile(key); }});
  REQUIRE(volume.MakeDirectory("d"));
  for (const char* path : {"d/a", "d/b", "d/c"}) REQUIRE(volume.Write(path, path));
  // All have rested, and the timer comes while they are copied and removed.
  fake.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kCopy && operation != Operation::kDelete) return std::nullopt;
    clock.Advance(std::chrono::seconds(2));
    owed.PayDue();
    return std::nullopt;
  });
  CHECK(volume.Rename("d", "e"));
  fake.SetHook(nullptr);
  CHECK(fake.count(Operation::kPutRetention) == 0);
  CHECK(volume.List("")->size() == 1);
  clock.Advance(std::chrono::seconds(2));
  owed.PayDue();
  for (const char* key : {"e/a", "e/b", "e/c"}) CHECK(fake.Info(key)->lock.Retained(fake.now()));
  CHECK(owed.counts().locked == 3);
  owed.End();
}

TEST_CASE("locks: what cannot be seen counts as the mount says") {
  for (const bool locked : {true, false}) {
    Bench bench({.visible = false, .unseen_locked = locked});
    bench.Plant("f");
    CHECK(bench.volume.Stat("f")->attributes.mode == (locked ? 0444 : 0644));
    CHECK(CodeOf(bench.volume.Unlink("f")) == (locked ? Code::kLocked : kDone));
    const auto shown = bench.volume.fs().GetXattr(1, "user.coffer.lock.mode");
    CHECK_FALSE(shown);
    CHECK(bench.volume.Write("new", "x"));
  }
}

TEST_CASE("locks: an hour after a look the next one asks again") {
  Bench bench;
  bench.Plant("d/f");
  REQUIRE(bench.volume.List("d", true));
  CHECK(bench.volume.Stat("d/f")->attributes.mode == 0644);
  bench.Lock("d/f", {"", 0, true});
  bench.Pass(kHour - 60);
  CHECK(bench.volume.Stat("d/f")->attributes.mode == 0644);
  bench.Pass(61);
  CHECK(bench.volume.Stat("d/f")->attributes.mode == 0444);
}

TEST_CASE("locks: directories are never locked") {
  Bench bench;
  bench.Plant("d/");
  bench.Lock("d/", {"", 0, true});
  CHECK(bench.volume.Stat("d")->attributes.mode == 0755);
  CHECK_FALSE(*bench.volume.fs().IsImmutable(bench.Node("d")));
  CHECK(CodeOf(bench.volume.fs().SetImmutable(bench.Node("d"), true)) == Code::kUnsupported);
  CHECK(bench.volume.RemoveDirectory("d"));
}

}  // namespace coffer::test::locked_files_test
