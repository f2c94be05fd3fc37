// What was learned about a server's conditional writes, kept in the state directory for the next
// mount. Blocks on the local disk only.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/options.h"
#include "s3client/condition_memory.h"

namespace coffer::fs {

// Kept per `bucket`, as ReachedBucket names it. What cannot be read is found out again.
void LoadFindings(const std::string& state_directory, const std::string& bucket,
                  s3::ConditionMemory& memory);
Status SaveFindings(const std::string& state_directory, const std::string& bucket,
                    const s3::ConditionMemory& memory);

// --state-dir or its default.
std::string StateDirectory(const VolumeOptions& options, const Environment& environment);

}  // namespace coffer::fs
