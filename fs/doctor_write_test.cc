#include "fs/doctor_write_test.h"

#include <array>
#include <utility>

#include "fs/cmd_resolve.h"

namespace coffer::fs {
namespace {

// No object has this one: it is not a hash that anything hashes to.
constexpr const char* kOtherEtag = "00000000000000000000000000000000";

constexpr const char* kPut = "PutObject";
constexpr const char* kPutAbsent = "PutObject If-None-Match";
constexpr const char* kPutMatch = "PutObject If-Match";
constexpr const char* kCopy = "CopyObject";
constexpr const char* kCopyAbsent = "CopyObject If-None-Match";
constexpr const char* kCopySourceMatch = "CopyObject x-amz-copy-source-if-match";
constexpr const char* kMultipart = "multipart upload";
constexpr const char* kCompleteAbsent = "CompleteMultipartUpload If-None-Match";
constexpr const char* kAbort = "AbortMultipartUpload";
constexpr const char* kDeleteMatch = "DeleteObject If-Match";
constexpr const char* kDelete = "DeleteObject";
constexpr std::array kAll = {kPut,        kPutAbsent,       kPutMatch,  kCopy,
                             kCopyAbsent, kCopySourceMatch, kMultipart, kCompleteAbsent,
                             kAbort,      kDeleteMatch,     kDelete};

constexpr const char* kWindow =
    "two writers at once can overwrite each other; Coffer looks before it writes, which leaves a "
    "window";

s3::NewObject With(s3::Condition condition) {
  s3::NewObject object;
  object.headers.content_type = "text/plain";
  object.condition = std::move(condition);
  return object;
}

// The reply may be lost and the object there.
bool MayHaveHappened(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimeout;
}

class WriteTest {
 public:
  WriteTest(const DoctorContext& context, const std::string& probe_id)
      : context_(context),
        store_(context.store),
        key_(context.target.key_prefix + ".coffer-doctor-" + probe_id),
        copy_key_(key_ + "-copy"),
        parts_key_(key_ + "-parts") {}

  WriteFindings Run() {
    if (Put()) {
      PutIfAbsent();
      PutIfMatch();
      Copy();
      Multipart();
      found_.conditional = conditional_;
    }
    CleanUp();
    return std::move(found_);
  }

 private:
  void Add(const char* name, CheckState state, std::string detail, std::string change = "") {
    found_.checks.push_back({name, state, std::move(detail), std::move(change)});
  }
  void Fail(const char* name, const char* action, const Error& error) {
    found_.checks.push_back(FailedCheck(context_, name, action, true, error));
  }
  void NotTested(const char* name, std::string why) {
    Add(name, CheckState::kNotTested, std::move(why));
  }

  // Judges a kind of conditional write. `held` is of the request that had to succeed, `failed` of
  // the one that had to be refused with `expected`.
  template <typename T>
  Finding Judge(const char* name, bool held, const Result<T>& failed, Code expected) {
    if (failed) {
      Add(name, CheckState::kWarn, "ignored by this server: the write went through", kWindow);
      return Finding::kIgnored;
    }
    if (held && failed.error().code == expected) {
      Add(name, CheckState::kOk, "honoured");
      return Finding::kHonoured;
    }
    Add(name, CheckState::kWarn,
        held ? "not usable: " + failed.error().what
             : "not usable: refused although the condition holds",
        kWindow);
    return Finding::kUnusable;
  }

  // On a fresh name, so that the condition holds; without it where the server objects.
  bool Put() {
    auto written = store_.Put(key_, AsBytes("1"), With(s3::Condition::Absent()));
    first_held_ = written.has_value();
    if (!written && written.error().code != Code::kDenied && !MayHaveHappened(written.error())) {
      written = store_.Put(key_, AsBytes("1"), With(s3::Condition::None()));
    }
    if (!written) {
      Fail(kPut, "s3:PutObject", written.error());
      if (MayHaveHappened(written.error())) written_.push_back(key_);
      return false;
    }
    written_.push_back(key_);
    conditional_.versioned = !written->version_id.empty() && written->version_id != "null";
    const auto info = store_.Head(key_, {});
    if (info && (!info->lock.mode.empty() || info->lock.legal_hold)) {
      Add(kPut, CheckState::kFail, "works, but the bucket locked the probe at once: " + key_,
          "its default retention could not be seen before; allow "
          "s3:GetBucketObjectLockConfiguration");
      return false;
    }
    Add(kPut, CheckState::kOk, "works");
    return true;
  }

