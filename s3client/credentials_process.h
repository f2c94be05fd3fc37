// The credentials of a profile's credential_process: a program that prints them as JSON.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "s3client/credentials.h"

namespace coffer::s3 {

// Words as a POSIX shell splits them (quotes, backslashes), with nothing expanded. kInvalid for a
// quote that never ends.
Result<std::vector<std::string>> SplitCommand(std::string_view command);

// Runs `command` without a shell and reads {"Version": 1, "AccessKeyId": ...} from its output.
// Blocks until it ends; after `timeout` it and what it started are killed. kDenied when it fails,
// with the first line it wrote to stderr, never with its output; kTimeout. `source` names the
// credentials for people. Safe from any thread.
Result<Credentials> RunCredentialProcess(std::string_view command, const std::string& source,
                                         std::chrono::milliseconds timeout);

}  // namespace coffer::s3
