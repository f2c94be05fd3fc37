// `coffer logging`: where a bucket's access log goes, and whether it can arrive there.

#pragma once

#include "crypto/result.h"
#include "fs/connection.h"
#include "fs/console.h"
#include "fs/json.h"
#include "fs/options.h"

namespace coffer::fs {

struct LoggingRequest {
  const SettingOptions& options;
  const Environment& environment;  // to reach the log's bucket, too
  s3::SystemClock& clock;
  Log& log;
};

// show, set and off. The exit code. set looks at the log's bucket first, and refuses where S3 would
// take the setting and never deliver. Blocks on the network.
Result<int> RunLogging(const LoggingRequest& request, Connection& connection, Console& console);

// What the log bucket's policy must hold for the log of `bucket` to be written below `prefix`.
// `account` of the bucket; "" leaves it out.
Json LogDeliveryStatement(const s3::Target& log_bucket, const std::string& prefix,
                          const s3::Target& bucket, const std::string& account);

}  // namespace coffer::fs