  void PutIfAbsent() {
    const auto second = store_.Put(key_, AsBytes("2"), With(s3::Condition::Absent()));
    conditional_.put_if_absent = Judge(kPutAbsent, first_held_, second, Code::kExists);
  }

  // Some servers take the ETag only without its quotes, and some refuse every one (RGW on versioned
  // buckets).
  void PutIfMatch() {
    const auto put = [this](std::string etag, bool bare) {
      auto condition = s3::Condition::Matches(std::move(etag));
      condition.bare_etag = bare;
      return store_.Put(key_, AsBytes("3"), With(std::move(condition)));
    };
    for (const bool bare : {false, true}) {
      const auto info = store_.Head(key_, {});
      if (!info) return NotTested(kPutMatch, info.error().what);
      const auto right = put(info->etag, bare);
      if (!right && right.error().code == Code::kChanged && !bare) continue;
      conditional_.put_if_match =
          Judge(kPutMatch, right.has_value(), put(kOtherEtag, bare), Code::kChanged);
      conditional_.put_if_match_bare = bare && conditional_.put_if_match == Finding::kHonoured;
      return;
    }
  }

  void Copy() {
    if (!context_.target.capabilities.copy_source) {
      const std::string why = KindInWords(context_.target) + " is no source of copies";
      NotTested(kCopy, why);
      NotTested(kCopySourceMatch, why);
      return NotTested(kCopyAbsent, why);
    }
    s3::CopyRequest request;
    request.from = key_;
    request.to = copy_key_;
    request.size = 1;
    request.target = With(s3::Condition::Absent());
    auto copied = store_.Copy(request);
    const bool held = copied.has_value();
    if (!copied && copied.error().code != Code::kDenied && !MayHaveHappened(copied.error())) {
      request.target = With(s3::Condition::None());
      copied = store_.Copy(request);
    }
    if (copied || MayHaveHappened(copied.error())) written_.push_back(copy_key_);
    if (!copied) {
      Fail(kCopy, "s3:PutObject", copied.error());
      NotTested(kCopySourceMatch, "CopyObject does not work");
      return NotTested(kCopyAbsent, "CopyObject does not work");
    }
    Add(kCopy, CheckState::kOk, "works (rename, append, changed attributes)");
    request.target = With(s3::Condition::Absent());
    conditional_.copy_if_absent = Judge(kCopyAbsent, held, store_.Copy(request), Code::kExists);
    request.target = With(s3::Condition::None());
    CopySourceMatch(std::move(request));
  }

  void CopySourceMatch(s3::CopyRequest request) {
    const auto info = store_.Head(key_, {});
    if (!info) return NotTested(kCopySourceMatch, info.error().what);
    request.source_etag = info->etag;
    const bool held = store_.Copy(request).has_value();
    request.source_etag = kOtherEtag;
    conditional_.copy_source_match =
        Judge(kCopySourceMatch, held, store_.Copy(request), Code::kChanged);
  }

  // An upload of one part, left to be completed or aborted.
  struct Begun {
    s3::Upload upload;
    s3::Part part;
  };
  Result<Begun> Begin(const std::string& key) {
    COFFER_ASSIGN(s3::Upload upload, store_.CreateUpload(key, With(s3::Condition::None())));
    auto part = store_.UploadPart(upload, {1}, AsBytes("4"));
    if (part) return Begun{std::move(upload), *std::move(part)};
    const auto aborted = store_.AbortUpload(upload);
    Error error = std::move(part).error();
    if (!aborted) error.what += "; an unfinished upload of " + key + " is left behind";
    return error;
  }

  Result<s3::Written> Complete(const Begun& begun, const s3::Condition& condition) {
    const std::array parts = {begun.part};
    return store_.CompleteUpload(begun.upload, parts, condition);
  }

  void Multipart() {
    const auto first = Begin(parts_key_);
    const auto second = first ? Begin(key_) : Result<Begun>(first.error());
    if (!first || !second) {
      Fail(kMultipart, "s3:PutObject", second.error());
      NotTested(kCompleteAbsent, "multipart uploads do not work");
      return first ? Abort({first->upload}) : NotTested(kAbort, "multipart uploads do not work");
    }
    auto completed = Complete(*first, s3::Condition::Absent());
    const bool held = completed.has_value();
    if (!completed && !MayHaveHappened(completed.error())) {
      completed = Complete(*first, s3::Condition::None());
    }
    if (completed || MayHaveHappened(completed.error())) written_.push_back(parts_key_);
    if (completed) {
      Add(kMultipart, CheckState::kOk, "works");
      conditional_.complete_if_absent =
          Judge(kCompleteAbsent, held, Complete(*second, s3::Condition::Absent()), Code::kExists);
    } else {
      Fail(kMultipart, "s3:PutObject", completed.error());
      NotTested(kCompleteAbsent, "multipart uploads do not work");
    }
    Abort(completed ? std::vector{second->upload} : std::vector{first->upload, second->upload});
  }

