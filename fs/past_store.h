// A bucket with versions as it was at one moment: every name, listing and byte is that of the
// version which was current then. Nothing can be written.
//
// Which version that was follows from the list of versions, newest first. S3 dates a version by
// when its upload began, so the order of the list counts before the dates: what came after a
// version that is younger than the moment is younger, too. Dates are whole seconds, and a version
// of the very second counts as there. Of an upload in parts that began before the moment and ended
// after it the list cannot tell, unless another version was made meanwhile.
//
// Borrows the store below, which outlives it. Safe to share between threads; blocks on the network.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fs/mutex.h"
#include "s3client/object_store.h"

namespace coffer::fs {

class PastStore : public s3::ObjectStore {
 public:
  PastStore(s3::ObjectStore& below, std::int64_t at_s)
      : below_(below), at_s_(at_s), locks_(*this) {}
  PastStore(const PastStore&) = delete;
  PastStore& operator=(const PastStore&) = delete;

  // From here on this key is what it is today. Before the store is shared.
  void ShowPresent(std::string key) { present_ = std::move(key); }

  // kNotFound for what was not there, or was deleted, at that moment.
  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& condition) override;
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override;
  // Costs one request a 1,000 versions, but skips what is left of a directory once it is known to
  // have been there.
  Result<s3::ListPage> List(const s3::ListRequest& request) override;
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override;
  s3::ObjectLocks& locks() override { return locks_; }

  // All of these are kReadOnly.
  Result<s3::Written> Put(std::string_view key, ByteView body,
                          const s3::NewObject& object) override;
  Result<s3::Written> Copy(const s3::CopyRequest& request) override;
  Status Rename(const s3::RenameRequest& request) override;
  Status Delete(std::string_view key, const s3::Condition& condition) override;
  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override;
  Result<s3::Upload> CreateUpload(std::string_view key, const s3::NewObject& object) override;
  Result<s3::Part> UploadPart(const s3::Upload& upload, s3::PartPlace place,
                              ByteView body) override;
  Result<s3::Part> CopyPart(const s3::Upload& upload, int number, std::string_view from,
                            s3::Range range, std::string_view source_etag) override;
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override;
  Status AbortUpload(const s3::Upload& upload) override;

 private:
  using Version = s3::ListedVersion;

  // Locks of the versions that are shown; they are not set from here.
  class Locks : public s3::ObjectLocks {
   public:
    explicit Locks(PastStore& store) : store_(store) {}
    Result<s3::Retention> GetRetention(std::string_view key, std::string_view id) override;
    Status PutRetention(const s3::RetentionChange& change) override;
    Result<bool> GetLegalHold(std::string_view key, std::string_view id) override;
    Status PutLegalHold(std::string_view key, std::string_view id, bool on) override;

   private:
    PastStore& store_;
  };

  // The version that was current; nothing when there was none.
  Result<std::optional<Version>> Find(std::string_view key);
  std::optional<Version> Known(std::string_view key);
  // `condition`, of the version that was current.
  Result<s3::ReadCondition> Then(std::string_view key, const s3::ReadCondition& condition);
  void Remember(const Version& version);

  s3::ObjectStore& below_;
  const std::int64_t at_s_;
  std::string present_;
  Locks locks_;
  Mutex mu_;
  std::map<std::string, Version, std::less<>> known_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
