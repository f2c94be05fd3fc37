// Remembers unfinished multipart uploads across crashes, so that the next mount of the same bucket
// on this machine aborts what a dead one left behind, and nothing else.
//
// Each mount has a file of its own below the state directory and holds a lock on it as long as it
// lives (so it is not confused with a later process of the same number, nor one of another
// container). Safe to share between threads; Began and Ended block on the local disk.

#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/mutex.h"
#include "fs/private_file.h"
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
  UploadRecords(Options options, std::string directory);
  Status StartFile() REQUIRES(mu_);
  Status Append(const std::string& line, bool durable) REQUIRES(mu_);

  const Options options_;
  const std::string directory_;
  Mutex mu_;
  std::unique_ptr<PrivateFile> file_ GUARDED_BY(mu_);
  std::size_t file_bytes_ GUARDED_BY(mu_) = 0;
  std::map<std::string, std::string> open_ GUARDED_BY(mu_);  // upload id -> key
};

}  // namespace coffer::fs
