// `coffer inspect`: what a sealed object, or a message in a file, says of itself, and with a key
// what of it is true. Never writes, never shows plaintext or keys.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network, and on KMS where keys were named or this machine knows those of the
// volume. The exit code: 0 it was looked at, whatever it is (an object in the clear, too: "kind"
// says so), and nothing that was checked is wrong; 4 something is damaged, moved or foreign; 1 it
// is not there; 2 usage; 5 access; 6 keys were named and none opens it.
int RunInspect(const InspectOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
