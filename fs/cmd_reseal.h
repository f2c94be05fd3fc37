// coffer reseal: every file of a sealed volume under the volume's present keys, and with
// --adopt-plaintext what is there in the clear, too.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on network and KMS until all is done. Exit code 3 when some were left, 4 for damage.
int RunReseal(const ResealOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
