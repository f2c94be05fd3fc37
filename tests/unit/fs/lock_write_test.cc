#include "fs/lock_write.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_store.h"

namespace coffer::test::lock_write_test {

constexpr std::int64_t kHour = 3600;

struct Bench {
  static FakeStore::Options Locking(bool wraps = false) {
    FakeStore::Options options;
    options.versioned = true;
    options.object_lock = true;
    options.wraps_dates = wraps;
    return options;
  }
  explicit Bench(bool wraps = false) : store(Locking(wraps)) { store.Plant("f", "content"); }

  s3::ObjectInfo Now() { return store.Head("f", {}).value(); }
  s3::Lock Lock() { return store.Info("f")->lock; }
  void Set(s3::Lock lock) {
    store.Edit("f", [&](s3::ObjectInfo& info) { info.lock = lock; });
  }
  // RGW takes no retention off, nor does versitygw; they say so in two ways.
  void RefuseClearing(std::string code) {
    store.SetHook([this, code](Operation operation, std::string_view) {
      std::optional<Fault> fault;
      if (operation == Operation::kPutRetention && store.count(operation) == 1) {
        fault = Fault{{Code::kInvalid, code, code}};
      }
      return fault;
    });
  }

  FakeStore store;
};

TEST_CASE("lock_write: what is set is read back, of the version that was looked at") {
  Bench bench;
  const s3::ObjectInfo now = bench.Now();
  bench.store.Plant("f", "somebody else's");
  const auto made =
      fs::WriteLock(bench.store, "f", now, {"GOVERNANCE", bench.store.now() + kHour, true});
  REQUIRE(made);
  CHECK(made->version_id == now.version_id);
  CHECK(made->lock == s3::Lock{"GOVERNANCE", bench.store.now() + kHour, true});
  CHECK(bench.Lock() == s3::Lock{});
}

TEST_CASE("lock_write: a service that makes less of a lock has the earlier one set again") {
  Bench bench(true);
  const s3::Lock before{"GOVERNANCE", bench.store.now() + kHour, false};
  bench.Set(before);
  const auto made = fs::WriteLock(bench.store, "f", bench.Now(), {"GOVERNANCE", 1LL << 33, false});
  REQUIRE_FALSE(made);
  CHECK_THAT(made.error().what, Catch::Contains("earlier lock"));
  CHECK(bench.Lock() == before);
}

TEST_CASE("lock_write: versions alone are locked") {
  Bench bench;
  s3::ObjectInfo now = bench.Now();
  now.version_id.clear();
  CHECK(fs::WriteLock(bench.store, "f", now, {"", 0, true}).error().code == Code::kUnsupported);
  CHECK(bench.store.count(Operation::kPutLegalHold) == 0);
}

TEST_CASE("lock_write: governance is taken off") {
  Bench bench;
  bench.Set({"GOVERNANCE", bench.store.now() + kHour, false});
  const auto made = fs::FreeFromGovernance(bench.store, "f", bench.Now());
  REQUIRE(made);
  CHECK(bench.Lock().mode.empty());
}

TEST_CASE("lock_write: where it cannot be taken off it ends at once") {
  Bench bench;
  bench.Set({"GOVERNANCE", bench.store.now() + kHour, false});
  bench.RefuseClearing(GENERATE("MalformedXML", "InvalidArgument"));
  const auto made = fs::FreeFromGovernance(bench.store, "f", bench.Now());
  REQUIRE(made);
  CHECK(made->lock.retain_until_s - bench.store.now() > 0);
  CHECK(made->lock.retain_until_s - bench.store.now() <= 10);
}

TEST_CASE("lock_write: holds and compliance are not asked about with a bypass") {
  for (const bool hold : {false, true}) {
    Bench bench;
    bench.Set({hold ? "GOVERNANCE" : "COMPLIANCE", bench.store.now() + kHour, hold});
    CHECK(fs::FreeFromGovernance(bench.store, "f", bench.Now()).error().code == Code::kLocked);
    CHECK(bench.store.count(Operation::kPutRetention) == 0);
  }
}

TEST_CASE("lock_write: who may not bypass is denied, not locked out") {
  Bench bench;
  bench.Set({"GOVERNANCE", bench.store.now() + kHour, false});
  bench.store.SetHook([](Operation operation, std::string_view) {
    std::optional<Fault> fault;
    if (operation == Operation::kPutRetention) fault = Fault{{Code::kLocked, "no", "AccessDenied"}};
    return fault;
  });
  CHECK(fs::FreeFromGovernance(bench.store, "f", bench.Now()).error().code == Code::kDenied);
}

TEST_CASE("lock_write: a service that says yes and frees nothing is found out") {
  Bench bench;
  const s3::Lock before{"GOVERNANCE", bench.store.now() + kHour, false};
  bench.Set(before);
  bench.store.SetHook([&](Operation operation, std::string_view) {
    if (operation == Operation::kHead) bench.Set(before);
    return std::optional<Fault>();
  });
  CHECK(fs::FreeFromGovernance(bench.store, "f", bench.Now()).error().code == Code::kUnavailable);
}

}  // namespace coffer::test::lock_write_test
