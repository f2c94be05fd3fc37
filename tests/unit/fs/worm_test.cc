// --worm=snaplock: dates and locks by touch -a and chmod a-w.

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::worm_test {

constexpr std::int64_t kHour = 3600;
constexpr Code kDone = Code::kBusy;

struct Bench {
  static FakeStore::Options StoreOptions() {
    FakeStore::Options options;
    options.versioned = true;
    options.object_lock = true;
    options.start_time_s = s3::FakeClock::kStart_s;
    return options;
  }
  static fs::FilesystemOptions Options(fs::WormOptions worm) {
    auto options = LongTtl();
    options.locks.enabled = true;
    options.locks.allow_compliance = true;
    options.locks.longest_s = 1000 * kHour;
    worm.snaplock = true;
    options.worm = std::move(worm);
    return options;
  }
  explicit Bench(fs::WormOptions worm = {})
      : store(StoreOptions()), volume(store, Options(std::move(worm)), {.clock = &clock}) {
    REQUIRE(volume.Write("f", "content"));
  }
  Code Touch(std::int64_t from_now_s) {
    fs::AttributeChange change;
    change.atime = (store.now() + from_now_s) * fs::kSecond;
    return Change(change);
  }
  Code Chmod(std::uint32_t mode) {
    fs::AttributeChange change;
    change.mode = mode;
    return Change(change);
  }
  Code Change(const fs::AttributeChange& change) {
    const Status done = volume.Change("f", change);
    return done ? kDone : done.error().code;
  }
  void Pass(std::int64_t seconds) {
    clock.Advance(std::chrono::seconds(seconds));
    store.AdvanceTime(seconds);
  }
  // "GOVERNANCE 2": in hours from now.
  std::string Lock() const {
    const s3::Lock lock = store.Info("f")->lock;
    if (lock == s3::Lock{}) return "none";
    return lock.mode + " " + std::to_string((lock.retain_until_s - store.now()) / kHour);
  }

  s3::FakeClock clock;
  FakeStore store;
  Volume volume;
};

TEST_CASE("worm: touch -a sets the date and chmod a-w commits it, as on SnapLock") {
  for (const char* mode : {"GOVERNANCE", "COMPLIANCE"}) {
    Bench bench({.mode = mode});
    CHECK(bench.Touch(2 * kHour) == kDone);
    CHECK(bench.Lock() == "none");
    CHECK(bench.Chmod(0444) == kDone);
    CHECK(bench.Lock() == std::string(mode) + " 2");
    CHECK(std::stoi(bench.store.Info("f")->metadata.at("mode")) % 01000 == 0444);
    CHECK(bench.Chmod(0644) == Code::kLocked);
    CHECK(bench.volume.Unlink("f").error().code == Code::kLocked);
    CHECK(bench.Touch(kHour) == Code::kLocked);
    CHECK(bench.Touch(5 * kHour) == kDone);
    CHECK(bench.Lock() == std::string(mode) + " 5");
    bench.Pass(6 * kHour);
    CHECK(bench.Chmod(0644) == kDone);
    CHECK(bench.volume.Write("f", "new"));
  }
}

TEST_CASE("worm: what is not a commit stays a chmod") {
  Bench bench;
  CHECK(bench.Chmod(0444) == kDone);  // no date, and no time is given for such files
  CHECK(bench.Touch(2 * kHour) == kDone);
  CHECK(bench.Chmod(0400) == kDone);  // the write bits were gone before
  CHECK(bench.Chmod(0600) == kDone);
  CHECK(bench.Chmod(0640) == kDone);
  CHECK(bench.Touch(-kHour) == kDone);
  CHECK(bench.Chmod(0440) == kDone);
  CHECK(bench.Chmod(0640) == kDone);
  CHECK(bench.Touch(2000 * kHour) == kDone);
  CHECK(bench.Chmod(0440) == Code::kInvalid);  // beyond --lock-max
  REQUIRE(bench.volume.fs().Drain());
  CHECK(bench.Lock() == "none");
  CHECK(std::stoi(bench.store.Info("f")->metadata.at("mode")) % 01000 == 0640);

  Bench with_time({.default_s = 3 * kHour});
  CHECK(with_time.Chmod(0444) == kDone);
  CHECK(with_time.Lock() == "GOVERNANCE 3");
}

TEST_CASE("worm: a file that is still open is locked with what was written") {
  Bench bench;
  CHECK(bench.Touch(2 * kHour) == kDone);
  const auto handle = bench.volume.Open("f", O_WRONLY | O_TRUNC);
  REQUIRE(handle);
  REQUIRE(bench.volume.fs().Write(*handle, 0, AsBytes("more")));
  CHECK(bench.Chmod(0444) == kDone);
  CHECK(*bench.store.Body("f") == "more");
  CHECK(bench.Lock() == "GOVERNANCE 2");
  CHECK(bench.volume.Close(*handle));
  CHECK(*bench.store.Body("f") == "more");
}

TEST_CASE("worm: the date is shown where tools look for it") {
  Bench bench({.shows_atime = true});
  const auto until = [&] {
    return bench.volume.fs().GetXattr(bench.volume.Look("f")->node, "user.immutable.until");
  };
  CHECK_FALSE(until());
  CHECK(bench.Touch(2 * kHour) == kDone);
  CHECK(bench.Chmod(0444) == kDone);
  CHECK(bench.Touch(4 * kHour) == kDone);
  CHECK(bench.volume.Stat("f")->attributes.atime == (bench.store.now() + 4 * kHour) * fs::kSecond);
  REQUIRE(until());
  CHECK(*until() == "2026-01-02T07:04:05Z");
  bench.Pass(5 * kHour);
  CHECK_FALSE(until());
}

}  // namespace coffer::test::worm_test
