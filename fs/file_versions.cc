#include "fs/file_versions.h"

#include <utility>

#include "fs/self_copy.h"
#include "fs/volume_signs.h"
#include "s3client/object_info.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

using s3::ListedVersion;

class Restoration {
 public:
  Restoration(s3::ObjectStore& store, const RestoreRequest& request)
      : store_(store), request_(request) {}

  Result<RestoredVersion> Run() {
    COFFER_TRY(Find());
    if (result_.was_current) return result_;
    COFFER_TRY(CheckKind());
    auto looked = store_.Head(request_.key, {.etag = {}, .version_id = request_.version_id});
    if (!looked) return std::move(looked).error().While("look at it (s3:GetObjectVersion)");
    const s3::ObjectInfo& info = *looked;
    if (info.archived) {
      return Error{Code::kArchived, "this version is archived (" + info.storage_class +
                                        "): it can be copied once 'coffer restore --version " +
                                        request_.version_id + "' has made it readable"};
    }
    if (info.lock.Active(info.server_date_s)) result_.source_lock = info.lock;
    COFFER_TRY(CheckUnlocked());
    COFFER_TRY(Copy(info));
    COFFER_TRY(ReadBack(info));
    return result_;
  }

 private:
  Status Find() {
    bool any = false;
    bool found = false;
    COFFER_TRY(EachVersionOf(store_, request_.key, [&](const ListedVersion& version) {
      if (!std::exchange(any, true)) result_.replaced = version;
      if (version.version_id == "null") has_null_ = true;
      if (version.version_id != request_.version_id) return Ok();
      found = true;
      result_.source = version;
      return Ok();
    }));
    if (!any) return Error{Code::kNotFound, "there is no version of it"};
    if (!found) {
      return Error{Code::kNotFound, "it has no version " + request_.version_id +
                                        ": without --restore its versions are shown"};
    }
    result_.was_current = result_.replaced.version_id == request_.version_id;
    if (!result_.source.delete_marker) return Ok();
    return Error{Code::kInvalid, "version " + request_.version_id +
                                     " is a delete marker: there is nothing in it to restore (what "
                                     "removes the file is rm)"};
  }

  Status CheckKind() const {
    if (request_.versioned == s3::Tri::kNo) {
      return Error{Code::kUnsupported,
                   "versioning of the bucket is suspended, so that a copy would take the place of "
                   "its version \"null\", which would be gone: turn versioning on first"};
    }
    if (request_.versioned == s3::Tri::kUnknown && has_null_) {
      return Error{Code::kUnsupported,
                   "whether the bucket keeps versions cannot be seen from here, and where it is "
                   "suspended a copy would take the place of the version \"null\", which would be "
                   "gone: allow s3:GetBucketVersioning, or name the bucket itself where this is an "
                   "access point"};
    }
    if (IsDescriptorKey(request_.key) && !result_.replaced.delete_marker) {
      return Error{Code::kNotPermitted,
                   "this says what a sealed volume's keys are, and an older one may name keys that "
                   "were taken out since: 'coffer key' changes it"};
    }
    return Ok();
  }

  Status CheckUnlocked() const {
    if (result_.replaced.delete_marker) return Ok();
    COFFER_ASSIGN(const LockReading reading, ReadLock(store_, request_.key, request_.locks));
    if (!reading.locked) return Ok();
    return LockedError(reading.lock)
        .While(
            "its current version stays what it is while it is locked; --locked=versioned lays "
            "the restored one over it all the same, and keeps it as a version");
  }

  Status Copy(const s3::ObjectInfo& info) {
    s3::CopyRequest copy = CopyOntoItself(request_.key, info);
    copy.source_version_id = request_.version_id;
    copy.uploads = request_.uploads;
    // Made readable for some days: its copy shall stay so.
    if (s3::IsArchiveClass(info.storage_class)) copy.storage_class = "STANDARD";
    copy.target.condition = result_.replaced.delete_marker
                                ? s3::Condition::Absent()
                                : s3::Condition::Matches(result_.replaced.etag);
    auto made = store_.Copy(copy);
    if (made) {
      result_.made = std::move(*made);
      return Ok();
    }
    const Code code = made.error().code;
    if (code == Code::kExists || code == Code::kChanged) {
      return Error{Code::kChanged,
                   "somebody wrote or removed it meanwhile: nothing was restored; look at its "
                   "versions again"};
    }
    return std::move(made).error().While("copy the version");
  }

  // A copy is a fact once it was seen.
  Status ReadBack(const s3::ObjectInfo& source) {
    std::string& id = result_.made.version_id;
    auto now = store_.Head(request_.key, {});
    if (id.empty()) {
      // RGW does not say what a copy made; who has its content, and was not there before, is it.
      const bool own =
          now && now->etag == result_.made.etag && now->version_id != result_.replaced.version_id;
      if (!own) {
        return Error{Code::kUnavailable,
                     "it was copied, the server did not say as which version, and another is "
                     "current or it cannot be seen: look at its versions"};
      }
      id = now->version_id;
    }
    result_.overtaken = now ? now->version_id != id : now.error().code == Code::kNotFound;
    if (result_.overtaken) now = store_.Head(request_.key, {.etag = {}, .version_id = id});
    if (!now) {
      return std::move(now).error().While("it was copied as version " + id +
                                          ", which could not be read back");
    }
    result_.made.lock = now->lock;
    if (now->size == source.size && now->metadata == source.metadata) return Ok();
    return Error{Code::kCorrupt, "the new version " + id +
                                     " is not what was copied: its size or its metadata differ"};
  }

  s3::ObjectStore& store_;
  const RestoreRequest& request_;
  RestoredVersion result_;
  bool has_null_ = false;  // a version made while the bucket kept none, or a marker
};

// Of a page of all that begins with `key`, which is the first of them: whether it is passed.
Result<bool> VisitOwn(const s3::VersionPage& page, std::string_view key,
                      const std::function<Status(const ListedVersion& version)>& visit) {
  for (const ListedVersion& version : page.versions) {
    if (version.key != key) return true;
    COFFER_TRY(visit(version));
  }
  return false;
}

}  // namespace

Status EachVersionOf(s3::ObjectStore& store, std::string_view key,
                     const std::function<Status(const ListedVersion& version)>& visit) {
  std::string key_marker;
  std::string version_marker;
  for (;;) {
    COFFER_ASSIGN(const s3::VersionPage page, store.ListVersions(key, key_marker, version_marker));
    COFFER_ASSIGN(const bool passed, VisitOwn(page, key, visit));
    if (passed || page.next_key_marker.empty()) return Ok();
    key_marker = page.next_key_marker;
    version_marker = page.next_version_marker;
  }
}

Result<RestoredVersion> RestoreVersion(s3::ObjectStore& store, const RestoreRequest& request) {
  return Restoration(store, request).Run();
}

}  // namespace coffer::fs
