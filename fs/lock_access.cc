#include "fs/lock_access.h"

#include <cstdint>
#include <iterator>
#include <utility>

#include "fs/lock_duration.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

constexpr std::int64_t kYearS = 365 * kDayS;

// What one question about an object's lock told.
struct Sight {
  s3::Tri enabled = s3::Tri::kUnknown;
  bool denied = false;
};

Result<Sight> SightOf(const Result<bool>& visible) {
  if (visible) return Sight{*visible ? s3::Tri::kYes : s3::Tri::kNo};
  switch (visible.error().code) {
    case Code::kDenied:
      return Sight{s3::Tri::kUnknown, true};
    case Code::kNotFound:  // may be asked, and there is no such object
      return Sight{};
    case Code::kUnsupported:  // a server without Object Lock, unless the bucket says otherwise
      return Sight{s3::Tri::kNo};
    default:
      return Error(visible.error()).While("see whether objects are locked");
  }
}

void TakeDefault(const s3::BucketFacts& facts, LockPolicy& policy) {
  policy.default_known = facts.object_lock == s3::Tri::kYes;
  policy.default_mode = facts.lock.default_mode;
  policy.default_period_s = facts.lock.default_days * kDayS + facts.lock.default_years * kYearS;
  // A year of the service's may be longer than ours.
  if (facts.lock.default_years > 0) policy.default_slack_s = (facts.lock.default_years + 1) * kDayS;
}

std::string DefaultInWords(const s3::BucketLock& lock) {
  const bool years = lock.default_years > 0;
  return s3::Printable(lock.default_mode) + ", " +
         std::to_string(years ? lock.default_years : lock.default_days) +
         (years ? " years" : " days");
}

// A lock that is asked for replaces the bucket's default, which must not become less by it. One
// that is shorter is not asked for.
Status CheckAgainstDefault(const LockRules& rules, const LockPolicy& policy) {
  const s3::Lock given = DefaultLock(policy, 0);
  if (given == s3::Lock{}) return Ok();
  for (const LockRule& rule : rules.rules()) {
    if (!rule.term) continue;
    const s3::Lock wanted{rule.term->mode, rule.term->period_s, false};
    if (wanted.Covers(given) || given.Covers(wanted)) continue;
    return Error{Code::kInvalid,
                 "the bucket locks every new file (" + policy.default_mode + ", " +
                     PeriodInWords(policy.default_period_s) + "), and the rule " + rule.text +
                     " would take some of that away: make it as strict and as long"};
  }
  return Ok();
}

void NoteUnseen(const LockPolicy& policy, const std::string& right,
                std::vector<std::string>& notes) {
  if (!policy.enabled) {
    notes.push_back("whether files are locked cannot be seen (it takes " + right +
                    "): they are shown as if none was; --lock-unknown=locked refuses to change "
                    "any");
  } else {
    notes.push_back("locks cannot be seen (it takes " + right + "): every file " +
                    (policy.unseen_locked ? "counts as locked; --lock-unknown=unlocked lets all be "
                                            "changed"
                                          : "is shown as if it was not locked"));
  }
}

}  // namespace

