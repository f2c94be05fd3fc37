// Makes conditional writes mean the same on every server: where the server's own condition is not
// known to count, the current version is looked at first, and the condition is sent along.
//
// Between look and write is a moment in which another machine's change can be lost; that such a
// window exists is told once. AWS hosts are trusted. What is learned is learned from requests that
// were to be made anyway; nothing is ever written to find something out.

#pragma once

#include <atomic>
#include <functional>
#include <map>

#include "s3client/condition_memory.h"
#include "s3client/object_store.h"
#include "s3client/observer.h"

namespace coffer::s3 {

// Borrows all it is given; safe to share between threads; blocks on the network. Where conditions
// do not count yet a conditional write costs one HEAD more, and DeleteMany with ETags a listing.
class ConditionalStore : public ObjectStore {
 public:
  // `trusted`: Target::aws_host. `memory` outlives the store, and may come from an earlier mount.
  ConditionalStore(ObjectStore& inner, bool trusted, ConditionMemory& memory, Observer& observer);

  // What the bucket's settings say; without it the first version id of a reply tells.
  void SetVersioned(bool versioned) { versioned_ = versioned; }

  Result<ObjectInfo> Head(std::string_view key, const ReadCondition& condition) override;
  Result<Fetched> Get(std::string_view key, Range range, const ReadCondition& condition) override;
  Result<Written> Put(std::string_view key, ByteView body, const NewObject& object) override;
  Result<Written> Copy(const CopyRequest& request) override;
  Status Rename(const RenameRequest& request) override;
  Status Delete(std::string_view key, const Condition& condition) override;
  Result<std::vector<FailedDelete>> DeleteMany(std::span<const KeyToDelete> keys) override;
  Result<ListPage> List(const ListRequest& request) override;
  Result<VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                   std::string_view version_marker) override;
  Result<Upload> CreateUpload(std::string_view key, const NewObject& object) override;
  Result<Part> UploadPart(const Upload& upload, PartPlace place, ByteView body) override;
  Result<Part> CopyPart(const Upload& upload, int number, std::string_view from, Range range,
                        std::string_view source_etag) override;
  Result<Written> CompleteUpload(const Upload& upload, std::span<const Part> parts,
                                 const Condition& condition) override;
  Status AbortUpload(const Upload& upload) override;
  ObjectLocks& locks() override { return inner_.locks(); }

 private:
  using Send = std::function<Result<Written>(const Condition&)>;
  enum class Fit { kHolds, kFails };

  ConditionMemory::Case CaseOf(ConditionalWrite write, const Condition& condition) const;
  // Whether `condition` holds of the current version.
  Result<Fit> Look(std::string_view key, const Condition& condition);
  Result<Written> Guarded(ConditionalWrite write, std::string_view key, const Condition& condition,
                          const Send& send);
  Result<Written> AfterRefusal(const ConditionMemory::Case& c, std::string_view key,
                               const Condition& condition, const Send& send, Error refusal);
  Status CheckCopySource(const CopyRequest& request);
  Result<std::map<std::string, std::string>> ListedEtags(std::span<const KeyToDelete> keys);
  Result<std::vector<KeyToDelete>> StillAsExpected(std::span<const KeyToDelete> keys,
                                                   std::vector<FailedDelete>& failed);
  void Learn(std::string_view version_id);
  void TellWindow();

  ObjectStore& inner_;
  const bool trusted_;
  ConditionMemory& memory_;
  Observer& observer_;
  std::atomic<bool> versioned_{false};
  std::atomic<bool> window_told_{false};
};

}  // namespace coffer::s3
