#include "fs/doctor_checks.h"

#include <cstdlib>
#include <utility>

#include "fs/cmd_resolve.h"
#include "fs/lock_duration.h"
#include "fs/policy_hint.h"
#include "s3client/api_error.h"

namespace coffer::fs {
namespace {

// Above this S3 refuses signatures, and Coffer corrects the time it signs with.
constexpr std::int64_t kRefusedSkewS = 900;
constexpr std::int64_t kNoticedSkewS = 60;
// A younger upload may well be at work.
constexpr std::int64_t kOldUploadDays = 2;

Check Passed(std::string name, std::string detail) {
  return {std::move(name), CheckState::kOk, std::move(detail)};
}
Check Warn(std::string name, std::string detail, std::string change) {
  return {std::move(name), CheckState::kWarn, std::move(detail), std::move(change)};
}
class ReadOnlyChecks {
 public:
  explicit ReadOnlyChecks(const DoctorContext& context)
      : context_(context), target_(context.target), able_(context.target.capabilities) {}

  ReadOnlyFindings Run() {
    Address();
    if (Credentials()) {
      Identity();
      BucketAndRegion();
      Listing();
      Clock();
      Object();
      Locks();
      Versioning();
      ObjectLock();
      SettingLocks();
      Uploads();
    }
    return std::move(findings_);
  }

 private:
  void Add(Check check) { findings_.checks.push_back(std::move(check)); }

  void Fail(const std::string& name, const std::string& action, bool on_objects,
            const Error& error) {
    Add(FailedCheck(context_, name, action, on_objects, error));
  }

  void Address() {
    const std::string missing = MissingCapabilities(able_);
    const std::string what = KindInWords(target_) + " at " + BucketUrl(target_);
    Add(Passed("address",
               missing.empty() ? what : what + "; not through this kind of address: " + missing));
  }

  // False when nothing can be signed, so that every other check would fail for the same reason.
  bool Credentials() {
    const auto found = context_.probes.Credentials();
    if (!found) {
      Check check{"credentials", CheckState::kFail, found.error().what};
      check.change =
          "set AWS_PROFILE or --profile, or AWS_ACCESS_KEY_ID and "
          "AWS_SECRET_ACCESS_KEY";
      check.access = true;
      Add(std::move(check));
      return false;
    }
    anonymous_ = *found == nullptr;
    if (anonymous_) {
      Add(Passed("credentials", "none: requests are not signed (--no-sign-request)"));
    } else {
      const s3::Credentials& keys = **found;
      Add(Passed("credentials", keys.source + ", access key " + keys.access_key_id +
                                    (keys.session_token.empty() ? "" : ", with a session token")));
    }
    return true;
  }

  void Identity() {
    if (anonymous_) return Add(NotTested("identity", "requests are not signed"));
    const auto caller = context_.probes.Identity();
    if (caller) return Add(Passed("identity", caller->arn));
    if (caller.error().code != Code::kDenied) {
      return Add(NotTested("identity", "STS does not answer: " + caller.error().what));
    }
    Check check{"identity", CheckState::kFail, caller.error().what};
    check.change =
        "the keys themselves are refused: look at the secret, the session token and "
        "whether the key is still active";
    check.access = true;
    Add(std::move(check));
  }

  void BucketAndRegion() {
    if (!able_.head_bucket) {
      Add(NotTested("HeadBucket", KindInWords(target_) + " does not answer it"));
      return;
    }
    const auto region = context_.probes.BucketRegion();
    if (!region) {
      Fail("HeadBucket", "s3:ListBucket", false, region.error());
      return;
    }
    findings_.reachable = true;
    Add(Passed("HeadBucket", "the bucket is there"));
    if (region->empty()) {
      Add(NotTested("region", "the service does not name the bucket's Region"));
    } else if (*region == target_.region) {
      Add(Passed("region", *region));
    } else {
      Check check{"region", CheckState::kFail,
                  "the bucket is in " + *region + ", requests are signed for " +
                      (target_.region.empty() ? "no Region" : target_.region)};
      check.change = "--region " + *region;
      Add(std::move(check));
    }
  }

