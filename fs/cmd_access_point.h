// `coffer access-point create|list|show|delete|grant|revoke|policy`: doors to a bucket, and who may
// do what through each.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network and on the person. The exit code; the reason for a failure is on `err`.
int RunAccessPoint(const AccessPointOptions& options, const Environment& environment,
                   Console& console);

}  // namespace coffer::fs