Result<LockPolicy> FindLockPolicy(s3::Bucket& bucket, const s3::BucketFacts& facts,
                                  std::string_view key, const LockOptions& options,
                                  std::vector<std::string>& notes) {
  LockPolicy policy;
  policy.versioned = options.locked == "versioned";
  policy.strip_write_bits = options.locked_mode != "keep";
  policy.unseen_locked = options.unknown != "unlocked";
  policy.allow_compliance = options.allow_compliance;
  policy.longest_s = options.longest_s;
  if (facts.object_lock == s3::Tri::kNo) return policy;
  COFFER_ASSIGN(const Sight retention, SightOf(bucket.RetentionVisible(key)));
  if (facts.object_lock == s3::Tri::kUnknown && retention.enabled == s3::Tri::kNo) return policy;
  COFFER_ASSIGN(const Sight hold, SightOf(bucket.LegalHoldVisible(key)));
  policy.visible = !retention.denied && !hold.denied;
  const bool sure = facts.object_lock == s3::Tri::kYes || retention.enabled == s3::Tri::kYes ||
                    hold.enabled == s3::Tri::kYes;
  policy.sure = sure;
  policy.enabled = sure || policy.visible || !options.unknown.empty() || !options.rules.empty() ||
                   !options.autolock.empty() || options.worm != "off";
  TakeDefault(facts, policy);
  if (!policy.visible) {
    NoteUnseen(policy, retention.denied ? "s3:GetObjectRetention" : "s3:GetObjectLegalHold", notes);
  }
  if (!policy.default_mode.empty()) {
    notes.push_back("the bucket locks every new file (" + DefaultInWords(facts.lock) + ")" +
                    (policy.versioned
                         ? ": what is written over or removed stays as an older version"
                         : ": until then it is not written over, renamed or removed, and "
                           "temporary files of rsync, restic and editors stay; "
                           "--locked=versioned lets them go, and keeps their versions"));
  }
  return policy;
}

Result<std::optional<LockTerm>> WormTerm(const LockOptions& options) {
  if (options.worm_retention.empty()) return std::optional<LockTerm>();
  const std::string option = "--worm-retention " + options.worm_retention;
  auto term = ParseLockTerm(options.worm_retention);
  if (!term) return Error{Code::kInvalid, option + ": " + term.error().what};
  COFFER_TRY(CheckLockBounds(*term, {options.longest_s, options.allow_compliance}, option));
  return std::optional(*std::move(term));
}

s3::Lock DefaultLockOf(const s3::BucketFacts& facts, std::int64_t now_s) {
  LockPolicy policy;
  TakeDefault(facts, policy);
  return DefaultLock(policy, now_s);
}

Result<MountRules> MakeLockRules(const LockOptions& options,
                                 const std::vector<std::string>& of_volume, LockPolicy& policy,
                                 std::vector<std::string>& notes) {
  // What the volume says was bounded when it was made.
  const LockRuleBounds unbounded{INT64_MAX, options.allow_compliance};
  const LockRuleBounds bounds{options.longest_s, options.allow_compliance};
  COFFER_ASSIGN(std::vector<LockRule> rules, ParseLockRules(of_volume, unbounded));
  COFFER_ASSIGN(std::vector<LockRule> own, ParseLockRules(options.rules, bounds));
  rules.insert(rules.end(), std::make_move_iterator(own.begin()),
               std::make_move_iterator(own.end()));
  MountRules all{LockRules(std::move(rules), !options.no_builtin_exemptions)};
  if (!options.autolock.empty()) {
    COFFER_ASSIGN(all.autolock, ParseAutolock(options.autolock, bounds));
  }
  const bool worm = options.worm == "snaplock";
  if (!all.any() && !worm) return all;
  if (!policy.enabled && policy.visible) {
    return Error{Code::kUnsupported,
                 "files cannot be locked by rules: the bucket has no Object Lock, or is not "
                 "reached by an address that has; mount without --lock-rule, --autolock and "
                 "--worm, or a bucket made with Object Lock"};
  }
  policy.enabled = true;
  if (!policy.visible && options.unverified != "allow") {
    return Error{Code::kDenied,
                 "files are to be locked by rules, and whether they are cannot be read back: allow "
                 "these credentials s3:GetObjectRetention and s3:GetObjectLegalHold, or take the "
                 "server's word with --lock-unverified=allow"};
  }
  COFFER_TRY(CheckAgainstDefault(all.rules, policy));
  if (!policy.sure) {
    notes.emplace_back(
        "whether the bucket has Object Lock cannot be seen from here: where it has none, files "
        "that a rule is to lock cannot be stored");
  }
  return all;
}

}  // namespace coffer::fs