  void Listing() {
    s3::ListRequest request;
    request.prefix = target_.key_prefix;
    request.delimited = false;
    request.max_keys = 10;
    const auto page = context_.store.List(request);
    if (!page) return Fail("ListBucket", "s3:ListBucket", false, page.error());
    findings_.reachable = true;
    // A directory's marker says less than an object with bytes.
    for (const auto& object : page->objects) {
      if (first_key_.empty() || (first_size_ == 0 && object.size != 0)) {
        first_key_ = object.key;
        first_size_ = object.size;
      }
    }
    if (!first_key_.empty()) return Add(Passed("ListBucket", "objects are listed"));
    Add(Warn("ListBucket",
             target_.key_prefix.empty()
                 ? "the bucket is empty"
                 : "there is no object below the prefix " + target_.key_prefix,
             "look for a typing mistake if there should be some"));
  }

  void Clock() {
    const auto offset = context_.probes.ClockOffset();
    if (!offset) return Add(NotTested("clock", "no reply with a date"));
    const std::int64_t size = std::llabs(*offset);
    if (size == 0) return Add(Passed("clock", "this machine's clock is right"));
    const std::string text = "this machine's clock is " + std::to_string(size) + " s " +
                             (*offset > 0 ? "behind" : "ahead of") + " the service's";
    if (size <= kNoticedSkewS) return Add(Passed("clock", text));
    Add(Warn("clock",
             text + (size > kRefusedSkewS
                         ? "; S3 refuses such signatures, so Coffer signs with the service's time"
                         : ""),
             "set the clock (timedatectl set-ntp true): file times and other programs use it"));
  }

  void Object() {
    if (first_key_.empty()) return Add(NotTested("GetObject", "there is no object to read"));
    const auto head = context_.store.Head(first_key_, {});
    if (!head) return Fail("GetObject", "s3:GetObject", true, head.error());
    version_id_ = head->version_id;
    if (head->archived) {
      return Add(
          Warn("GetObject", "the first object is archived (" + head->storage_class + ")",
               "'coffer restore' (s3:RestoreObject) makes archived objects readable, for a while"));
    }
    const auto got = context_.store.Get(first_key_, {0, 1}, {});
    if (!got) return Fail("GetObject", "s3:GetObject", true, got.error());
    Add(Passed("GetObject", "the first object can be read"));
  }

  void Locks() {
    const auto look = [&](const char* name, Result<LockSight> sight) {
      if (sight) {
        lock_on_ = *sight == LockSight::kVisible;
        Add(Passed(name, *lock_on_ ? "locks can be seen" : "the bucket has no Object Lock"));
      } else if (sight.error().code == Code::kDenied) {
        Check check = FailedCheck(context_, name, std::string("s3:") + name, true, sight.error());
        check.state = CheckState::kWarn;  // reading and writing go on without it
        check.access = false;
        check.detail += "; locks cannot be seen, so locked files look like others";
        Add(std::move(check));
      } else {
        Add(NotTested(name, sight.error().what));
      }
    };
    for (const char* name : {"GetObjectRetention", "GetObjectLegalHold"}) {
      if (!able_.object_lock) {
        Add(NotTested(name, KindInWords(target_) + " has no Object Lock"));
      } else if (first_key_.empty()) {
        Add(NotTested(name, "there is no object to look at"));
      } else {
        look(name, std::string_view(name) == "GetObjectRetention"
                       ? context_.probes.Retention(first_key_)
                       : context_.probes.LegalHold(first_key_));
      }
    }
  }

  void Versioning() {
    if (able_.bucket_queries) {
      const auto state = context_.probes.Versioning();
      if (state) {
        return Add(
            Passed("versioning", state->empty() ? "never enabled: an overwrite is final" : *state));
      }
      if (state.error().code != Code::kDenied && state.error().code != Code::kUnsupported) {
        return Fail("versioning", "s3:GetBucketVersioning", false, state.error());
      }
    }
    // An access point does not answer; the objects do.
    if (first_key_.empty()) return Add(NotTested("versioning", "no object that would tell"));
    if (version_id_.empty())
      return Add(Passed("versioning", "inferred from an object: never enabled"));
    Add(Passed("versioning", version_id_ == "null"
                                 ? "inferred from an object: suspended, or enabled since"
                                 : "inferred from an object: enabled, or suspended since"));
  }

