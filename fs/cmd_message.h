// `coffer seal` and `coffer open`: AWS Encryption SDK messages from files and pipes, without a
// bucket or a mount. What one of its implementations wrote is opened, and the other way round.
//
// Nothing unauthenticated is written. A file appears under its name when it is complete, and not
// otherwise; what went into a pipe is authentic frame by frame, and only exit code 0 says that it
// was all of it.

#pragma once

#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// The exit code: 0; 2 usage; 4 the message is damaged; 5 access; 6 no key; 1 anything else.
int RunMessageCommand(const MessageOptions& options, const Environment& environment,
                      Console& console);

}  // namespace coffer::fs
