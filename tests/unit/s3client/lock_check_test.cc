#include "s3client/lock_check.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_store.h"

namespace coffer::s3::lock_check_test {

using test::FakeStore;
using test::Operation;

constexpr std::int64_t kDay = 86400;
constexpr std::int64_t kYear2200 = 7'258'118'400;

FakeStore::Options LockEnabled() {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  return options;
}

Written Stream(FakeStore& store, const NewObject& object) {
  const auto upload = store.CreateUpload("k", object);
  const auto part = store.UploadPart(*upload, {1, 0, true}, AsBytes("x"));
  const auto written = store.CompleteUpload(*upload, std::span(&*part, 1), Condition::None());
  REQUIRE(written);
  store.ResetCounters();
  return *written;
}

TEST_CASE("ConfirmLock: one HEAD where the server kept its word") {
  FakeStore store(LockEnabled());
  NewObject object;
  object.lock = {"GOVERNANCE", store.now() + kDay, true};
  const Written written = Stream(store, object);
  const auto info = ConfirmLock(store, "k", written, object.lock);
  REQUIRE(info);
  CHECK(info->lock == object.lock);
  CHECK(store.requests() == 1);
}

TEST_CASE("ConfirmLock: what was dropped is set on that very version") {
  FakeStore::Options options = LockEnabled();
  options.drops_locks = true;
  FakeStore store(options);
  NewObject object;
  object.lock = {"GOVERNANCE", store.now() + kDay, true};
  const Written written = Stream(store, object);
  store.Plant("k", "somebody else's, meanwhile");
  const auto info = ConfirmLock(store, "k", written, object.lock);
  REQUIRE(info);
  CHECK(info->lock == object.lock);
  CHECK(store.Info("k")->lock == Lock{});
  CHECK(store.Head("k", {"", written.version_id})->lock == object.lock);
}

TEST_CASE("ConfirmLock: a date that was stored as another is an error") {
  FakeStore::Options options = LockEnabled();
  options.wraps_dates = true;
  FakeStore store(options);
  const Lock asked{"GOVERNANCE", kYear2200, false};
  const auto written = store.Put("k", {}, {.lock = asked});
  REQUIRE(written);
  const auto info = ConfirmLock(store, "k", *written, asked);
  REQUIRE_FALSE(info);
  CHECK(info.error().code == Code::kUnavailable);
  CHECK(info.error().what.find("2200-01-01T00:00:00Z") != std::string::npos);
}

TEST_CASE("ConfirmLock: what cannot be set, seen or kept is an error") {
  const auto confirm = [](const FakeStore::Options& options, FakeStore::Hook hook = {}) {
    FakeStore store(options);
    const Lock asked{"GOVERNANCE", store.now() + kDay, false};
    const auto written = store.Put("k", {}, {});
    REQUIRE(written);
    store.SetHook(std::move(hook));
    const auto info = ConfirmLock(store, "k", *written, asked);
    REQUIRE_FALSE(info);
    CHECK(info.error().what.find("may not be locked") != std::string::npos);
    return info.error().code;
  };
  CHECK(confirm({}) == Code::kUnsupported);
  FakeStore::Options versioned;
  versioned.versioned = true;
  CHECK(confirm(versioned) == Code::kUnsupported);
  FakeStore::Options hidden = LockEnabled();
  hidden.hides_locks = true;
  CHECK(confirm(hidden) == Code::kDenied);
  for (const Operation failing :
       {Operation::kHead, Operation::kPutRetention, Operation::kGetRetention}) {
    CHECK(confirm(LockEnabled(), [failing](Operation operation, std::string_view) {
            return operation == failing ? std::optional(test::Fault{{Code::kTimeout, "no answer"}})
                                        : std::nullopt;
          }) == Code::kTimeout);
  }
}

TEST_CASE("ConfirmLock: a version that the server did not name is the current one, or an error") {
  FakeStore store(LockEnabled());
  const Lock asked{"GOVERNANCE", store.now() + kDay, false};
  const auto written = store.Put("k", AsBytes("x"), {});
  REQUIRE(written);
  const auto info = ConfirmLock(store, "k", {written->etag, "", 0}, asked);
  REQUIRE(info);
  CHECK(info->version_id == written->version_id);
  CHECK(store.Info("k")->lock == asked);
  store.Plant("k", "somebody else's, meanwhile");
  const auto other = ConfirmLock(store, "k", {written->etag, "", 0}, asked);
  REQUIRE_FALSE(other);
  CHECK(other.error().code == Code::kChanged);
  CHECK(store.Info("k")->lock == Lock{});
}

TEST_CASE("ConfirmLock: more than was asked for is left alone") {
  FakeStore store(LockEnabled());
  const auto written = store.Put("k", {}, {.lock = {"COMPLIANCE", store.now() + 2 * kDay, false}});
  REQUIRE(written);
  store.ResetCounters();
  CHECK(ConfirmLock(store, "k", *written, {"GOVERNANCE", store.now() + kDay, false}));
  CHECK(store.requests() == 1);
}

}  // namespace coffer::s3::lock_check_test
