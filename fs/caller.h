// Whose credentials these are, as STS says.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/doctor.h"
#include "fs/network.h"
#include "fs/options.h"

namespace coffer::fs {

// GetCallerIdentity, in `region`; blocks on the network. kUnsupported where requests are not
// signed, and on a server that is not AWS (`aws_host`) and for which no STS is configured.
Result<StsCaller> AskCaller(Network& network, const VolumeOptions& options,
                            const Environment& environment, const std::string& region,
                            bool aws_host);

}  // namespace coffer::fs
