// `coffer rebind`: takes sealed objects for what they are called now, after another tool moved or
// copied them, changed their attributes, or sealed them under the volume's keys.
//
// An object must authenticate, header and final frame, under the keys and the context of the
// volume; then a copy onto itself gives it a new bind tag. What fits already is left alone.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network and on KMS. The exit code: 0; 1 failed; 2 usage, and when nobody can be
// asked and --yes was not said; 3 some could not be; 4 the one object is damaged or foreign; 5
// access; 6 no key.
int RunRebind(const RebindOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
