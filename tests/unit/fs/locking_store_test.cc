// No version under a name with a rule is made without its lock, whichever request makes it; and a
// lock is a fact only once it was read back.

#include "fs/locking_store.h"

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::locking_store_test {

using test::FakeStore;
using test::Operation;

constexpr std::int64_t kDay = 86'400;

FakeStore::Options LockEnabled() {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  options.start_time_s = s3::FakeClock::kStart_s;
  return options;
}

struct Bench {
  explicit Bench(const FakeStore::Options& store_options = LockEnabled(), LockPolicy policy = {},
                 const std::vector<std::string>& texts = {"free=none", "**=governance:30d"})
      : fake(store_options) {
    policy.enabled = true;
    auto rules = ParseLockRules(texts, {100'000 * kDay, true});
    REQUIRE(rules);
    store.SetRules({"p/", LockRules(*std::move(rules), true), {}, std::move(policy), false});
  }
  Result<s3::Written> Put(const std::string& key) { return store.Put(key, AsBytes("x"), {}); }
  Result<s3::Written> Upload(const std::string& key, std::int64_t lasts_s = 0) {
    COFFER_ASSIGN(const s3::Upload upload, store.CreateUpload(key, {}));
    COFFER_ASSIGN(const s3::Part part, store.UploadPart(upload, {1, 0, true}, AsBytes("x")));
    clock.Advance(std::chrono::seconds(lasts_s));
    fake.AdvanceTime(lasts_s);
    return store.CompleteUpload(upload, std::span(&part, 1), s3::Condition::None());
  }
  Result<s3::Written> Copy(const std::string& from, const std::string& to) {
    s3::CopyRequest copy;
    copy.from = from;
    copy.to = to;
    copy.size = 1;
    copy.keep_metadata = from != to;
    return store.Copy(copy);
  }
  // "GOVERNANCE 30": of the current version, in days from now.
  std::string LockOf(const std::string& key) const {
    const s3::Lock lock = fake.Info(key)->lock;
    if (lock == s3::Lock{}) return "none";
    return lock.mode + " " + std::to_string((lock.retain_until_s - fake.now()) / kDay);
  }

  FakeStore fake;
  s3::FakeClock clock;
  s3::ServerTime time{clock};
  LockingStore store{fake, time};
};

TEST_CASE(
    "locking store: every request that makes a version carries the lock and is looked back at") {
  Bench bench;
  const auto put = bench.Put("p/a");
  REQUIRE(put);
  CHECK(bench.LockOf("p/a") == "GOVERNANCE 30");
  CHECK(put->lock == bench.fake.Info("p/a")->lock);
  CHECK(bench.fake.requests() == 2);
  REQUIRE(bench.Upload("p/b"));
  CHECK(bench.LockOf("p/b") == "GOVERNANCE 30");
  REQUIRE(bench.Copy("p/a", "p/c"));
  CHECK(bench.LockOf("p/c") == "GOVERNANCE 30");
  REQUIRE(bench.Copy("p/c", "p/c"));
  CHECK(bench.fake.count(Operation::kHead) == 4);
  CHECK(bench.fake.count(Operation::kPutRetention) == 0);
}

TEST_CASE("locking store: names without a rule cost nothing") {
  Bench bench;
  for (const char* key : {"p/free", "p/d/", "q/a", "p", "p/x-tmp-1"}) {
    const auto put = bench.Put(key);
    REQUIRE(put);
    CHECK(bench.LockOf(key) == "none");
    CHECK(put->lock == s3::Lock{});
  }
  CHECK(bench.fake.count(Operation::kHead) == 0);
}

TEST_CASE("locking store: a server that drops locks of uploads and copies is put right") {
  auto options = LockEnabled();
  options.drops_locks = true;
  Bench bench(options);
  REQUIRE(bench.Upload("p/a"));
  CHECK(bench.LockOf("p/a") == "GOVERNANCE 30");
  REQUIRE(bench.Copy("p/a", "p/b"));
  CHECK(bench.LockOf("p/b") == "GOVERNANCE 30");
  CHECK(bench.fake.count(Operation::kPutRetention) == 2);
}

TEST_CASE("locking store: a version that is not locked as asked is EIO") {
  const auto check = [](Bench& bench) {
    for (const auto& made : {bench.Put("p/a"), bench.Upload("p/b"), bench.Copy("p/a", "p/c")}) {
      REQUIRE_FALSE(made);
      CHECK(made.error().code == Code::kUnavailable);
    }
  };
  SECTION("a date that is stored as another") {
    auto options = LockEnabled();
    options.wraps_dates = true;
    Bench bench(options, {}, {"**=governance:200y"});
    check(bench);
  }
  SECTION("no right to set what was dropped") {
    auto options = LockEnabled();
    options.drops_locks = true;
    Bench bench(options);
    bench.fake.SetHook([](Operation operation, std::string_view) -> std::optional<test::Fault> {
      if (operation != Operation::kPutRetention) return std::nullopt;
      return test::Fault{{Code::kDenied, "no"}};
    });
    REQUIRE(bench.Put("p/a"));
    for (const auto& made : {bench.Upload("p/b"), bench.Copy("p/a", "p/c")}) {
      REQUIRE_FALSE(made);
      CHECK(made.error().code == Code::kUnavailable);
    }
  }
  SECTION("no versions") {
    FakeStore::Options options;
    options.start_time_s = s3::FakeClock::kStart_s;
    Bench bench(options);
    REQUIRE_FALSE(bench.Put("p/a"));
  }
}

TEST_CASE("locking store: an upload that lasted long is locked from its end") {
  Bench bench;
  REQUIRE(bench.Upload("p/a", 2 * kDay));
  CHECK(bench.LockOf("p/a") == "GOVERNANCE 28");
  CHECK(bench.fake.count(Operation::kPutRetention) == 0);
  REQUIRE(bench.Upload("p/b", 10 * kDay));
  CHECK(bench.LockOf("p/b") == "GOVERNANCE 30");
  REQUIRE(bench.Upload("p/c", 40 * kDay));
  CHECK(bench.LockOf("p/c") == "GOVERNANCE 30");
}

TEST_CASE("locking store: what the bucket gives by itself is not made less") {
  LockPolicy policy;
  policy.default_mode = "COMPLIANCE";
  policy.default_period_s = 60 * kDay;
  Bench bench(LockEnabled(), policy);
  int sent = 0;
  bench.fake.SetHook([&](Operation operation, std::string_view key) -> std::optional<test::Fault> {
    // This store gives nothing by itself: as if the default had just been taken away.
    if (operation == Operation::kHead) sent += bench.LockOf(std::string(key)) == "none" ? 0 : 1;
    return std::nullopt;
  });
  REQUIRE(bench.Put("p/a"));
  REQUIRE(bench.Upload("p/b"));
  REQUIRE(bench.Copy("p/a", "p/c"));
  CHECK(sent == 0);  // the default may be more than the rule
  for (const char* key : {"p/a", "p/b", "p/c"}) CHECK(bench.LockOf(key) == "GOVERNANCE 30");
  CHECK(bench.fake.count(Operation::kPutRetention) == 3);
}

TEST_CASE("locking store: what cannot be read back is said twice where it may be dropped") {
  auto options = LockEnabled();
  options.drops_locks = true;
  LockPolicy policy;
  policy.visible = false;
  Bench bench(options, policy);
  REQUIRE(bench.Put("p/a"));
  CHECK(bench.fake.requests() == 1);
  REQUIRE(bench.Upload("p/b"));
  REQUIRE(bench.Copy("p/a", "p/c"));
  for (const char* key : {"p/a", "p/b", "p/c"}) CHECK(bench.LockOf(key) == "GOVERNANCE 30");
  CHECK(bench.fake.count(Operation::kPutRetention) == 2);
}

TEST_CASE("locking store: a default that cannot be seen is asked for, and not made less") {
  LockPolicy policy;
  policy.default_mode = "COMPLIANCE";
  policy.default_period_s = 60 * kDay;
  policy.visible = false;
  for (const bool drops : {false, true}) {
    // This store gives nothing by itself: as if the default had just been taken away.
    auto options = LockEnabled();
    options.drops_locks = drops;
    Bench bench(options, policy);
    REQUIRE(bench.Put("p/a"));
    REQUIRE(bench.Upload("p/b"));
    REQUIRE(bench.Copy("p/a", "p/c"));
    for (const char* key : {"p/a", "p/b", "p/c"}) CHECK(bench.LockOf(key) == "COMPLIANCE 60");
  }
}

// A mount that remembers what it owes, and others after it.
struct Remembering {
  Remembering() { bench.store.SetOwed(owed.get()); }
  static FakeStore::Options Dropping() {
    auto options = LockEnabled();
    options.drops_locks = true;
    return options;
  }
  std::unique_ptr<OwedLocks> Open() {
    auto table = OwedTable::Open(state.path(), "volume");
    REQUIRE(table);
    return std::make_unique<OwedLocks>(
        OwedLocks::Parties{bench.fake, pool, bench.clock, *std::move(table)});
  }
  // The mount dies; the next one comes, and goes again.
  void Die() {
    bench.store.SetOwed(nullptr);
    owed.reset();
    owed = Open();
    owed->TakeOver(false);
    CHECK(owed->PayAll());
  }
  test::TempDirectory state;
  Bench bench{Dropping()};
  WorkerPool pool{1};
  std::unique_ptr<OwedLocks> owed = Open();
};

TEST_CASE("locking store: a crash before a lock is confirmed leaves it to the next mount") {
  Remembering mount;
  Bench& bench = mount.bench;
  REQUIRE(bench.Put("p/free"));
  bench.fake.SetHook([](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation == Operation::kHead) throw std::runtime_error("killed");
    return std::nullopt;
  });
  SECTION("an upload") { CHECK_THROWS(bench.Upload("p/a")); }
  SECTION("a copy") { CHECK_THROWS(bench.Copy("p/free", "p/a")); }
  bench.fake.SetHook(nullptr);
  CHECK(bench.LockOf("p/a") == "none");
  mount.Die();
  CHECK(bench.LockOf("p/a") == "GOVERNANCE 30");
}

TEST_CASE("locking store: what could not be locked owes its lock, and what could owes nothing") {
  Remembering mount;
  Bench& bench = mount.bench;
  bench.fake.SetHook([](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kPutRetention) return std::nullopt;
    return test::Fault{{Code::kDenied, "no"}};
  });
  CHECK_FALSE(bench.Upload("p/a"));
  CHECK_FALSE(bench.Copy("p/a", "p/b"));
  CHECK(mount.owed->counts().waiting == 2);
  bench.fake.SetHook(nullptr);
  REQUIRE(bench.Upload("p/b"));
  CHECK(mount.owed->counts().waiting == 1);
  mount.owed->PayDue();
  CHECK(bench.LockOf("p/a") == "GOVERNANCE 30");
  CHECK(mount.owed->counts().waiting == 0);
}

TEST_CASE("locking store: a rename in one step is not for names with a rule") {
  auto options = LockEnabled();
  options.renames = true;
  Bench bench(options);
  REQUIRE(bench.Put("p/free"));
  const Status refused = bench.store.Rename({"p/free", "p/a", "", s3::Condition::None()});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kUnsupported);
  CHECK(bench.store.Rename({"p/free", "p/x-tmp-1", "", s3::Condition::None()}));
}

