// A plain volume whose objects may be those of the S3 Encryption Client, read-only: an ObjectStore
// that shows their plaintext, and everything else as it is.
//
// No byte of such an object is released before all of it was fetched and verified: the first Get of
// a version reads it whole into a spool (a SpoolFile; --s3ec-max-size bounds it), others wait for
// that and are answered from there. AES-CBC has nothing to verify but its padding; only the policy
// v1 reads it. HEAD and LIST say what the bucket says: sizes are hints until a Get proved them; of
// what was never asked by HEAD, LIST shows the size of the stored object. A Get that expects
// another size than the one it proves is kChanged, so that whoever asked looks again.
//
// An object is never written through this store: it would lie there in the clear where its owner
// had encrypted it. Every change is kReadOnly.
//
// Safe from any thread; blocks on the network, on KMS and on the local disk. An object without the
// client's metadata costs one more GET when it is first met: that of its instruction file.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/s3ec_keys.h"
#include "crypto/s3ec_object.h"
#include "crypto/secret.h"
#include "fs/memory_budget.h"
#include "fs/mutex.h"
#include "fs/recent_objects.h"
#include "fs/spool_shelf.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

class S3ecStore : public s3::ObjectStore {
 public:
  // The borrowed all outlive it.
  struct Parts {
    s3::ObjectStore& below;
    const S3ecKeys& keys;
    SecretArena& arena;
    WorkerPool& pool;
    std::function<void(const std::string&)> warn;  // one line for each object that is refused
  };
  struct Options {
    S3ecVersion policy = S3ecVersion::kV3;        // the oldest that is read
    std::uint64_t max_size = 1u << 30;            // of a plaintext
    std::uint64_t memory = 64u << 20;             // of all that is being fetched
    std::uint64_t part_size = 8u << 20;           // of one request
    std::string directory;                        // for spools; ours
    std::chrono::milliseconds patience{300'000};  // for room in the spool
  };
  S3ecStore(const Parts& parts, Options options);
  ~S3ecStore() override;

  Result<s3::ObjectInfo> Head(std::string_view key, const s3::ReadCondition& condition) override;
  // Of what is refused: kCorrupt for what does not authenticate or contradicts itself, kDenied for
  // what the policy does not read, kTooLarge over max_size, kKeyMissing and the like of keys;
  // kNoSpace where the spool finds no room.
  Result<s3::Fetched> Get(std::string_view key, s3::Range range,
                          const s3::ReadCondition& condition) override;
  Result<s3::ListPage> List(const s3::ListRequest& request) override;
  Result<s3::VersionPage> ListVersions(std::string_view prefix, std::string_view key_marker,
                                       std::string_view version_marker) override;

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
  s3::ObjectLocks& locks() override { return parts_.below.locks(); }

 private:
  // What was found out about a version.
  struct Seen {
    bool plain = false;
    std::uint64_t size = 0;  // of the plaintext
  };
  // A version that is being read whole by one thread, for which others wait.
  struct Opening {
    bool ended = false;
    std::optional<Error> failure;
  };
  class Intake;

  Result<std::optional<S3ecObject>> Describe(const std::string& key, const s3::ObjectInfo& info);
  Result<std::optional<S3ecFields>> InstructionsOf(const std::string& key, bool required);
  bool IsHidden(std::string_view key);
  std::vector<char> HiddenOf(const s3::ListPage& page);
  std::uint64_t ShownSize(const std::string& key, const std::string& etag, std::uint64_t stored);
  Status CheckAllowed(const S3ecObject& object, const s3::ObjectInfo& info) const;
  Result<s3::Fetched> GetFirst(const std::string& key, s3::Range range,
                               const s3::ReadCondition& condition);
  Result<SpoolPtr> OpenOnce(const std::string& key, const S3ecObject& object,
                            const s3::Fetched& first, bool from_start);
  Result<SpoolPtr> OpenWhole(const std::string& key, const S3ecObject& object,
                             const s3::Fetched& first, bool from_start);
  Result<Bytes> FetchPart(const std::string& key, const s3::ObjectInfo& info, s3::Range range);
  std::vector<Result<Bytes>> FetchSome(const std::string& key, const s3::ObjectInfo& info,
                                       std::uint64_t at, std::uint64_t part);
  Status FetchRest(const std::string& key, const s3::ObjectInfo& info, std::uint64_t part,
                   Intake& intake);
  static Result<s3::Fetched> Serve(const SpoolPtr& spool, s3::Range range,
                                   const s3::ReadCondition& condition);
  Error Refused(const std::string& key, Error error);

  const Parts parts_;
  const Options options_;
  RecentObjects<Seen> seen_;
  MemoryBudget memory_;
  SpoolShelf shelf_;
  Mutex mu_;
  Condition opened_;
  std::map<std::string, std::shared_ptr<Opening>> openings_ GUARDED_BY(mu_);
};

}  // namespace coffer::fs
