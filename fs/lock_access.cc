#include "fs/lock_access.h"

#include <utility>

#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

constexpr std::int64_t kDayS = 86'400;
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
  policy.strip_write_bits = options.locked_mode != "keep";
  policy.unseen_locked = options.unknown != "unlocked";
  policy.allow_compliance = options.allow_compliance;
  if (facts.object_lock == s3::Tri::kNo) return policy;
  COFFER_ASSIGN(const Sight retention, SightOf(bucket.RetentionVisible(key)));
  if (facts.object_lock == s3::Tri::kUnknown && retention.enabled == s3::Tri::kNo) return policy;
  COFFER_ASSIGN(const Sight hold, SightOf(bucket.LegalHoldVisible(key)));
  policy.visible = !retention.denied && !hold.denied;
  const bool sure = facts.object_lock == s3::Tri::kYes || retention.enabled == s3::Tri::kYes ||
                    hold.enabled == s3::Tri::kYes;
  policy.enabled = sure || policy.visible || !options.unknown.empty();
  TakeDefault(facts, policy);
  if (!policy.visible) {
    NoteUnseen(policy, retention.denied ? "s3:GetObjectRetention" : "s3:GetObjectLegalHold", notes);
  }
  if (!policy.default_mode.empty()) {
    notes.push_back("the bucket locks every new file (" + DefaultInWords(facts.lock) +
                    "): until then it is not written over, renamed or removed, and temporary "
                    "files of rsync, restic and editors stay");
  }
  return policy;
}

}  // namespace coffer::fs
