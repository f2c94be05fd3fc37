// Runs one short-lived program and collects what it prints.

#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "crypto/result.h"

namespace coffer::s3 {

struct ProcessResult {
  int status = 0;  // the exit status, or 128 + the signal that ended it
  std::string out;
  std::string err;
};

// No shell, no input, the environment of this process, a process group of its own. Blocks until the
// program itself has ended (children that it leaves behind are not waited for) or `timeout` has
// passed, when the group is killed: kTimeout. kDenied when it cannot be started; kTooLarge when it
// prints more than 64 KiB, and then it is killed as well. Safe from any thread.
Result<ProcessResult> RunProcess(const std::vector<std::string>& words,
                                 std::chrono::milliseconds timeout);

}  // namespace coffer::s3
