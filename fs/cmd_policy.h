// `coffer policy show|add|remove|test`: a bucket's policy in words, rules that are put into it, and
// what it says of one request.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network and on the person. The exit code; of test: 0 allowed, 5 denied, 3 not
// decided by the policy. What would lock the caller out is refused with 1.
int RunPolicy(const PolicyOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
