#include "fs/lock_access.h"

#include <catch2/catch.hpp>
#include <optional>
#include <utility>

#include "tests/support/fake_transport.h"
#include "tests/support/store_bench.h"

namespace coffer::fs::lock_access_test {

using s3::ErrorXml;
using s3::Reply;
using s3::Tri;

struct Answer {
  Result<LockPolicy> policy;
  std::vector<std::string> notes;
  std::size_t requests;
};

// `replies`: to ?retention, then to ?legal-hold.
Answer Ask(Tri known, const std::vector<s3::Response>& replies, const LockOptions& options = {},
           s3::BucketLock lock = {}) {
  s3::FakeTransport wire;
  for (const s3::Response& reply : replies) wire.Then(reply);
  s3::Bucket bucket(wire, s3::TestTarget(), {});
  s3::BucketFacts facts;
  facts.object_lock = known;
  facts.lock = std::move(lock);
  std::vector<std::string> notes;
  auto policy = FindLockPolicy(bucket, facts, "k", options, notes);
  return {std::move(policy), notes, wire.seen().size()};
}

const s3::Response kNever = Reply(404, {}, ErrorXml("NoSuchObjectLockConfiguration"));
const s3::Response kDenied = Reply(403, {}, ErrorXml("AccessDenied"));
const s3::Response kNoKey = Reply(404, {}, ErrorXml("NoSuchKey"));
const s3::Response kNoLock =
    Reply(400, {}, ErrorXml("InvalidRequest", "Bucket is missing Object Lock Configuration"));

TEST_CASE("lock policy: a bucket that is known to have no Object Lock is asked nothing") {
  const Answer answer = Ask(Tri::kNo, {kDenied});
  REQUIRE(answer.policy);
  CHECK_FALSE(answer.policy->enabled);
  CHECK(answer.requests == 0);
  CHECK(answer.notes.empty());
}

TEST_CASE("lock policy: where the bucket does not say, an object does") {
  const Answer without = Ask(Tri::kUnknown, {kNoLock});
  CHECK_FALSE(without.policy->enabled);
  CHECK(without.requests == 1);
  const Answer with = Ask(Tri::kUnknown, {kNever, kNever});
  CHECK(with.policy->enabled);
  CHECK(with.policy->visible);
  CHECK_FALSE(with.policy->default_known);
  CHECK(Ask(Tri::kUnknown, {kNoKey, kNoKey}).policy->enabled);  // nothing says that there is none
  for (const s3::Response& other :
       {Reply(501, {}, ErrorXml("NotImplemented")), Reply(405), Reply(200, {}, "the object")}) {
    CHECK_FALSE(Ask(Tri::kUnknown, {other}).policy->enabled);
    CHECK(Ask(Tri::kYes, {other}).policy->enabled);
  }
}

TEST_CASE("lock policy: locks that cannot be seen count as locked where they are known to be") {
  for (const auto& replies :
       {std::vector{kDenied, kDenied}, {kNever, kDenied}, {kDenied, kNever}}) {
    const Answer sure = Ask(Tri::kYes, replies);
    CHECK(sure.policy->enabled);
    CHECK_FALSE(sure.policy->visible);
    CHECK(sure.policy->unseen_locked);
    REQUIRE(sure.notes.size() == 1);
    CHECK(sure.notes[0].find("s3:GetObject") != std::string::npos);
  }
  CHECK_FALSE(Ask(Tri::kYes, {kDenied}, {.unknown = "unlocked"}).policy->unseen_locked);
  const Answer perhaps = Ask(Tri::kUnknown, {kDenied, kDenied});
  CHECK_FALSE(perhaps.policy->enabled);
  CHECK(perhaps.notes.size() == 1);
  const Answer asked = Ask(Tri::kUnknown, {kDenied, kDenied}, {.unknown = "locked"});
  CHECK(asked.policy->enabled);
  CHECK(asked.policy->unseen_locked);
}

TEST_CASE("lock policy: options, the default retention, and a network that fails") {
  s3::BucketLock lock{true, "COMPLIANCE", 30, 0};
  LockOptions options;
  options.locked_mode = "keep";
  options.allow_compliance = true;
  const Answer days = Ask(Tri::kYes, {kNever, kNever}, options, lock);
  CHECK_FALSE(days.policy->strip_write_bits);
  CHECK(days.policy->allow_compliance);
  CHECK(days.policy->default_known);
  CHECK(DefaultLock(*days.policy, 1000) == s3::Lock{"COMPLIANCE", 1000 + 30 * 86'400, false});
  REQUIRE(days.notes.size() == 1);
  CHECK(days.notes[0].find("COMPLIANCE, 30 days") != std::string::npos);
  CHECK(DefaultLock(*Ask(Tri::kYes, {kNever}).policy, 1000) == s3::Lock{});
  CHECK_FALSE(Ask(Tri::kYes, {Reply(500, {}, ErrorXml("InternalError"))}).policy);
}

// The code of the refusal, or nothing.
std::optional<Code> Refusal(const LockOptions& options, LockPolicy policy,
                            const std::vector<std::string>& of_volume = {}) {
  std::vector<std::string> notes;
  const auto rules = MakeLockRules(options, of_volume, policy, notes);
  return rules ? std::nullopt : std::optional(rules.error().code);
}

LockOptions WithRule(const std::string& rule) {
  LockOptions options;
  options.rules = {rule};
  return options;
}

TEST_CASE("lock rules of a mount: refused where they could not be kept") {
  const LockOptions one = WithRule("**=governance:30d");
  const LockPolicy none;
  LockPolicy on{.enabled = true, .sure = true};
  CHECK_FALSE(Refusal({}, none));
  CHECK_FALSE(Refusal(WithRule("**=none"), none));
  CHECK(Refusal(one, none) == Code::kUnsupported);
  CHECK(Refusal({}, none, one.rules) == Code::kUnsupported);
  CHECK_FALSE(Refusal(one, on));
  on.visible = false;
  CHECK(Refusal(one, on) == Code::kDenied);
  LockOptions unverified = one;
  unverified.unverified = "allow";
  CHECK_FALSE(Refusal(unverified, on));
  LockOptions rests;
  rests.autolock = "1h=governance:1d";
  CHECK(Refusal(rests, none) == Code::kUnsupported);
  LockOptions worm;
  worm.worm = "snaplock";
  CHECK(Refusal(worm, none) == Code::kUnsupported);
}

TEST_CASE(
    "lock rules of a mount: those of the volume come first, and its compliance is no accident") {
  LockPolicy on{.enabled = true, .sure = true};
  std::vector<std::string> notes;
  const auto made =
      MakeLockRules(WithRule("**=governance:2d"), {"a/**=none", "b/**=governance:900d"}, on, notes);
  REQUIRE(made);
  CHECK_FALSE(made->rules.Find("a/f"));
  CHECK(made->rules.Find("b/f")->period_s == 900 * 86'400);
  CHECK(made->rules.Find("c/f")->period_s == 2 * 86'400);
  CHECK(notes.empty());
  CHECK(Refusal({}, on, {"**=compliance:1d"}) == Code::kInvalid);
  LockOptions allowed;
  allowed.allow_compliance = true;
  CHECK_FALSE(Refusal(allowed, on, {"**=compliance:1d"}));
  on.sure = false;
  REQUIRE(MakeLockRules(WithRule("**=governance:2d"), {}, on, notes));
  CHECK(notes.size() == 1);
}

TEST_CASE("lock rules of a mount: none takes away from what the bucket gives") {
  LockPolicy on{.enabled = true, .sure = true, .default_mode = "GOVERNANCE"};
  on.default_period_s = 30 * 86'400;
  LockOptions options;
  options.allow_compliance = true;
  const std::vector<std::pair<std::string, bool>> rows = {
      {"**=governance:31d", true}, {"**=governance:30d", true}, {"**=governance:1d", true},
      {"**=compliance:30d", true}, {"**=none", true},           {"**=compliance:29d", false},
  };
  for (const auto& [rule, fits] : rows) {
    INFO(rule);
    options.rules = {rule};
    CHECK(Refusal(options, on).has_value() != fits);
  }
}

}  // namespace coffer::fs::lock_access_test
