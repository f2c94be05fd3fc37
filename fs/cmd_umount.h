// `coffer umount DIR`: unmounts, and returns when everything is stored.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Shows progress on `err` while the mount's process stores what is unsent, and waits until that
// process is gone. The exit code: 0, or 1 when something is unsent or unknown, or the mount is in
// use (and by whom), and stays.
int RunUmount(const UmountOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
