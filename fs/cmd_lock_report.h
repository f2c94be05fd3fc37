// `coffer lock --report` and `--require`: which files are locked, until when, and whether that is
// what was required.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network: a LIST for 1,000 files and a HEAD for each. The exit code: 0; 4 when a
// file has less than --require asks for, or none is matched by one; 3 when some could not be looked
// at; else as of every command.
int RunLockReport(const LockCommandOptions& options, const Environment& environment,
                  Console& console);

}  // namespace coffer::fs
