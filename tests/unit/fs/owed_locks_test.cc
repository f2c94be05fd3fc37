// Files that keep a temporary name are locked ten minutes after their last close; others owe
// nothing.

#include "fs/owed_locks.h"

#include <catch2/catch.hpp>
#include <memory>
#include <set>
#include <utility>

#include "fs/locking_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs {
namespace {

using std::chrono::minutes;
using test::FakeStore;
using test::Operation;

constexpr std::int64_t kDay = 86'400;

struct Bench {
  static FakeStore::Options StoreOptions() {
    FakeStore::Options options;
    options.versioned = true;
    options.object_lock = true;
    options.start_time_s = s3::FakeClock::kStart_s;
    return options;
  }
  Bench() : fake(StoreOptions()) {
    auto rules = ParseLockRules({"free/**=none", "**=governance:30d"}, {});
    REQUIRE(rules);
    LockPolicy policy;
    policy.enabled = true;
    store.SetRules({"p/", LockRules(*std::move(rules), true), {}, std::move(policy), false});
    store.SetOwed(&owed);
    owed.SetHooks({[this](const std::string& key) { return open.contains(key); },
                   [this](const std::string& key) { seen.insert(key); },
                   [this](const std::string& line) { lines.push_back(line); }, true});
  }
  void Put(const std::string& key, const std::string& text = "x") {
    REQUIRE(store.Put(key, AsBytes(text), {}));
  }
  void Pass(minutes time) {
    clock.Advance(time);
    fake.AdvanceTime(std::chrono::seconds(time).count());
    owed.PayDue();
  }
  bool Locked(const std::string& key) const { return fake.Info(key)->lock.Retained(fake.now()); }

  std::set<std::string> open;
  std::set<std::string> seen;
  std::vector<std::string> lines;
  FakeStore fake;
  s3::FakeClock clock;
  s3::ServerTime time{clock};
  WorkerPool pool{1};
  OwedLocks owed{{fake, pool, clock}};
  LockingStore store{fake, time};
};

TEST_CASE(
    "owed locks: what still has a temporary name after ten minutes is locked by the next rule") {
  Bench bench;
  bench.Put("p/a-tmp-1");
  bench.Put("p/free/a-tmp-1");
  CHECK(bench.owed.counts().waiting == 1);
  bench.Pass(minutes(9));
  CHECK_FALSE(bench.Locked("p/a-tmp-1"));
  bench.Pass(minutes(1));
  REQUIRE(bench.Locked("p/a-tmp-1"));
  CHECK(bench.fake.Info("p/a-tmp-1")->lock.retain_until_s == bench.fake.now() + 30 * kDay);
  CHECK_FALSE(bench.Locked("p/free/a-tmp-1"));
  CHECK(bench.owed.counts().locked == 1);
  CHECK(bench.owed.counts().waiting == 0);
  CHECK(bench.seen == std::set<std::string>{"p/a-tmp-1"});
  CHECK(bench.lines.size() == 1);
}

TEST_CASE("owed locks: time begins anew with a version, with a close, and while a file is open") {
  Bench bench;
  for (const char* key : {"p/new-tmp-1", "p/closed-tmp-1", "p/open-tmp-1", "p/left-tmp-1"}) {
    bench.Put(key);
  }
  bench.open.insert("p/open-tmp-1");
  bench.Pass(minutes(6));
  bench.Put("p/new-tmp-1", "y");
  bench.owed.Closed("p/closed-tmp-1");
  bench.Pass(minutes(6));
  CHECK(bench.Locked("p/left-tmp-1"));
  for (const char* key : {"p/new-tmp-1", "p/closed-tmp-1", "p/open-tmp-1"}) {
    CHECK_FALSE(bench.Locked(key));
  }
  bench.open.clear();
  bench.Pass(minutes(6));
  CHECK(bench.Locked("p/new-tmp-1"));
  CHECK(bench.Locked("p/closed-tmp-1"));
  CHECK_FALSE(bench.Locked("p/open-tmp-1"));
  bench.Pass(minutes(6));
  CHECK(bench.Locked("p/open-tmp-1"));
}

TEST_CASE("owed locks: what is renamed, removed or replaced by others owes nothing") {
  Bench bench;
  for (const char* key : {"p/moved-tmp-1", "p/removed-tmp-1", "p/many-tmp-1", "p/other-tmp-1"}) {
    bench.Put(key);
  }
  s3::CopyRequest copy;
  copy.from = "p/moved-tmp-1";
  copy.to = "p/moved";
  copy.size = 1;
  copy.keep_metadata = true;
  REQUIRE(bench.store.Copy(copy));
  REQUIRE(bench.store.Delete("p/moved-tmp-1", s3::Condition::None()));
  REQUIRE(bench.store.Delete("p/removed-tmp-1", s3::Condition::None()));
  const std::vector<s3::KeyToDelete> many = {{"p/many-tmp-1", ""}};
  REQUIRE(bench.store.DeleteMany(many));
  CHECK(bench.owed.counts().waiting == 1);
  bench.fake.Plant("p/other-tmp-1", "theirs");
  bench.Pass(minutes(11));
  CHECK_FALSE(bench.Locked("p/other-tmp-1"));
  CHECK(bench.owed.counts().waiting == 0);
  CHECK(bench.owed.counts().locked == 0);
  CHECK(bench.fake.count(Operation::kPutRetention) == 0);
}

TEST_CASE("owed locks: what cannot be locked is told once, counted, and tried again") {
  Bench bench;
  bench.Put("p/a-tmp-1");
  bench.fake.SetHook([](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kPutRetention) return std::nullopt;
    return test::Fault{{Code::kDenied, "no"}};
  });
  bench.Pass(minutes(11));
  bench.Pass(minutes(1));
  CHECK(bench.owed.counts().failing == 1);
  CHECK(bench.lines.size() == 1);
  CHECK_FALSE(bench.owed.PayAll());
  bench.fake.SetHook(nullptr);
  bench.Pass(minutes(1));
  CHECK(bench.Locked("p/a-tmp-1"));
  CHECK(bench.owed.counts().failing == 0);
}

