// Locks every version that is stored under a name with a lock rule, in the very request that makes
// it (unless the bucket's default does), and believes that it is locked once it was read back.
//
// It stands below the store that seals and above S3, so that nothing of a mount reaches the bucket
// past it: a file's commit, the copy of a rename, the copy that carries attributes, whole trees.
// A version that may not be locked is an error (kUnavailable) of the request that made it, and
// stands nevertheless; it owes its lock from then on (fs/owed_locks.h). So does, from before the
// request on, one whose lock is only confirmed by a second request. Reads and removals pass
// through.
//
// Borrows all it is given; safe to share between threads once SetRules was called. Blocks as the
// store below; a locked write costs one HEAD more, and where the server drops locks the two
// requests that repair it (s3client/lock_check.h).

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>

#include "fs/lock_policy.h"
#include "fs/lock_rules.h"
#include "fs/mutex.h"
#include "fs/owed_locks.h"
#include "s3client/clock.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct LockingOptions {
  std::string prefix = {};  // of the volume's keys
  LockRules rules = {};
  std::optional<Autolock> autolock = {};
  LockPolicy policy = {};  // what may be seen, and what the bucket locks by itself
  bool trusted = false;    // AWS: keeps its word even where it cannot be read back
};

class LockingStore : public s3::ObjectStore {
 public:
  LockingStore(s3::ObjectStore& inner, const s3::ServerTime& server_time)
      : inner_(inner), server_time_(server_time) {}

  // Until then nothing is locked. Once, before the store is shared.
  void SetRules(LockingOptions options) { options_ = std::move(options); }
  // Told of versions that are to be locked later, and of names that go. Borrowed.
  void SetOwed(OwedLocks* owed) { owed_ = owed; }

  Result<s3::Written> Put(std::string_view key, ByteView body,
                          const s3::NewObject& object) override;
  Result<s3::Written> Copy(const s3::CopyRequest& request) override;
  // kUnsupported for a new name with a rule: that takes a new version.
  Status Rename(const s3::RenameRequest& request) override;
  Result<s3::Upload> CreateUpload(std::string_view key, const s3::NewObject& object) override;
  Result<s3::Written> CompleteUpload(const s3::Upload& upload, std::span<const s3::Part> parts,
                                     const s3::Condition& condition) override;
  Status AbortUpload(const s3::Upload& upload) override;

  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& condition) override {
    return inner_.Head(key, condition);
  }
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override {
    return inner_.Get(key, range, condition);
  }
  Status Delete(std::string_view key, const s3::Condition& condition) override;
  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override;
  Result<s3::ListPage> List(const s3::ListRequest& request) override {
    return inner_.List(request);
  }
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override {
    return inner_.ListVersions(prefix, key_marker, version_marker);
  }
  Result<s3::Part> UploadPart(const s3::Upload& upload, s3::PartPlace place,
                              ByteView body) override {
    return inner_.UploadPart(upload, place, body);
  }
  Result<s3::Part> CopyPart(const s3::Upload& upload, int number, std::string_view from,
                            s3::Range range, std::string_view source_etag) override {
    return inner_.CopyPart(upload, number, from, range, source_etag);
  }
  s3::ObjectLocks& locks() override { return inner_.locks(); }

 private:
  // How the lock goes along: not every server takes it with everything.
  enum class Way { kPut, kOther };
  struct Asked {
    LockTerm term = {};
    s3::Lock lock = {};       // nothing: no rule
    bool by_default = false;  // the bucket gives as much by itself: it does not go along

    bool none() const { return lock == s3::Lock{}; }
    s3::Lock sent() const { return by_default ? s3::Lock{} : lock; }
    // So much later than `before` that what was asked for then is too little.
    bool late(const Asked& before) const {
      return lock.retain_until_s - before.lock.retain_until_s > term.period_s / 10;
    }
  };
  using Make = std::function<Result<s3::Written>()>;

  Asked LockFor(std::string_view key) const;
  // What a version of `key`, which gets no lock now, shall have later.
  std::optional<OwedTerm> OwedFor(std::string_view key) const;
  void Forget(std::string_view key);
  // Makes a version of `key` that has no lock from here.
  Result<s3::Written> Unlocked(std::string_view key, const Make& make);
  // Makes one that has the lock `asked`, and confirms it.
  Result<s3::Written> Locked(std::string_view key, const Asked& asked, Way way, const Make& make);
  Result<s3::Written> Confirmed(std::string_view key, s3::Written written, const s3::Lock& asked,
                                bool kept);

  s3::ObjectStore& inner_;
  const s3::ServerTime& server_time_;
  LockingOptions options_;
  OwedLocks* owed_ = nullptr;
  Mutex mu_;
  // By upload id: what CreateUpload asked for.
  std::unordered_map<std::string, Asked> uploads_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
