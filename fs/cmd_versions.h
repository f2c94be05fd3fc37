// `coffer versions`: the versions and delete markers of a file, by its path in a mount or its
// address, with the caller's own credentials and without a key; one of them made current again
// (--restore); and what is hidden below a directory (-r --hidden).
//
// Written as it is listed, so that memory is bounded whatever there is.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network. The exit code: 0; 3 when something could not be seen of some versions; 5
// access; 2 usage; 1 when there is nothing of that name, or nothing was restored.
int RunVersions(const VersionsOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
