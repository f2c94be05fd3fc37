// `coffer verify`: reads and authenticates every object of a sealed volume, or of a part of it, and
// names each that a mount would refuse. Changes nothing.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network and on KMS. The exit code: 0 all is well; 4 something is damaged, moved or
// foreign; 3 something could not be read, and nothing is damaged; 1 it did not come to the end; 2
// usage, and for a volume that is not sealed; 5 no access; 6 no key.
int RunVerify(const VerifyOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
