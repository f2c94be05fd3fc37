// Files that keep a temporary name are locked ten minutes after their last close; others owe
// nothing.

#include "fs/owed_locks.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <filesystem>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "fs/locking_store.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::owed_locks_test {

using std::chrono::minutes;
using std::chrono::seconds;
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
    owed.SetHooks({[this](const std::string& key) {
                     return open.contains(key) ? nullptr : std::make_shared<int>();
                   },
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

// Mounts one after another, of which some die.
struct Mounts {
  std::unique_ptr<OwedLocks> Open() {
    auto table = OwedTable::Open(state.path(), "volume");
    REQUIRE(table);
    return std::make_unique<OwedLocks>(OwedLocks::Parties{fake, pool, clock, *std::move(table)});
  }
  static OwedTerm Term(const std::string& mode) { return {{mode, kDay}, minutes(10)}; }
  void Owe(OwedLocks& owed, const std::string& key, const std::string& mode,
           const std::string& text = "x") {
    const OwedLocks::Ticket ticket = owed.Expect(key, Term(mode));
    const auto written = fake.Put(key, AsBytes(text), {});
    REQUIRE(written);
    owed.Owe(ticket, *written);
  }
  bool Locked(const std::string& key, std::int64_t period_s = 1) const {
    const s3::Lock lock = fake.Info(key)->lock;
    return lock.Retained(fake.now()) && lock.retain_until_s >= fake.now() + period_s;
  }
  void Pass(seconds time) {
    clock.Advance(time);
    fake.AdvanceTime(time.count());
  }
  test::TempDirectory state;
  FakeStore fake{Bench::StoreOptions()};
  s3::FakeClock clock;
  WorkerPool pool{1};
};

// What is refused, as long as it lives.
void Refuse(FakeStore& store, Operation refused, Code code = Code::kDenied) {
  store.SetHook([=](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != refused) return std::nullopt;
    return test::Fault{{code, "no"}};
  });
}

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
  Refuse(bench.fake, Operation::kPutRetention);
  bench.Pass(minutes(11));
  bench.Pass(minutes(1));
  CHECK(bench.owed.counts().failing == 1);
  CHECK(bench.lines.size() == 1);
  CHECK(bench.fake.count(Operation::kPutRetention) == 2);
  bench.Pass(minutes(0));
  CHECK(bench.fake.count(Operation::kPutRetention) == 2);  // in a while
  CHECK_FALSE(bench.owed.PayAll());
  bench.fake.SetHook(nullptr);
  CHECK(bench.owed.PayAll());
  CHECK(bench.Locked("p/a-tmp-1"));
  CHECK(bench.owed.counts().failing == 0);
}

TEST_CASE("owed locks: a mount that dies leaves what it owed to the next one") {
  Mounts mounts;
  auto dead = mounts.Open();
  mounts.Owe(*dead, "left", "GOVERNANCE");
  mounts.Owe(*dead, "strict", "COMPLIANCE");
  mounts.Owe(*dead, "gone", "GOVERNANCE");
  mounts.Owe(*dead, "done", "GOVERNANCE");
  dead->Forget("done");
  dead->Expect("never made", Mounts::Term("GOVERNANCE"));
  mounts.fake.Remove("gone");
  dead.reset();

  auto next = mounts.Open();
  CHECK(next->TakeOver(false).size() == 2);
  CHECK(next->counts().waiting == 3);
  mounts.clock.Advance(minutes(9));
  next->PayDue();
  CHECK_FALSE(mounts.Locked("left"));
  mounts.clock.Advance(minutes(1));
  next->PayDue();
  CHECK(mounts.Locked("left"));
  CHECK_FALSE(mounts.Locked("done"));
  CHECK(next->counts().waiting == 0);
  CHECK(next->counts().locked == 1);
  next.reset();

  auto third = mounts.Open();
  CHECK(third->TakeOver(true).size() == 1);
  CHECK(third->PayAll());
  CHECK(mounts.Locked("strict"));
  CHECK(third->counts().locked == 1);
  third.reset();
  CHECK(mounts.Open()->TakeOver(true).empty());
}

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
  const OwedLocks::Ticket theirs = dead->Expect("theirs", Mounts::Term("GOVERNANCE"));
  mounts.fake.Plant("theirs", "y");
  dead->NotMade(theirs);
  mounts.Owe(*dead, "ours", "GOVERNANCE");
  dead->NotMade(dead->Expect("ours", Mounts::Term("GOVERNANCE")));
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
  dead->Expect("f", Mounts::Term("GOVERNANCE"));
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

