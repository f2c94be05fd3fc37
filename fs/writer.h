// One file's new content on its way into S3: small = one PUT, large = a streamed multipart upload
// from bounded memory, in parts that grow.
//
// While the content fits into the first part it stays in memory, may be written in any order, read
// back and truncated; after that the stream has begun and only goes forward. The object changes
// only when Commit succeeds; until then nobody sees a byte. Used by one file at a time: calls are
// serialised by the owner (fs/open_file), the parts upload on the pool. Blocks on the network.
//
// When memory is short, a writer first waits for its own parts, then sends what it has as soon as
// that is as large as a part must be (so a stream may begin early), and only then waits for others.

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
#include "fs/part_uploads.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct WriteOptions {
  std::uint64_t first_part = 8u << 20;            // 5 MiB at least; doubles every 1,000 parts ...
  std::uint64_t largest_part = 64u << 20;         // ... up to this
  std::uint64_t smallest_part = 5u << 20;         // S3's demand on every part but the last
  std::uint64_t copy_part = 1u << 30;             // server-side copied pieces of old content
  std::uint64_t alignment = 1;                    // of every part but the last: a sealed frame
  std::uint64_t copies = 1;                       // of each byte in memory: PartBuffer
  int parts_in_flight = 8;                        // of one file
  std::chrono::milliseconds memory_wait{30'000};  // for the budget, then kNoMemory
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

  // Starts from existing content instead of nothing: what fits into the first part is fetched
  // (under If-Match), larger is copied inside S3 when the stream begins and can only be appended to
  // (or truncated to 0). Before the first Write. kChanged when the version is gone.
  Status StartFrom(const FileVersion& base);

  // kInvalid for a write out of order on a stream, kTooLarge past the last part, kNoMemory when
  // the budget stayed full. Errors of parts in flight come out here or at Commit, and stick, as
  // does what stopped a write half-way.
  Status Write(std::uint64_t offset, ByteView bytes);
  // In memory: any size that fits there. On a stream or to large old content: the size it has, or
  // 0, which starts over. Else kUnsupported.
  Status Truncate(std::uint64_t size);
  // Bytes back, cut at the end; large old content is fetched. kUnsupported for what a stream has
  // taken.
  Result<Bytes> Read(std::uint64_t offset, std::size_t size) const;

  std::uint64_t size() const;
  bool streaming() const;  // the upload has begun: metadata is fixed
  bool dirty() const;      // something is not committed

  // For the object's next commit; no effect on a stream that has begun (see sent_metadata).
  void SetMetadata(s3::Metadata metadata);
  const s3::Metadata& sent_metadata() const;
  // Renamed, and what the next commit starts from with it, before the stream has begun: a stream is
  // bound to its key, so for it this is a failure that sticks.
  void SetKey(std::string key);
  // This mount replaced the version that the next commit starts from, with the same bytes (chmod or
  // rename after a commit).
  void MoveTo(const FileVersion& same_bytes);

  // Makes the whole content a visible version, under the condition; further writes start from that
  // version and the condition becomes its ETag. An error sticks: nothing is committed afterwards.
  // With nothing new since the last one it costs no request.
  Result<s3::Written> Commit();
  // Waits for the parts in flight and returns the sticky error, if any.
  Status Settle();
  // Drops everything; the object stays as it was.
  void Abort();

  // Content that is still in memory after a failure, for the rescue; nothing when parts are gone.
  // It begins at unsent_offset(): 0, or, for what was appended to large content, the old size.
  std::optional<Bytes> Unsent() const;
  std::uint64_t unsent_offset() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace coffer::fs
