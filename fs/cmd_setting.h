// The commands on a bucket's settings: `coffer cors`, `encryption`, `logging`, `versioning`,
// `lock-default` and `lifecycle suggest`.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// Blocks on the network, and on the person who is asked. The exit code; the reason for a failure is
// on `err`.
int RunSetting(const SettingOptions& options, const Environment& environment, Console& console);

}  // namespace coffer::fs
