// `coffer status [DIR] [--json]`: how running mounts are doing. A liveness probe as well.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Asks the mounts' processes, not the network. The exit code: 0 healthy, 1 degraded, 3 not alive
// (the worst of all when no DIR is given; without any mount 0). DIR may be below a mount. With
// `json`, out gets one report, or a list of them when no DIR is given.
int RunStatus(const StatusOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
