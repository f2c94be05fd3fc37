#include "fs/past_store.h"

#include <algorithm>
#include <utility>

#include "fs/file_versions.h"

namespace coffer::fs {
namespace {

using s3::ListedVersion;

// Of versions that were found, so that a listed file is not asked for again.
constexpr std::size_t kKnown = 100'000;
// Sorts after every key below a directory.
constexpr std::string_view kLast = "\xf4\x8f\xbf\xbf";

Error CannotChange() { return {Code::kReadOnly, "a mount of the past changes nothing"}; }

// The versions of one key, told newest first, become the one that was current.
class Choice {
 public:
  explicit Choice(std::int64_t at_s) : at_s_(at_s) {}

  Status See(const ListedVersion& version) {
    if (version.last_modified_s == 0) {
      return Error{Code::kUnavailable, "a version of " + version.key + " has no date"};
    }
    if (version.last_modified_s > at_s_) {
      chosen_.reset();
    } else if (!chosen_) {
      chosen_ = version;
    }
    return Ok();
  }
  // Nothing when there was none, or it was deleted.
  std::optional<ListedVersion> Take() {
    auto chosen = std::exchange(chosen_, std::nullopt);
    if (chosen && chosen->delete_marker) chosen.reset();
    return chosen;
  }

 private:
  const std::int64_t at_s_;
  std::optional<ListedVersion> chosen_;
};

s3::ListedObject AsObject(const ListedVersion& version) {
  s3::ListedObject object;
  object.key = version.key;
  object.etag = version.etag;
  object.size = version.size;
  object.last_modified_s = version.last_modified_s;
  object.storage_class = "STANDARD";
  object.sound = !version.etag.empty();
  return object;
}

// One page of a listing, made of pages of versions. A page ends between two keys, and the next one
// goes on after the last key or directory that is settled.
class PastListing {
 public:
  PastListing(s3::ObjectStore& below, const s3::ListRequest& request, std::int64_t at_s)
      : below_(below),
        request_(request),
        settled_(request.token.empty() ? request.start_after : request.token),
        choice_(at_s) {}

  Status Read() {
    std::string key_marker = settled_;
    std::string version_marker;
    for (;;) {
      COFFER_ASSIGN(const s3::VersionPage versions,
                    below_.ListVersions(request_.prefix, key_marker, version_marker));
      for (const ListedVersion& version : versions.versions) COFFER_TRY(See(version));
      if (versions.next_key_marker.empty()) {
        Settle();
        return Ok();
      }
      if (HasAny() && settled_ != key_marker) {
        page_.next_token = settled_;
        return Ok();
      }
      // Nothing of it was there then, or one key has more versions than a page.
      key_marker = versions.next_key_marker;
      version_marker = versions.next_version_marker;
    }
  }
  s3::ListPage TakePage() { return std::move(page_); }
  std::vector<ListedVersion> TakeFound() { return std::move(found_); }

 private:
  bool HasAny() const { return !page_.objects.empty() || !page_.prefixes.empty(); }

  // The directory that shows instead of `key`; "" when it shows itself.
  std::string DirectoryOf(const std::string& key) const {
    if (!request_.delimited) return "";
    const std::size_t slash = key.find('/', request_.prefix.size());
    return slash == std::string::npos ? "" : key.substr(0, slash + 1);
  }

  Status See(const ListedVersion& version) {
    if (version.key != key_) Settle();
    // Some servers begin with the marker's own versions.
    if (version.key <= settled_) return Ok();
    key_ = version.key;
    return choice_.See(version);
  }

  // All versions of a key were seen.
  void Settle() {
    if (key_.empty()) return;
    auto version = choice_.Take();
    settled_ = std::exchange(key_, {});
    if (!version) return;
    const std::string directory = DirectoryOf(version->key);
    if (directory.empty()) {
      page_.objects.push_back(AsObject(*version));
      found_.push_back(std::move(*version));
      return;
    }
    settled_ = directory + std::string(kLast);
    if (page_.prefixes.empty() || page_.prefixes.back() != directory) {
      page_.prefixes.push_back(directory);
    }
  }