TEST_CASE("owed locks: at the end the timer is over, and nothing is paid twice") {
  FakeStore fake(Bench::StoreOptions());
  s3::FakeClock clock;
  WorkerPool pool(4);
  std::atomic<bool> told_late{false};
  std::atomic<bool> over{false};
  std::latch paying(1);
  OwedLocks owed({fake, pool, clock, nullptr, std::chrono::milliseconds(1)});
  owed.SetHooks({nullptr, [&](const std::string&) { told_late = told_late || over; }, nullptr});
  fake.SetHook([&](Operation operation, std::string_view key) -> std::optional<test::Fault> {
    if (operation != Operation::kPutRetention || key != "a") return std::nullopt;
    if (!paying.try_wait()) paying.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return std::nullopt;
  });
  for (const char* key : {"a", "b", "c"}) {
    const OwedLocks::Ticket ticket = owed.Expect(key, {{"GOVERNANCE", kDay}, seconds(0)});
    owed.Owe(ticket, *fake.Put(key, AsBytes("x"), {}));
  }
  paying.wait();  // the timer does
  CHECK(owed.PayAll());
  over = true;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(fake.count(Operation::kPutRetention) == 3);
  CHECK(owed.counts().locked == 3);
  CHECK_FALSE(told_late);
}

TEST_CASE("owed locks: each of two dead mounts that owe under one name is paid for its version") {
  Mounts mounts;
  auto first = mounts.Open();
  auto second = mounts.Open();
  mounts.Owe(*first, "mine", "GOVERNANCE", "first");
  mounts.Owe(*second, "theirs", "GOVERNANCE", "second");
  mounts.Owe(*second, "mine", "GOVERNANCE", "second");
  mounts.Owe(*first, "theirs", "GOVERNANCE", "first");
  first.reset();
  second.reset();
  auto next = mounts.Open();
  CHECK(next->TakeOver(false).size() == 1);
  CHECK(next->counts().waiting == 4);
  CHECK(next->PayAll());
  CHECK(mounts.Locked("mine", kDay));
  CHECK(mounts.Locked("theirs", kDay));
  CHECK(next->counts().locked == 2);
}

TEST_CASE("owed locks: compliance that may not be set here is lost by nothing that fails") {
  Mounts mounts;
  auto dead = mounts.Open();
  mounts.Owe(*dead, "strict", "COMPLIANCE");
  mounts.Owe(*dead, "gone", "COMPLIANCE");
  dead.reset();
  SECTION("the record cannot be written") {
    const auto path = DatabasePath(mounts.state.path(), "owed-locks", "volume");
    REQUIRE(path);
    std::filesystem::rename(*path, *path + ".away");
    std::filesystem::create_symlink(*path + ".away", *path);
    auto next = mounts.Open();
    CHECK(next->TakeOver(false).size() == 1);
    CHECK(next->counts().waiting == 0);
    next.reset();
    std::filesystem::rename(*path + ".away", *path);
  }
  SECTION("another version of the name is not made") {
    auto next = mounts.Open();
    CHECK(next->TakeOver(false).size() == 2);
    next->NotMade(next->Expect("strict", Mounts::Term("GOVERNANCE")));
    mounts.fake.Remove("gone");
    CHECK(next->PayAll());
    next.reset();
    CHECK(mounts.Open()->TakeOver(false).size() == 1);
  }
  auto third = mounts.Open();
  third->TakeOver(true);
  CHECK(third->PayAll());
  CHECK(mounts.fake.Info("strict")->lock.mode == "COMPLIANCE");
}

