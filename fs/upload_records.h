// Remembers unfinished multipart uploads across crashes, so that the next mount of the same bucket
// on this machine aborts what a dead one left behind, and nothing else.
//
// Safe to share between threads; Began and Ended block on the local disk.

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/crash_records.h"
#include "fs/mutex.h"
#include "fs/writer.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// What AbortLeftovers did.
struct Leftovers {
  int aborted = 0;
  std::vector<std::string> failures;  // one line each; tried again at the next mount
};

class UploadRecords : public UploadObserver {
 public:
  struct Options {
    std::string state_directory;
    std::string volume;  // endpoint and bucket, as for the attribute index
    // Told when an upload could not be recorded (a full disk): it goes on, but a crash would leave
    // it in the bucket. Must not call back.
    std::function<void(const std::string&)> warn;
    std::size_t rewrite_above = 1u << 20;  // bytes of the file
  };
  // An error when the state directory cannot be used. The file itself is made by the first upload.
  static Result<std::unique_ptr<UploadRecords>> Open(Options options);
  ~UploadRecords() override;  // removes the file when no upload is unfinished

  void Began(const s3::Upload& upload) override;  // on the disk when it returns
  void Ended(const s3::Upload& upload) override;

  // Aborts the uploads that dead mounts of this machine recorded for this bucket. Blocks on the
  // network: one request for each. A read-only mount does not call it.
  Leftovers AbortLeftovers(s3::ObjectStore& store) const;

 private:
  UploadRecords(Options options, std::unique_ptr<CrashRecords> records);
  Status Add(const std::string& line, bool durable) REQUIRES(mu_);

  const Options options_;
  Mutex mu_;
  // Guarded by mu_ but for VisitDead, which looks at files of others.
  const std::unique_ptr<CrashRecords> records_;
  std::map<std::string, std::string> open_ GUARDED_BY(mu_);  // upload id -> key
};

}  // namespace coffer::fs