  void ObjectLock() {
    if (!able_.object_lock) {
      findings_.object_lock = ObjectLockSetup{};
      findings_.default_retention_known = true;
      return Add(Passed("object lock", KindInWords(target_) + " has none"));
    }
    // Access points are said to answer this one: ask, and take no answer for "unknown".
    const auto setup = context_.probes.ObjectLock();
    if (setup) {
      findings_.object_lock = *setup;
      findings_.default_retention_known = true;
      if (!setup->enabled) return Add(Passed("object lock", "off"));
      if (setup->default_mode.empty())
        return Add(Passed("object lock", "on, no default retention"));
      return Add(
          Warn("object lock",
               "on, and every new object is locked: " + setup->default_mode + ", " +
                   setup->default_period,
               "temporary files of editors, rsync and restic would be locked too: coffer mount "
               "--locked=versioned lets them go"));
    }
    if (!lock_on_) {
      return Add(NotTested("object lock",
                           "neither the bucket nor an object tells: " + setup.error().what));
    }
    findings_.object_lock = ObjectLockSetup{*lock_on_, "", ""};
    findings_.default_retention_known = !*lock_on_;
    Add(Passed("object lock", *lock_on_
                                  ? "inferred from an object: on; a default retention cannot be "
                                    "seen from here"
                                  : "inferred from an object: off"));
  }

  // No question tells whether a lock may be set, only a lock that is.
  void SettingLocks() {
    if (!findings_.object_lock || !findings_.object_lock->enabled) return;
    for (const char* name : {"PutObjectRetention", "PutObjectLegalHold"}) {
      Add(NotTested(name,
                    "only a lock that is set would tell; 'coffer lock --for 1m' and 'coffer "
                    "hold on' of some file try it"));
    }
  }

  // Nothing tells a lost upload from one that another machine is at work on, so none is aborted.
  void Uploads() {
    constexpr const char* kName = "unfinished uploads";
    if (!able_.write) return Add(NotTested(kName, KindInWords(target_) + " only reads"));
    const auto left = context_.probes.Uploads(target_.key_prefix);
    if (!left) return Add(NotTested(kName, left.error().what));
    if (left->count == 0) return Add(Passed(kName, "none is listed"));
    const std::int64_t days = left->oldest_age_s / kDayS;
    const std::string what = std::to_string(left->count) + (left->more ? " and more" : "") +
                             ", the oldest since " + std::to_string(days) +
                             " days: " + s3::Printable(left->oldest_key);
    if (days < kOldUploadDays) return Add(Passed(kName, what));
    Json rule;
    rule["ID"] = "abort-unfinished-uploads";
    rule["Status"] = "Enabled";
    rule["Filter"]["Prefix"] = target_.key_prefix;
    rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] = 7;
    Add(Warn(kName, what,
             "they are paid for until they are aborted; add this rule to the bucket's lifecycle "
             "configuration: " +
                 rule.dump(-1, ' ', false, Json::error_handler_t::replace)));
  }

  const DoctorContext& context_;
  const s3::Target& target_;
  const s3::Capabilities& able_;
  ReadOnlyFindings findings_;
  bool anonymous_ = false;
  std::string first_key_;
  std::uint64_t first_size_ = 0;
  std::string version_id_;
  std::optional<bool> lock_on_;
};

}  // namespace

Check FailedCheck(const DoctorContext& context, const std::string& name, const std::string& action,
                  bool on_objects, const Error& error) {
  Check check{name, CheckState::kFail, error.what};
  if (error.code != Code::kDenied) return check;
  check.access = true;
  check.change = "allow " + action +
                 ", here and in every policy that may deny it (user or role, "
                 "access point, bucket, organization)";
  check.policy = AllowStatement(context.target, action,
                                on_objects ? PolicyScope::kObjects : PolicyScope::kBucket);
  return check;
}

ReadOnlyFindings CheckReadOnly(const DoctorContext& context) {
  return ReadOnlyChecks(context).Run();
}

}  // namespace coffer::fs
