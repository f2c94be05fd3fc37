#include "fs/lock_change.h"

#include <utility>

#include "fs/lock_policy.h"
#include "fs/lock_write.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kCompliance = "COMPLIANCE";

Error Weaker(const s3::Lock& there, std::string_view asked) {
  return {Code::kLocked,
          "not permitted: it has " + LockInWords(there) + ", and " + std::string(asked)};
}

// The retention that the version shall have, which may be what it has.
Result<s3::Lock> Retained(const LockWish& wish, const s3::ObjectInfo& now) {
  const s3::Lock& there = now.lock;
  const bool runs = there.Retained(now.server_date_s);
  const std::string own = wish.mode.empty() ? "GOVERNANCE" : wish.mode;
  s3::Lock wanted{wish.mode.empty() && runs ? there.mode : own, wish.until_s, false};
  if (!runs) return wanted;
  if (there.mode == kCompliance && wanted.mode != kCompliance) {
    return Weaker(there, "compliance does not become governance");
  }
  if (wanted.retain_until_s < there.retain_until_s) {
    return Weaker(there, "a lock is extended, never shortened");
  }
  return wanted;
}

Result<s3::Lock> Extended(const LockWish& wish, const s3::ObjectInfo& now) {
  const s3::Lock& there = now.lock;
  if (there.mode.empty() && wish.mode.empty()) {
    return Error{Code::kNotPermitted,
                 "it was never locked, so there is nothing to extend: with --mode such files are "
                 "locked, too"};
  }
  if (there.Retained(now.server_date_s) && there.retain_until_s >= wish.if_before_s) {
    return there;
  }
  return s3::Lock{there.mode.empty() ? wish.mode : there.mode, wish.until_s, false};
}

Result<LockPlan> PlanFree(const s3::ObjectInfo& now) {
  COFFER_TRY(IsFreeable(now));
  LockPlan plan;
  if (now.lock.Retained(now.server_date_s)) plan.step = LockPlan::Step::kFree;
  return plan;
}

}  // namespace

Result<LockPlan> PlanLock(const LockWish& wish, const s3::ObjectInfo& now) {
  if (wish.free_governance) return PlanFree(now);
  LockPlan plan;
  plan.lock = now.lock;
  if (wish.hold) plan.lock.legal_hold = *wish.hold;
  if (wish.until_s != 0) {
    COFFER_ASSIGN(const s3::Lock retention,
                  wish.if_before_s != 0 ? Extended(wish, now) : Retained(wish, now));
    plan.lock.mode = retention.mode;
    plan.lock.retain_until_s = retention.retain_until_s;
    const bool same =
        plan.lock.mode == now.lock.mode && plan.lock.retain_until_s == now.lock.retain_until_s;
    plan.sets_compliance = !same && plan.lock.mode == kCompliance;
  }
  if (plan.sets_compliance && !wish.allow_compliance) {
    return Error{Code::kNotPermitted,
                 "it would be under compliance until then, which nobody can undo, and nobody was "
                 "asked: --yes"};
  }
  if (plan.lock != now.lock) plan.step = LockPlan::Step::kWrite;
  return plan;
}

}  // namespace coffer::fs
