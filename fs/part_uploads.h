// One multipart upload in progress: a few parts at once on the pool, in any order, then one
// Complete or one Abort, and never an Abort while a part is still on its way (S3 would keep it).
//
// One owner at a time; parts run on the pool and, while the owner waits, on the owner's thread, so
// a pool that is busy elsewhere slows an upload down but does not stop it. Blocks on the network.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "fs/part_buffer.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// fs/upload_records remembers uploads across crashes.
using s3::UploadObserver;

class PartUploads {
 public:
  // The borrowed all outlive it; at most `width` parts are under way.
  struct Shared {
    s3::ObjectStore& store;
    WorkerPool& pool;
    UploadObserver& observer;
    std::size_t width;
  };
  explicit PartUploads(const Shared& shared);
  ~PartUploads();  // aborts what was not completed
  PartUploads(const PartUploads&) = delete;
  PartUploads& operator=(const PartUploads&) = delete;

  Status Begin(const std::string& key, const s3::NewObject& object);

  // Waits until fewer than `width` parts are under way, then starts this one. The first part that
  // fails stops all that have not started; its error comes out of every later call.
  Status Send(s3::PartPlace place, PartBuffer buffer);
  Status SendCopy(int number, std::string from, s3::Range range, std::string source_etag);
  // The same in this thread, for parts whose outcome decides what comes next.
  Status SendCopyNow(int number, const std::string& from, s3::Range range,
                     const std::string& source_etag);
  Status SendNow(s3::PartPlace place, ByteView bytes);

  std::optional<Error> error() const;
  // Waits until one more part has ended; false when none is under way.
  bool WaitForOne();
  // Waits for all parts under way.
  Status Wait();

  Result<s3::Written> Complete(const s3::Condition& condition);
  // Waits for all parts under way; their outcome no longer matters.
  void Abort();

 private:
  struct State;
  using Job = std::function<Result<s3::Part>(s3::ObjectStore&, const s3::Upload&)>;
  Status Start(int number, Job job);
  Status RunNow(int number, const Job& job);

  const Shared shared_;
  std::shared_ptr<State> state_;
  bool open_ = false;  // begun, and neither completed nor aborted
};

}  // namespace coffer::fs
