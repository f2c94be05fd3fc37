// The bucket that an address leads to, for commands that are about the bucket: behind an access
// point it is found out by S3 Control.

#pragma once

#include <memory>
#include <string>

#include "crypto/result.h"
#include "fs/connection.h"
#include "fs/console.h"
#include "fs/policy_through.h"

namespace coffer::fs {

// Connection::Open on the bucket of `options.source`; says on `console.err` which bucket that is
// where the source is an access point (or its alias) of a Region. `account` of the access point,
// where its address does not tell; "" asks whose keys these are. Blocks on the network.
Result<std::unique_ptr<Connection>> OpenBucketBehind(VolumeOptions options, std::string account,
                                                     const Environment& environment,
                                                     s3::SystemClock& clock, Log& log,
                                                     Console& console);

struct DoorSearch {
  const Environment& environment;
  std::string account;  // of the access point; "" asks whose keys these are
};
// The access point `name` (a name, or an ARN) of the bucket that `connection` is to, with its
// policy. kInvalid when it is one of another bucket.
Result<PolicyDoor> FindPolicyDoor(const std::string& name, Connection& connection,
                                  const DoorSearch& search);

}  // namespace coffer::fs