TEST_CASE("locking store: what no rule decides on rests first, with --autolock") {
  FakeStore fake(LockEnabled());
  s3::FakeClock clock;
  const s3::ServerTime time(clock);
  WorkerPool pool(1);
  OwedLocks owed({fake, pool, clock});
  LockingStore store(fake, time);
  auto rules = ParseLockRules({"free=none", "ruled=governance:30d"}, {});
  REQUIRE(rules);
  const auto autolock = ParseAutolock("2h=compliance:1d", {kLongestLockS, true});
  REQUIRE(autolock);
  store.SetRules({"", LockRules(*std::move(rules), true), *autolock, {.enabled = true}, false});
  store.SetOwed(&owed);
  for (const char* key : {"free", "ruled", "other", "d/"}) REQUIRE(store.Put(key, {}, {}));
  CHECK(fake.Info("ruled")->lock.mode == "GOVERNANCE");
  clock.Advance(std::chrono::minutes(119));
  fake.AdvanceTime(119 * 60);
  owed.PayDue();
  CHECK(fake.Info("other")->lock == s3::Lock{});
  clock.Advance(std::chrono::minutes(1));
  fake.AdvanceTime(60);
  owed.PayDue();
  CHECK(fake.Info("other")->lock == s3::Lock{"COMPLIANCE", fake.now() + kDay, false});
  for (const char* key : {"free", "d/"}) CHECK(fake.Info(key)->lock == s3::Lock{});
}

}  // namespace coffer::fs::locking_store_test
