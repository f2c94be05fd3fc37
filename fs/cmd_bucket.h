// The commands that talk to a bucket without mounting it: from options to what does the work.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Each returns the exit code of its command; the reason for a failure is on `err`.
int RunResolveCommand(const ResolveOptions& options, Console& console);
int RunDoctorCommand(const DoctorOptions& options, const Environment& environment,
                     Console& console);
// A path below a coffer mount stands for the object behind it, reached as the mount reaches it.
int RunRemoveCommand(const RemoveOptions& options, const Environment& environment,
                     Console& console);

}  // namespace coffer::fs