TEST_CASE("owed locks: a mount that dies leaves what it owed to the next one") {
  const test::TempDirectory state;
  FakeStore fake(Bench::StoreOptions());
  s3::FakeClock clock;
  WorkerPool pool(1);
  const auto open = [&] {
    auto records = CrashRecords::Open({state.path(), "owed-locks", "volume"});
    REQUIRE(records);
    return std::make_unique<OwedLocks>(OwedLocks::Parties{fake, pool, clock, *std::move(records)});
  };
  const auto owe = [&](OwedLocks& owed, const std::string& key, const std::string& mode) {
    const OwedTerm term{{mode, kDay}, minutes(10)};
    owed.Expect(key, term);
    const auto written = fake.Put(key, AsBytes("x"), {});
    REQUIRE(written);
    owed.Owe(key, *written, term);
  };
  const auto locked = [&](const std::string& key) {
    return fake.Info(key)->lock.Retained(fake.now());
  };
  auto dead = open();
  owe(*dead, "left", "GOVERNANCE");
  owe(*dead, "strict", "COMPLIANCE");
  owe(*dead, "gone", "GOVERNANCE");
  owe(*dead, "done", "GOVERNANCE");
  dead->Forget("done");
  dead->Expect("never made", {{"GOVERNANCE", kDay}, minutes(10)});
  dead->End();
  fake.Remove("gone");
  dead.reset();

  auto next = open();
  CHECK(next->TakeOver(false).size() == 2);
  CHECK(next->counts().waiting == 3);
  clock.Advance(minutes(9));
  next->PayDue();
  CHECK_FALSE(locked("left"));
  clock.Advance(minutes(1));
  next->PayDue();
  CHECK(locked("left"));
  CHECK_FALSE(locked("done"));
  CHECK(next->counts().waiting == 0);
  CHECK(next->counts().locked == 1);
  next.reset();

  auto third = open();
  CHECK(third->TakeOver(true).size() == 1);
  CHECK(third->PayAll());
  CHECK(locked("strict"));
  CHECK(third->counts().locked == 1);
  third.reset();
  CHECK(open()->TakeOver(true).empty());
}

namespace {

// Mounts one after another, of which some die.
struct Mounts {
  std::unique_ptr<OwedLocks> Open() {
    auto records = CrashRecords::Open({state.path(), "owed-locks", "volume"});
    REQUIRE(records);
    return std::make_unique<OwedLocks>(OwedLocks::Parties{fake, pool, clock, *std::move(records)});
  }
  void Owe(OwedLocks& owed, const std::string& key, const std::string& mode) {
    const OwedTerm term{{mode, kDay}, minutes(10)};
    owed.Expect(key, term);
    const auto written = fake.Put(key, AsBytes("x"), {});
    REQUIRE(written);
    owed.Owe(key, *written, term);
  }
  bool Locked(const std::string& key, std::int64_t period_s = 1) const {
    const s3::Lock lock = fake.Info(key)->lock;
    return lock.Retained(fake.now()) && lock.retain_until_s >= fake.now() + period_s;
  }
  test::TempDirectory state;
  FakeStore fake{Bench::StoreOptions()};
  s3::FakeClock clock;
  WorkerPool pool{1};
};

}  // namespace

