// One file's new content on its way into S3: small = one PUT, large = a streamed multipart upload
// from bounded memory, in parts that grow.
//
// While the content fits into the first part it stays in memory, may be written in any order, read
// back and truncated; after that the stream has begun and only goes forward. The object changes
// only when Commit succeeds; until then nobody sees a byte. Used by one file at a time: calls are
// serialised by the owner (fs/open_file), the parts upload on the pool. Blocks on the network.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/result.h"
#include "fs/content.h"
#include "fs/memory_budget.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct WriteOptions {
  std::uint64_t first_part = 8u << 20;            // 5 MiB at least; doubles every 1,000 parts ...
  std::uint64_t largest_part = 64u << 20;         // ... up to this
  std::uint64_t copy_part = 1u << 30;             // server-side copied pieces of old content
  int parts_in_flight = 8;                        // of one file
  std::chrono::milliseconds memory_wait{30'000};  // for the budget, then kNoMemory
};

// Remembers unfinished uploads across crashes (fs/upload_records).
class UploadObserver {
 public:
  virtual ~UploadObserver() = default;
  virtual void Began(const s3::Upload& upload) = 0;
  virtual void Ended(const s3::Upload& upload) = 0;
};

class Writer {
 public:
  struct Shared {
    s3::ObjectStore& store;
    WorkerPool& pool;
    MemoryBudget& budget;
    WriteOptions options;
    UploadObserver& uploads;
  };

  // New content for `key`; `object` has the metadata and the condition of the first commit.
  Writer(const Shared& shared, std::string key, s3::NewObject object);
  ~Writer();  // aborts what was not committed

  // Starts from existing content instead of nothing: small is fetched (under If-Match), large is
  // copied inside S3 at commit. Before the first Write. kChanged when the version is gone.
  Status StartFrom(const FileVersion& base);

  // kInvalid for a write out of order on a stream, kTooLarge past the last part, kNoMemory when
  // the budget stayed full. Errors of parts in flight come out here or at Commit, and stick.
  Status Write(std::uint64_t offset, ByteView bytes);
  // In memory: any size. On a stream: the size it has, or 0, which starts over. Else kUnsupported.
  Status Truncate(std::uint64_t size);
  // Bytes back, cut at the end; kUnsupported once the stream has begun.
  Result<Bytes> Read(std::uint64_t offset, std::size_t size) const;

  std::uint64_t size() const;
  bool streaming() const;  // the upload has begun: metadata is fixed
  bool dirty() const;      // something is not committed

  // For the object's next commit; no effect on a stream that has begun (see sent_metadata).
  void SetMetadata(s3::Metadata metadata);
  const s3::Metadata& sent_metadata() const;
  void SetKey(std::string key);  // renamed before the first byte was sent

  // Makes the whole content a visible version, under the condition; further writes start from that
  // version and the condition becomes its ETag. An error sticks: nothing is committed afterwards.
  Result<s3::Written> Commit();
  // Waits for the parts in flight and returns the sticky error, if any.
  Status Settle();
  // Drops everything; the object stays as it was.
  void Abort();

  // Content that is still in memory after a failure, for the rescue; nothing when parts are gone.
  std::optional<Bytes> Unsent() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::fs
