#include "fs/lock_change.h"

#include <catch2/catch.hpp>

namespace coffer::fs::lock_change_test {

constexpr std::int64_t kNow = 1'000'000;
constexpr std::int64_t kHour = 3600;

s3::ObjectInfo With(s3::Lock lock) {
  s3::ObjectInfo info;
  info.version_id = "v";
  info.server_date_s = kNow;
  info.lock = std::move(lock);
  return info;
}
s3::ObjectInfo Governed(std::int64_t left) { return With({"GOVERNANCE", kNow + left, false}); }
s3::ObjectInfo Complied(std::int64_t left) { return With({"COMPLIANCE", kNow + left, false}); }

LockWish For(std::int64_t period, std::string mode = "") {
  LockWish wish;
  wish.until_s = kNow + period;
  wish.mode = std::move(mode);
  wish.allow_compliance = true;
  return wish;
}

Code Refused(const LockWish& wish, const s3::ObjectInfo& now) {
  const auto plan = PlanLock(wish, now);
  REQUIRE_FALSE(plan);
  return plan.error().code;
}

TEST_CASE("lock_change: governance unless a mode is named or there") {
  CHECK(PlanLock(For(kHour), With({}))->lock == s3::Lock{"GOVERNANCE", kNow + kHour, false});
  CHECK(PlanLock(For(kHour, "COMPLIANCE"), With({}))->lock.mode == "COMPLIANCE");
  CHECK(PlanLock(For(kHour), Complied(60))->lock.mode == "COMPLIANCE");
  // What has ended binds nobody.
  CHECK(PlanLock(For(kHour), Complied(-60))->lock.mode == "GOVERNANCE");
}

TEST_CASE("lock_change: retention is extended, and never weakened") {
  CHECK(PlanLock(For(kHour), Governed(60))->lock.retain_until_s == kNow + kHour);
  CHECK(PlanLock(For(kHour), Governed(kHour))->step == LockPlan::Step::kNothing);
  CHECK(Refused(For(kHour), Governed(kHour + 1)) == Code::kLocked);
  CHECK(Refused(For(kHour, "GOVERNANCE"), Complied(60)) == Code::kLocked);
  CHECK(Refused(For(60), Complied(kHour)) == Code::kLocked);
  CHECK(PlanLock(For(kHour), Governed(-1))->step == LockPlan::Step::kWrite);
}

TEST_CASE("lock_change: compliance takes a yes, however it comes about") {
  LockWish wish = For(kHour, "COMPLIANCE");
  CHECK(PlanLock(wish, With({}))->sets_compliance);
  wish.allow_compliance = false;
  CHECK(Refused(wish, With({})) == Code::kNotPermitted);
  CHECK(Refused(wish, Governed(60)) == Code::kNotPermitted);
  wish.mode.clear();
  CHECK(Refused(wish, Complied(60)) == Code::kNotPermitted);
  CHECK(PlanLock(wish, Complied(kHour))->step == LockPlan::Step::kNothing);
  CHECK_FALSE(PlanLock(wish, Governed(60))->sets_compliance);
  wish.if_before_s = kNow + 120;
  CHECK(Refused(wish, Complied(60)) == Code::kNotPermitted);
}

TEST_CASE("lock_change: a hold and retention do not touch each other") {
  LockWish wish;
  wish.hold = true;
  CHECK(PlanLock(wish, Governed(60))->lock == s3::Lock{"GOVERNANCE", kNow + 60, true});
  CHECK(PlanLock(wish, With({"", 0, true}))->step == LockPlan::Step::kNothing);
  CHECK_FALSE(PlanLock(wish, Complied(60))->sets_compliance);
  wish.hold = false;
  CHECK(PlanLock(wish, With({"COMPLIANCE", kNow + 60, true}))->lock ==
        s3::Lock{"COMPLIANCE", kNow + 60, false});
  CHECK(PlanLock(For(kHour), With({"GOVERNANCE", kNow + 60, true}))->lock.legal_hold);
}

TEST_CASE("lock_change: extending leaves what has long enough, and keeps modes") {
  LockWish wish = For(kHour);
  wish.if_before_s = kNow + 600;
  CHECK(PlanLock(wish, Governed(600))->step == LockPlan::Step::kNothing);
  CHECK(PlanLock(wish, Governed(2 * kHour))->step == LockPlan::Step::kNothing);
  CHECK(PlanLock(wish, Governed(599))->lock == s3::Lock{"GOVERNANCE", kNow + kHour, false});
  CHECK(PlanLock(wish, Complied(599))->lock.mode == "COMPLIANCE");
  // One that has ended is one that was missed: it is locked again, as it was.
  CHECK(PlanLock(wish, Complied(-kHour))->lock.mode == "COMPLIANCE");
  CHECK(Refused(wish, With({})) == Code::kNotPermitted);
  wish.mode = "COMPLIANCE";
  CHECK(PlanLock(wish, With({}))->lock.mode == "COMPLIANCE");
  CHECK(PlanLock(wish, Governed(599))->lock.mode == "GOVERNANCE");
}

TEST_CASE("lock_change: unlocking is for governance alone") {
  LockWish wish;
  wish.free_governance = true;
  CHECK(PlanLock(wish, Governed(60))->step == LockPlan::Step::kFree);
  CHECK(PlanLock(wish, Governed(-60))->step == LockPlan::Step::kNothing);
  CHECK(PlanLock(wish, With({}))->step == LockPlan::Step::kNothing);
  CHECK(PlanLock(wish, Complied(-60))->step == LockPlan::Step::kNothing);
  CHECK(Refused(wish, Complied(60)) == Code::kLocked);
  CHECK(Refused(wish, With({"GOVERNANCE", kNow + 60, true})) == Code::kLocked);
  CHECK(Refused(wish, With({"", 0, true})) == Code::kLocked);
}

}  // namespace coffer::fs::lock_change_test
