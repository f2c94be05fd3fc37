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
constexpr const char* kMultipart = "multipart upload";
constexpr const char* kCompleteAbsent = "CompleteMultipartUpload If-None-Match";
constexpr const char* kAbort = "AbortMultipartUpload";
constexpr const char* kDeleteMatch = "DeleteObject If-Match";
constexpr const char* kDelete = "DeleteObject";
constexpr std::array kAll = {kPut,       kPutAbsent,      kPutMatch, kCopy,        kCopyAbsent,
                             kMultipart, kCompleteAbsent, kAbort,    kDeleteMatch, kDelete};

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
        copy_key_(key_ + "-copy") {}

  WriteFindings Run() {
    if (Put()) {
      found_.conditional = ConditionalFindings{};
      found_.conditional->versioned = versioned_;
      PutIfAbsent();
      PutIfMatch();
      Copy();
      Multipart();
      DeleteIfMatch();
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

  bool Put() {
    const auto written = store_.Put(key_, AsBytes("1"), With(s3::Condition::None()));
    if (!written) {
      Fail(kPut, "s3:PutObject", written.error());
      wrote_ = MayHaveHappened(written.error());
      return false;
    }
    wrote_ = true;
    versioned_ = !written->version_id.empty() && written->version_id != "null";
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

  // Judges a request that had to be refused with `expected`.
  Finding Judge(const char* name, bool accepted, const Error* error, Code expected) {
    if (accepted) {
      Add(name, CheckState::kWarn, "ignored by this server: the write went through",
          "two writers at once can overwrite each other; Coffer looks before it writes, which "
          "leaves a window");
      return Finding::kIgnored;
    }
    if (error->code == expected) {
      Add(name, CheckState::kOk, "honoured");
      return Finding::kHonoured;
    }
    Add(name, CheckState::kWarn, "not usable: " + error->what,
        "Coffer looks before it writes, which leaves a window");
    return Finding::kUnusable;
  }

  template <typename T>
  Finding Judge(const char* name, const Result<T>& result, Code expected) {
    return Judge(name, result.has_value(), result ? nullptr : &result.error(), expected);
  }

  void PutIfAbsent() {
    const auto second = store_.Put(key_, AsBytes("2"), With(s3::Condition::Absent()));
    found_.conditional->put_if_absent = Judge(kPutAbsent, second, Code::kExists);
  }

  // A server that refuses the right ETag as well is of no use (RGW, versioned bucket).
  void PutIfMatch() {
    Finding& finding = found_.conditional->put_if_match;
    const auto wrong = store_.Put(key_, AsBytes("3"), With(s3::Condition::Matches(kOtherEtag)));
    if (wrong || wrong.error().code != Code::kChanged) {
      finding = Judge(kPutMatch, wrong, Code::kChanged);
      return;
    }
    const auto info = store_.Head(key_, {});
    if (!info) {
      Add(kPutMatch, CheckState::kNotTested, info.error().what);
      return;
    }
    const auto right = store_.Put(key_, AsBytes("4"), With(s3::Condition::Matches(info->etag)));
    if (right) {
      finding = Judge(kPutMatch, wrong, Code::kChanged);
      return;
    }
    finding = Finding::kUnusable;
    Add(kPutMatch, CheckState::kWarn, "not usable: the right ETag is refused too",
        "Coffer looks before it writes, which leaves a window");
  }

  void Copy() {
    if (!context_.target.capabilities.copy_source) {
      const std::string why = KindInWords(context_.target) + " is no source of copies";
      Add(kCopy, CheckState::kNotTested, why);
      Add(kCopyAbsent, CheckState::kNotTested, why);
      return;
    }
    const auto info = store_.Head(key_, {});
    s3::CopyRequest request;
    request.from = key_;
    request.to = copy_key_;
    request.size = 1;
    request.target = With(s3::Condition::None());
    if (info) request.source_etag = info->etag;
    const auto copied = store_.Copy(request);
    copied_ = copied || MayHaveHappened(copied.error());
    if (!copied) {
      Fail(kCopy, "s3:PutObject", copied.error());
      Add(kCopyAbsent, CheckState::kNotTested, "CopyObject does not work");
      return;
    }
    Add(kCopy, CheckState::kOk, "works (rename, append, changed attributes)");
    request.target = With(s3::Condition::Absent());
    found_.conditional->copy_if_absent = Judge(kCopyAbsent, store_.Copy(request), Code::kExists);
  }

  void Multipart() {
    const auto upload = store_.CreateUpload(key_, With(s3::Condition::None()));
    if (!upload) {
      Fail(kMultipart, "s3:PutObject", upload.error());
      Add(kCompleteAbsent, CheckState::kNotTested, "no upload could be begun");
      Add(kAbort, CheckState::kNotTested, "no upload could be begun");
      return;
    }
    const auto part = store_.UploadPart(*upload, 1, AsBytes("5"));
    if (!part) {
      Fail(kMultipart, "s3:PutObject", part.error());
      Add(kCompleteAbsent, CheckState::kNotTested, "no part could be sent");
    } else {
      Add(kMultipart, CheckState::kOk, "works");
      const std::array parts = {*part};
      found_.conditional->complete_if_absent =
          Judge(kCompleteAbsent, store_.CompleteUpload(*upload, parts, s3::Condition::Absent()),
                Code::kExists);
    }
    const auto aborted = store_.AbortUpload(*upload);
    if (aborted) return Add(kAbort, CheckState::kOk, "works");
    Fail(kAbort, "s3:AbortMultipartUpload", aborted.error());
  }

  void DeleteIfMatch() {
    const auto wrong = store_.Delete(key_, s3::Condition::Matches(kOtherEtag));
    found_.conditional->delete_if_match = Judge(kDeleteMatch, wrong, Code::kChanged);
  }

  void CleanUp() {
    if (!wrote_) return;
    std::string left;
    Error last{Code::kUnavailable, ""};
    for (const std::string& key : {key_, copy_key_}) {
      if (key == copy_key_ && !copied_) continue;
      const auto gone = store_.Delete(key, s3::Condition::None());
      if (gone) continue;
      left += (left.empty() ? "" : ", ") + key;
      last = gone.error();
    }
    if (left.empty()) {
      return Add(kDelete, CheckState::kOk,
                 versioned_ ? "works; the bucket keeps the probe's versions, as of every file"
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
  WriteFindings found_;
  bool wrote_ = false;
  bool copied_ = false;
  bool versioned_ = false;
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
  const bool able = context.target.capabilities.write;
  for (const char* name : kAll) {
    checks.push_back({name, CheckState::kNotTested,
                      able ? "needs --write-test" : KindInWords(context.target) + " only reads"});
  }
  return checks;
}

}  // namespace coffer::fs