TEST_CASE(
    "owed locks: after a crash a lock that is weaker is no payment, and one that was paid is") {
  Mounts mounts;
  auto dead = mounts.Open();
  for (const char* key : {"weaker", "held", "paid"}) mounts.Owe(*dead, key, "GOVERNANCE");
  dead.reset();
  auto& locks = mounts.fake.locks();
  const std::int64_t now = mounts.fake.now();
  REQUIRE(locks.PutRetention(
      {"weaker", mounts.fake.Info("weaker")->version_id, "GOVERNANCE", now + 60, false}));
  REQUIRE(locks.PutLegalHold("held", mounts.fake.Info("held")->version_id, true));
  REQUIRE(locks.PutRetention(
      {"paid", mounts.fake.Info("paid")->version_id, "GOVERNANCE", now + kDay, false}));
  mounts.fake.AdvanceTime(3600);
  auto next = mounts.Open();
  CHECK(next->TakeOver(false).size() == 1);
  CHECK(next->PayAll());
  CHECK(mounts.Locked("weaker", kDay));
  CHECK(mounts.Locked("held", kDay));
  CHECK(mounts.fake.Info("paid")->lock.retain_until_s == now + kDay);
  CHECK(next->counts().locked == 2);
}

TEST_CASE("owed locks: a version that was not made owes nothing, whoever has its name") {
  Mounts mounts;
  auto dead = mounts.Open();
  const OwedTerm term{{"GOVERNANCE", kDay}, minutes(10)};
  dead->Expect("theirs", term);
  mounts.fake.Plant("theirs", "y");
  dead->NotMade("theirs");
  mounts.Owe(*dead, "ours", "GOVERNANCE");
  dead->Expect("ours", term);
  dead->NotMade("ours");
  dead.reset();
  auto next = mounts.Open();
  next->TakeOver(false);
  CHECK(next->counts().waiting == 1);
  CHECK(next->PayAll());
  CHECK_FALSE(mounts.Locked("theirs"));
  CHECK(mounts.Locked("ours"));
}

TEST_CASE("owed locks: what dies in the middle of a version is locked, whichever it has become") {
  Mounts mounts;
  auto dead = mounts.Open();
  mounts.Owe(*dead, "f", "GOVERNANCE");
  dead->Expect("f", {{"GOVERNANCE", kDay}, minutes(10)});
  dead->PayAll();  // pays the first, and must not forget the second
  REQUIRE(mounts.fake.Put("f", AsBytes("second"), {}));
  dead.reset();
  auto next = mounts.Open();
  next->TakeOver(false);
  CHECK(next->PayAll());
  CHECK(mounts.Locked("f", kDay));
}

TEST_CASE("owed locks: what may not be paid does not keep what was") {
  Mounts mounts;
  auto dead = mounts.Open();
  mounts.Owe(*dead, "strict", "COMPLIANCE");
  mounts.Owe(*dead, "left", "GOVERNANCE");
  dead.reset();
  for (int mount = 0; mount < 2; ++mount) {
    auto next = mounts.Open();
    next->TakeOver(false);
    CHECK(next->counts().waiting == (mount == 0 ? 1 : 0));
    CHECK(next->PayAll());
    mounts.fake.AdvanceTime(2 * kDay);
  }
  CHECK_FALSE(mounts.Locked("left"));
  CHECK_FALSE(mounts.Locked("strict"));
  auto third = mounts.Open();
  third->TakeOver(true);
  CHECK(third->counts().waiting == 1);
  CHECK(third->PayAll());
  CHECK(mounts.Locked("strict"));
}

TEST_CASE(
    "owed locks: a version of the same bytes that is made while one is locked is locked, too") {
  Bench bench;
  bench.Put("p/a-tmp-1");
  bool again = false;
  bench.fake.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kPutRetention || std::exchange(again, true)) return std::nullopt;
    bench.Put("p/a-tmp-1");
    return std::nullopt;
  });
  bench.Pass(minutes(11));
  REQUIRE(again);
  CHECK_FALSE(bench.Locked("p/a-tmp-1"));  // the one before is
  CHECK(bench.owed.counts().waiting == 1);
  bench.Pass(minutes(11));
  CHECK(bench.Locked("p/a-tmp-1"));
  CHECK(bench.owed.counts().waiting == 0);
}

TEST_CASE("owed locks: a version that somebody else made of the same bytes owes nothing") {
  Bench bench;
  bench.Put("p/a-tmp-1");
  bench.fake.Plant("p/a-tmp-1", "x");
  bench.Pass(minutes(11));
  CHECK_FALSE(bench.Locked("p/a-tmp-1"));
  CHECK(bench.owed.counts().waiting == 0);
}

TEST_CASE("owed locks: at the end all are paid at once") {
  Bench bench;
  bench.Put("p/a-tmp-1");
  bench.Put("p/b-tmp-1");
  CHECK(bench.owed.PayAll());
  CHECK(bench.Locked("p/a-tmp-1"));
  CHECK(bench.Locked("p/b-tmp-1"));
  CHECK(bench.owed.counts().locked == 2);
}

}  // namespace
}  // namespace coffer::fs
