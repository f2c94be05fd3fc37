// `coffer restore`: makes archived objects readable again, by the paths of files in a mount or
// their addresses, with the caller's own credentials. A sealed volume needs no key for it.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network; with --wait until the service is done. The exit code: 0 when every file is
// readable or on its way (with --wait: readable); 2 when something is wrong with what was asked;
// 3 when some files could not be done; 5 access; 1 when nothing could.
int RunRestore(const RestoreOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