  // Also what was completed after all: aborting that is no failure.
  void Abort(const std::vector<s3::Upload>& uploads) {
    for (const s3::Upload& upload : uploads) {
      const auto aborted = store_.AbortUpload(upload);
      if (!aborted) return Fail(kAbort, "s3:AbortMultipartUpload", aborted.error());
    }
    Add(kAbort, CheckState::kOk, "works");
  }

  // The probe goes under a condition that holds, after one that does not was refused.
  void DeleteIfMatch() {
    const auto wrong = store_.Delete(key_, s3::Condition::Matches(kOtherEtag));
    if (wrong) {
      found_.conditional->delete_if_match = Judge(kDeleteMatch, true, wrong, Code::kChanged);
      return;
    }
    const auto info = store_.Head(key_, {});
    if (!info) return NotTested(kDeleteMatch, info.error().what);
    const auto right = store_.Delete(key_, s3::Condition::Matches(info->etag));
    found_.conditional->delete_if_match =
        Judge(kDeleteMatch, right.has_value(), wrong, Code::kChanged);
    if (right) std::erase(written_, key_);
  }

  void CleanUp() {
    if (found_.conditional) DeleteIfMatch();
    if (!found_.conditional && written_.empty()) return;
    std::string left;
    Error last{Code::kUnavailable, ""};
    for (const std::string& key : written_) {
      const auto gone = store_.Delete(key, s3::Condition::None());
      if (gone) continue;
      left += (left.empty() ? "" : ", ") + key;
      last = gone.error();
    }
    if (left.empty()) {
      return Add(kDelete, CheckState::kOk,
                 conditional_.versioned
                     ? "works; the bucket keeps the probe's versions, as of every file"
                     : "works, the probe is gone");
    }
    Check check = FailedCheck(context_, kDelete, "s3:DeleteObject", true, last);
    check.detail += "; left behind: " + left;
    found_.checks.push_back(std::move(check));
  }

  const DoctorContext& context_;
  s3::ObjectStore& store_;
  const std::string key_;
  const std::string copy_key_;
  const std::string parts_key_;
  WriteFindings found_;
  ConditionalFindings conditional_;
  bool first_held_ = false;           // a put on a fresh name with If-None-Match went through
  std::vector<std::string> written_;  // and to be removed
};

// Why no probe may be written, "" when one may.
std::string Objection(const DoctorContext& context, const ReadOnlyFindings& known) {
  if (!context.target.capabilities.write) {
    return KindInWords(context.target) + " only reads";
  }
  if (!known.object_lock) {
    return "whether new objects are locked is not known, and a locked probe would stay; allow "
           "s3:GetBucketObjectLockConfiguration, or make sure that there is an object to look at";
  }
  if (!known.object_lock->default_mode.empty()) {
    return "the bucket locks every new object (" + known.object_lock->default_mode + ", " +
           known.object_lock->default_period + "): a probe would stay";
  }
  if (!known.default_retention_known) {
    return "the bucket has Object Lock, and its default retention cannot be seen from here: a "
           "probe might stay; allow s3:GetBucketObjectLockConfiguration";
  }
  return "";
}

}  // namespace

WriteFindings CheckWrites(const DoctorContext& context, const ReadOnlyFindings& known,
                          const std::string& probe_id) {
  const std::string objection = Objection(context, known);
  if (objection.empty()) return WriteTest(context, probe_id).Run();
  WriteFindings refused;
  refused.checks.push_back({"write test", CheckState::kFail, "refused: " + objection});
  return refused;
}

std::vector<Check> UntestedWrites(const DoctorContext& context) {
  std::vector<Check> checks;
  checks.reserve(kAll.size());
  const bool able = context.target.capabilities.write;
  for (const char* name : kAll) {
    checks.push_back({name, CheckState::kNotTested,
                      able ? "needs --write-test" : KindInWords(context.target) + " only reads"});
  }
  return checks;
}

}  // namespace coffer::fs
