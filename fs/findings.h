// What was learned about a server's conditional writes, kept in the state directory for the next
// mount. Blocks on the local disk only.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/options.h"
#include "s3client/condition_memory.h"
#include "s3client/target.h"

namespace coffer::fs {

// Kept per endpoint and bucket. What cannot be read is found out again.
void LoadFindings(const std::string& state_directory, const s3::Target& target,
                  s3::ConditionMemory& memory);
Status SaveFindings(const std::string& state_directory, const s3::Target& target,
                    const s3::ConditionMemory& memory);

// --state-dir or its default.
std::string StateDirectory(const VolumeOptions& options, const Environment& environment);

}  // namespace coffer::fs
