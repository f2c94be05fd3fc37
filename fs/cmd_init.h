// `coffer init`: makes a sealed volume. It checks first (the keys by using them, the prefix by
// listing it) and writes one object, the descriptor, last.
//
// Blocks on the network and on KMS.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// The exit code: 0; 1 there is a volume already, or files; 2 usage; 5 access; 6 a key cannot be
// used, and then the missing statement of its policy is on `out`.
int RunInit(const InitOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
