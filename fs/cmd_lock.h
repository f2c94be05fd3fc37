// `coffer lock`, `coffer hold` and `coffer unlock`: Object Lock of the current versions of files,
// by their paths in a mount or their addresses, with the caller's own credentials. A sealed volume
// needs no key for it.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network. The exit code: 0 when every file has what was asked for; 2 when something
// is wrong with what was asked, or nobody could be asked for compliance; 3 when some files could
// not be done; 5 access; 1 when nothing could. Of --report fs/cmd_lock_report.h tells.
int RunLock(const LockCommandOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
