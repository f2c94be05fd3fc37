// `coffer rm [-r]`: removes a file or a whole tree with as few requests as S3 allows, where a loop
// of unlink() would cost a round trip a file.
//
// It removes every object below the prefix, those that a mount does not show included, and tells
// the truth: what could not be deleted is listed, and the exit code says so.

#pragma once

#include <string>

#include "fs/console.h"
#include "fs/lock_policy.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"
#include "s3client/target.h"

namespace coffer::fs {

struct RemoveRequest {
  std::string shown;  // what the user named, for messages
  // The whole key, the volume's prefix included. A '/' at the end is taken for a directory and
  // then, when nothing is below it, for the file of that name ("s3://b/p" is parsed as "p/"). "" is
  // the whole bucket.
  std::string key;
  bool recursive = false;
  bool whole_bucket = false;  // the user said that he means it
  bool yes = false;           // do not ask
  bool json = false;
  std::string keep = {};  // the key that stays: a sealed volume's descriptor, while it is mounted
  LockPolicy locks = {};  // where it is enabled each object is looked at, and a locked one stays
};

// Blocks on the network. The exit code: 0; 1 when nothing was removed; 2 when something must be
// said first (-r, --yes, --whole-bucket); 3 when some objects could not be deleted; 5 access. With
// `json`, out gets {"removed", "bytes", "failed": [{"key", "error"}]} or {"error"}.
int RunRemove(s3::ObjectStore& store, const s3::Capabilities& capabilities, WorkerPool& pool,
              const RemoveRequest& request, Console& console);

}  // namespace coffer::fs