  s3::ObjectStore& below_;
  const s3::ListRequest& request_;
  std::string settled_;  // everything up to here is in the page, or was not there
  std::string key_;      // whose versions are being seen
  Choice choice_;
  s3::ListPage page_;
  std::vector<ListedVersion> found_;
};

}  // namespace

std::optional<ListedVersion> PastStore::Known(std::string_view key) {
  const Lock lock(mu_);
  const auto known = known_.find(key);
  if (known == known_.end()) return std::nullopt;
  return known->second;
}

Result<std::optional<ListedVersion>> PastStore::Find(std::string_view key) {
  if (auto known = Known(key)) return known;
  Choice choice(at_s_);
  COFFER_TRY(
      EachVersionOf(below_, key, [&](const Version& version) { return choice.See(version); }));
  auto version = choice.Take();
  if (version) Remember(*version);
  return version;
}

void PastStore::Remember(const Version& version) {
  const Lock lock(mu_);
  if (known_.size() >= kKnown) known_.clear();
  known_.insert_or_assign(version.key, version);
}

Result<s3::ReadCondition> PastStore::Then(std::string_view key,
                                          const s3::ReadCondition& condition) {
  if (!condition.version_id.empty() || key == present_) return condition;
  COFFER_ASSIGN(const auto version, Find(key));
  if (!version) {
    return Error{Code::kNotFound, std::string(key) + ": not there at the time of this mount"};
  }
  s3::ReadCondition then = condition;
  then.version_id = version->version_id;
  return then;
}

Result<s3::ObjectInfo> PastStore::Head(std::string_view key, const s3::ReadCondition& condition) {
  COFFER_ASSIGN(const s3::ReadCondition then, Then(key, condition));
  return below_.Head(key, then);
}

Result<s3::Fetched> PastStore::Get(std::string_view key, s3::Range range,
                                   const s3::ReadCondition& condition) {
  COFFER_ASSIGN(const s3::ReadCondition then, Then(key, condition));
  return below_.Get(key, range, then);
}

Result<s3::ListPage> PastStore::List(const s3::ListRequest& request) {
  PastListing listing(below_, request, at_s_);
  COFFER_TRY(listing.Read());
  for (const Version& version : listing.TakeFound()) Remember(version);
  return listing.TakePage();
}

Result<s3::VersionPage> PastStore::ListVersions(std::string_view prefix,
                                                std::string_view key_marker,
                                                std::string_view version_marker) {
  return below_.ListVersions(prefix, key_marker, version_marker);
}

Result<s3::Written> PastStore::Put(std::string_view, ByteView, const s3::NewObject&) {
  return CannotChange();
}
Result<s3::Written> PastStore::Copy(const s3::CopyRequest&) { return CannotChange(); }
Status PastStore::Rename(const s3::RenameRequest&) { return CannotChange(); }
Status PastStore::Delete(std::string_view, const s3::Condition&) { return CannotChange(); }
Result<std::vector<s3::FailedDelete>> PastStore::DeleteMany(std::span<const s3::KeyToDelete>) {
  return CannotChange();
}
Result<s3::Upload> PastStore::CreateUpload(std::string_view, const s3::NewObject&) {
  return CannotChange();
}
Result<s3::Part> PastStore::UploadPart(const s3::Upload&, s3::PartPlace, ByteView) {
  return CannotChange();
}
Result<s3::Part> PastStore::CopyPart(const s3::Upload&, int, std::string_view, s3::Range,
                                     std::string_view) {
  return CannotChange();
}
Result<s3::Written> PastStore::CompleteUpload(const s3::Upload&, std::span<const s3::Part>,
                                              const s3::Condition&) {
  return CannotChange();
}
Status PastStore::AbortUpload(const s3::Upload&) { return CannotChange(); }

Result<s3::Retention> PastStore::Locks::GetRetention(std::string_view key, std::string_view id) {
  COFFER_ASSIGN(const auto then, store_.Then(key, {.etag = {}, .version_id = std::string(id)}));
  return store_.below_.locks().GetRetention(key, then.version_id);
}
Result<bool> PastStore::Locks::GetLegalHold(std::string_view key, std::string_view id) {
  COFFER_ASSIGN(const auto then, store_.Then(key, {.etag = {}, .version_id = std::string(id)}));
  return store_.below_.locks().GetLegalHold(key, then.version_id);
}
Status PastStore::Locks::PutRetention(const s3::RetentionChange&) { return CannotChange(); }
Status PastStore::Locks::PutLegalHold(std::string_view, std::string_view, bool) {
  return CannotChange();
}

}  // namespace coffer::fs
