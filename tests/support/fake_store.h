// The reference ObjectStore: S3's semantics in memory, with failure on command.
//
// Conditions are exact, listings page as ListObjectsV2 does, ETags are a hash of the content (so
// equal content has an equal ETag, as with S3's MD5), a key that was never written is kNotFound.
// Thread-safe; hooks run without the store's lock held, in the thread of the request.

#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fs/mutex.h"
#include "s3client/object_store.h"

namespace coffer::test {

enum class Operation {
  kHead,
  kGet,
  kPut,
  kCopy,
  kDelete,
  kDeleteMany,  // one for each 1,000 keys
  kList,
  kListVersions,
  kCreateUpload,
  kUploadPart,
  kCopyPart,
  kCompleteUpload,
  kAbortUpload,
  kRename,
  kGetRetention,
  kPutRetention,
  kGetLegalHold,
  kPutLegalHold,
};
inline constexpr std::size_t kOperations = 18;

// How a request fails: before it did anything, or after (the reply was lost).
struct Fault {
  Error error;
  bool applied = false;
};

class FakeStore : public s3::ObjectStore, private s3::ObjectLocks {
 public:
  struct Options {
    bool versioned = false;
    bool copy_changes_etag = false;  // as SSE-KMS, SSE-C and copies of multipart objects do
    bool renames = false;            // as directory buckets do
    bool object_lock = false;        // and versioned with it
    bool hides_locks = false;        // as from who may not see them
    bool drops_locks = false;        // as RGW does on uploads and copies
    bool wraps_dates = false;        // as RGW does: seconds in 32 bits
    std::uint64_t min_part = 0;      // of all parts but the last; S3: 5 MiB
    std::chrono::microseconds latency{0};
    std::int64_t start_time_s = 1'700'000'000;
  };
  FakeStore();
  explicit FakeStore(const Options& options);
  ~FakeStore() override;

  // Failure injection. The hook sees every request (for DeleteMany the first key of each 1,000).
  using Hook = std::function<std::optional<Fault>(Operation, std::string_view key)>;
  void SetHook(Hook before);
  // The client dies at its k-th request from now (1 is the next): that one is applied or not, it
  // and all later ones fail. Revive() ends it.
  void CrashAt(int k, bool applied);
  void Revive();
  bool crashed() const;

  // Counters since the start or the last ResetCounters(); failed requests count too.
  int count(Operation operation) const;
  int requests() const;
  void ResetCounters();

  // The server's clock stands still unless it is moved.
  void SetTime(std::int64_t seconds);
  void AdvanceTime(std::int64_t seconds);
  std::int64_t now() const;

  // Another client's doing: no hook, no counter, no latency.
  std::string Plant(std::string_view key, std::string_view body, s3::Metadata metadata = {});
  void Remove(std::string_view key);
  // Changes what the current version says of itself (archived, lock, tags, storage class ...).
  void Edit(std::string_view key, const std::function<void(s3::ObjectInfo&)>& change);
  // Its row in listings makes no sense; HEAD knows it as ever.
  void SpoilListing(std::string_view key);
  bool Has(std::string_view key) const;
  std::optional<std::string> Body(std::string_view key) const;
  std::optional<s3::ObjectInfo> Info(std::string_view key) const;
  std::vector<std::string> Keys(std::string_view prefix = "") const;
  std::size_t open_uploads() const;

  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& condition) override;
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override;
  Result<s3::Written> Put(std::string_view key, ByteView body,
                          const s3::NewObject& object) override;
  Result<s3::Written> Copy(const s3::CopyRequest& request) override;
  Status Rename(const s3::RenameRequest& request) override;
  Status Delete(std::string_view key, const s3::Condition& condition) override;
  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override;
  Result<s3::ListPage> List(const s3::ListRequest& request) override;
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override;
  Result<s3::Upload> CreateUpload(std::string_view key, const s3::NewObject& object) override;
  Result<s3::Part> UploadPart(const s3::Upload& upload, s3::PartPlace place,
                              ByteView body) override;
  Result<s3::Part> CopyPart(const s3::Upload& upload, int number, std::string_view from,
                            s3::Range range, std::string_view source_etag) override;
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override;
  Status AbortUpload(const s3::Upload& upload) override;
  s3::ObjectLocks& locks() override { return *this; }

 private:
  Result<s3::Retention> GetRetention(std::string_view key, std::string_view version_id) override;
  Status PutRetention(const s3::RetentionChange& change) override;
  Result<bool> GetLegalHold(std::string_view key, std::string_view version_id) override;
  Status PutLegalHold(std::string_view key, std::string_view version_id, bool on) override;

  using SharedBytes = std::shared_ptr<const Bytes>;
  struct Version {
    s3::ObjectInfo info;
    SharedBytes body;
    bool delete_marker = false;
  };
  struct PendingPart {
    std::string etag;
    SharedBytes body;
  };
  struct PendingUpload {
    std::string key;
    s3::NewObject object;
    std::map<int, PendingPart> parts;
  };

  template <typename T, typename Apply>
  Result<T> Perform(Operation operation, std::string_view key, Apply apply);
  std::optional<Fault> Enter(Operation operation, std::string_view key);

  const Version* Current(std::string_view key) const REQUIRES(mu_);
  Result<const Version*> Find(std::string_view key, const s3::ReadCondition& condition) const
      REQUIRES(mu_);
  Status Check(std::string_view key, const s3::Condition& condition) const REQUIRES(mu_);
  s3::ObjectInfo Shown(const Version& version) const REQUIRES(mu_);
  Status CheckLock(const s3::Lock& lock) const REQUIRES(mu_);
  s3::Lock Stored(s3::Lock lock) const;
  Result<Version*> Lockable(std::string_view key, std::string_view version_id) REQUIRES(mu_);
  s3::Written Add(std::string_view key, Version version) REQUIRES(mu_);
  Result<s3::Written> PutLocked(std::string_view key, ByteView body, const s3::NewObject& object)
      REQUIRES(mu_);
  Result<s3::Written> CopyLocked(const s3::CopyRequest& request) REQUIRES(mu_);
  void DeleteLocked(std::string_view key) REQUIRES(mu_);
  s3::ListPage ListLocked(const s3::ListRequest& request) const REQUIRES(mu_);
  s3::VersionPage ListVersionsLocked(std::string_view prefix, std::string_view key_marker,
                                     std::string_view version_marker) const REQUIRES(mu_);
  Result<s3::Written> CompleteLocked(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) REQUIRES(mu_);
  Result<PendingUpload*> Pending(const s3::Upload& upload) REQUIRES(mu_);

  const Options options_;
  mutable Mutex mu_;
  std::map<std::string, std::vector<Version>, std::less<>> objects_ GUARDED_BY(mu_);
  std::map<std::string, PendingUpload> uploads_ GUARDED_BY(mu_);
  std::set<std::string> spoilt_ GUARDED_BY(mu_);
  std::array<int, kOperations> counts_ GUARDED_BY(mu_){};
  Hook hook_ GUARDED_BY(mu_);
  std::int64_t now_s_ GUARDED_BY(mu_);
  std::uint64_t serial_ GUARDED_BY(mu_) = 0;
  int crash_in_ GUARDED_BY(mu_) = 0;  // requests until the crash; 0: none is planned
  bool crash_applied_ GUARDED_BY(mu_) = false;
  bool crashed_ GUARDED_BY(mu_) = false;
};

}  // namespace coffer::test
