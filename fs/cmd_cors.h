// `coffer cors`: which web pages may load files of a bucket, and why one may not.

#pragma once

#include "crypto/result.h"
#include "fs/connection.h"
#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// show, allow, remove and check. The exit code: of check, kExitAccess where a browser would keep
// the answer from the page. Blocks on the network.
Result<int> RunCors(const SettingOptions& options, Connection& connection, Console& console);

}  // namespace coffer::fs
