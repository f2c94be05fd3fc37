// coffer key list|add|remove: the keys that seal what is written into a sealed volume from now on.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on network and KMS. Returns the exit code.
int RunKey(const KeyCommandOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
