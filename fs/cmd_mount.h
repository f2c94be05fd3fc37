// `coffer mount SOURCE DIR`: checks everything, mounts, detaches, serves, and stores what is unsent
// at the end.

#pragma once

#include "fs/options.h"

namespace coffer::fs {

// The exit code of the process that the user started: 0 once the mount works, else the reason is on
// standard error. In the foreground: 0 when the mount ended with everything stored.
int RunMount(const MountOptions& options, const Environment& environment);

}  // namespace coffer::fs
