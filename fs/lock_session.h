// What a command on locks has to know of a bucket before it touches anything in it.
//
// Blocks on the network.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/lock_places.h"
#include "fs/options.h"
#include "fs/volume_session.h"

namespace coffer::fs {

// What of a lock a command has to see.
struct LockSightNeeds {
  bool retention = true;
  bool hold = true;
};

// Reaches the volume, and makes sure that locks can be there and can be seen: what cannot be read
// back is not done. Without keys. kInvalid for a mount that shows what was, kUnsupported for an
// address or a bucket without Object Lock, kDenied where locks cannot be seen; else as
// VolumeSession::Open.
Result<std::unique_ptr<VolumeSession>> OpenForLocks(const LockVolume& volume, LockSightNeeds needs,
                                                    const Environment& environment,
                                                    std::vector<std::string>& notes);

// Is there any object below `directory`, which ends in '/'? 1 request.
Result<bool> AnyBelow(s3::ObjectStore& store, const std::string& directory);

// The service's time.
std::int64_t ServerSeconds(VolumeSession& session);

}  // namespace coffer::fs
