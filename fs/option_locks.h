// The command lines of lock, hold and unlock: from words to what is wanted, and what goes with
// what. Pure functions.

#pragma once

#include "crypto/result.h"
#include "fs/option_table.h"
#include "fs/options.h"

namespace coffer::fs {

// kInvalid (exit code 2) with what to write instead.
Result<LockCommandOptions> BuildLockCommand(const CommandSpec& command, Draft draft);

}  // namespace coffer::fs