TEST_CASE("owed locks: what is refused for a day is given up, in words, over several mounts") {
  Mounts mounts;
  std::vector<std::string> lines;
  mounts.Owe(*mounts.Open(), "never", "GOVERNANCE");
  Refuse(mounts.fake, Operation::kPutRetention);
  for (int mount = 0; mount < 3; ++mount) {
    auto next = mounts.Open();
    next->SetHooks({nullptr, nullptr, [&](const std::string& line) { lines.push_back(line); }});
    next->TakeOver(false);
    CHECK(next->counts().waiting == 1);
    CHECK_FALSE(next->PayAll());
    CHECK(lines.size() == static_cast<std::size_t>(mount + 1));
    CHECK(next->counts().given_up == (mount == 2 ? 1 : 0));
    CHECK(next->counts().waiting == (mount == 2 ? 0 : 1));
    mounts.Pass(std::chrono::hours(13));
  }
  CHECK(lines.back().find("\"never\" stays unlocked") == 0);
  CHECK(mounts.Open()->TakeOver(false).empty());
}

TEST_CASE("owed locks: an outage is no refusal, however long it is") {
  Mounts mounts;
  auto owed = mounts.Open();
  mounts.Owe(*owed, "f", "GOVERNANCE");
  Refuse(mounts.fake, Operation::kHead, Code::kUnavailable);
  for (int hour = 0; hour < 30; ++hour) {
    mounts.Pass(std::chrono::hours(1));
    owed->PayDue();
  }
  CHECK(owed->counts().failing == 1);
  mounts.fake.SetHook(nullptr);
  CHECK(owed->PayAll());
  CHECK(mounts.Locked("f", kDay));
}

TEST_CASE("owed locks: a lock that others gave meanwhile is not made less") {
  Mounts mounts;
  auto owed = mounts.Open();
  for (const char* key : {"longer", "stricter"}) mounts.Owe(*owed, key, "GOVERNANCE");
  const std::int64_t now = mounts.fake.now();
  const s3::Lock longer{"GOVERNANCE", now + 9 * kDay, false};
  const s3::Lock stricter{"COMPLIANCE", now + 60, false};
  mounts.fake.Edit("longer", [&](s3::ObjectInfo& info) { info.lock = longer; });
  mounts.fake.Edit("stricter", [&](s3::ObjectInfo& info) { info.lock = stricter; });
  CHECK(owed->PayAll());
  CHECK(mounts.fake.Info("longer")->lock == longer);
  CHECK(mounts.fake.Info("stricter")->lock == s3::Lock{"COMPLIANCE", now + kDay, false});
}

TEST_CASE("owed locks: a mount without rules forgets what it removes and writes over, too") {
  Mounts mounts;
  auto dead = mounts.Open();
  for (const char* key : {"removed", "replaced", "left"}) mounts.Owe(*dead, key, "GOVERNANCE");
  dead->Expect("being made", Mounts::Term("GOVERNANCE"));
  dead.reset();
  auto next = mounts.Open();
  next->TakeOver(false);
  const s3::ServerTime time(mounts.clock);
  LockingStore store(mounts.fake, time);
  store.SetOwed(next.get());
  REQUIRE(store.Delete("removed", s3::Condition::None()));
  for (const char* key : {"replaced", "being made"}) REQUIRE(store.Put(key, {}, {}));
  CHECK(next->counts().waiting == 1);
  CHECK(next->PayAll());
  CHECK(mounts.Locked("left"));
  CHECK_FALSE(mounts.Locked("being made"));
}

}  // namespace coffer::fs::owed_locks_test
