// Whether a new version is locked as it was asked to be.
//
// Servers answer 200 and drop lock headers (RGW 16.2 on multipart uploads and copies), or store
// another date than the one they were given, so a lock is a fact only once it was read back.

#pragma once

#include <string_view>

#include "crypto/result.h"
#include "s3client/object_store.h"

namespace coffer::s3 {

// Reads the lock of the version just written back (1 HEAD), sets what is missing on that very
// version, and reads again. What HEAD said, with the lock as it is now. The version may be replaced
// or hidden by then: it is asked for by its id; only where the server did not tell that it is
// looked for by its ETag, as the current one (kChanged). Any error means that the version is there
// and perhaps not locked; its text says so. Blocks on the network.
Result<ObjectInfo> ConfirmLock(ObjectStore& store, std::string_view key, const Written& written,
                               const Lock& asked);

}  // namespace coffer::s3
