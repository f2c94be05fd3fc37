#include "fs/doctor_probes.h"

#include <chrono>

#include "fs/caller.h"

namespace coffer::fs {
namespace {

using s3::ConditionalWrite;
using s3::ConditionMemory;
using ConditionKind = s3::Condition::Kind;

// One kind of conditional write as doctor names it.
struct ProbeRow {
  Finding ConditionalFindings::*finding;
  ConditionalWrite write;
  ConditionKind kind;
};
constexpr ProbeRow kProbes[] = {
    {&ConditionalFindings::put_if_absent, ConditionalWrite::kPut, ConditionKind::kAbsent},
    {&ConditionalFindings::put_if_match, ConditionalWrite::kPut, ConditionKind::kMatches},
    {&ConditionalFindings::copy_if_absent, ConditionalWrite::kCopy, ConditionKind::kAbsent},
    {&ConditionalFindings::copy_source_match, ConditionalWrite::kCopySource,
     ConditionKind::kMatches},
    {&ConditionalFindings::complete_if_absent, ConditionalWrite::kComplete, ConditionKind::kAbsent},
    {&ConditionalFindings::delete_if_match, ConditionalWrite::kDelete, ConditionKind::kMatches},
};

Result<LockSight> ToSight(const Result<bool>& visible) {
  if (!visible) return visible.error();
  return *visible ? LockSight::kVisible : LockSight::kBucketHasNone;
}

std::string Period(const s3::BucketLock& lock) {
  if (lock.default_years > 0) return std::to_string(lock.default_years) + " years";
  if (lock.default_days > 0) return std::to_string(lock.default_days) + " days";
  return "";
}

}  // namespace

Result<std::shared_ptr<const s3::Credentials>> ConnectionProbes::Credentials() {
  if (connection_.credentials() == nullptr) return std::shared_ptr<const s3::Credentials>();
  return connection_.credentials()->Get();
}

Result<StsCaller> ConnectionProbes::Identity() {
  const s3::Target& target = connection_.target();
  return AskCaller(connection_.network(), connection_.options(), environment_, target.region,
                   target.aws_host);
}

std::optional<std::int64_t> ConnectionProbes::ClockOffset() {
  if (connection_.counters().Snapshot().Total().requests == 0) return std::nullopt;
  return connection_.server_time().offset_s();
}

Result<std::string> ConnectionProbes::BucketRegion() {
  auto region = s3::DiscoverRegion(connection_.plain(), connection_.target());
  if (!region && region.error().code == Code::kUnsupported) return std::string();
  return region;
}

Result<std::string> ConnectionProbes::Versioning() { return connection_.MakeBucket().Versioning(); }

Result<ObjectLockSetup> ConnectionProbes::ObjectLock() {
  COFFER_ASSIGN(const s3::BucketLock lock, connection_.MakeBucket().ObjectLock());
  return ObjectLockSetup{lock.enabled, lock.default_mode, Period(lock)};
}

Result<LockSight> ConnectionProbes::Retention(std::string_view key) {
  return ToSight(connection_.MakeBucket().RetentionVisible(key));
}

Result<LockSight> ConnectionProbes::LegalHold(std::string_view key) {
  return ToSight(connection_.MakeBucket().LegalHoldVisible(key));
}

Result<LeftUploads> ConnectionProbes::Uploads(std::string_view prefix) {
  COFFER_ASSIGN(s3::UnfinishedUploads found, connection_.MakeBucket().Uploads(prefix));
  const auto now = std::chrono::floor<std::chrono::seconds>(connection_.server_time().Now());
  LeftUploads left{found.count, found.more, std::move(found.oldest_key), 0};
  if (found.oldest_s != 0) left.oldest_age_s = now.time_since_epoch().count() - found.oldest_s;
  return left;
}

std::optional<ConditionalFindings> FindingsOf(const ConditionMemory& memory) {
  for (const bool versioned : {false, true}) {
    ConditionalFindings findings;
    findings.versioned = versioned;
    bool known = false;
    for (const ProbeRow& row : kProbes) {
      const ConditionMemory::Case c{row.write, row.kind, versioned};
      Finding& finding = findings.*row.finding;
      if (memory.Counts(c)) finding = Finding::kHonoured;
      if (memory.Unusable(c)) finding = Finding::kUnusable;
      known = known || finding != Finding::kUnknown;
    }
    if (known) return findings;
  }
  return std::nullopt;
}

void Remember(const ConditionalFindings& findings, ConditionMemory& memory) {
  // First: it forgets what was seen of the other spelling.
  if (findings.put_if_match_bare) {
    memory.SetBare({s3::ConditionalWrite::kPut, s3::Condition::Kind::kMatches, findings.versioned});
  }
  for (const ProbeRow& row : kProbes) {
    const ConditionMemory::Case c{row.write, row.kind, findings.versioned};
    const Finding finding = findings.*row.finding;
    if (finding == Finding::kUnusable) memory.SetUnusable(c);
    if (finding != Finding::kHonoured) continue;
    memory.SawSuccess(c);
    memory.SawRefusal(c);
  }
}

}  // namespace coffer::fs
