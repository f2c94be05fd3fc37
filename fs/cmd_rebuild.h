// coffer init --rebuild-descriptor: the descriptor of a volume that has lost it, or whose
// descriptor is damaged, made again from what the headers of its files say, once one of them has
// been authenticated under keys that were named or are pinned.

#pragma once

#include "crypto/result.h"
#include "fs/console.h"
#include "fs/options.h"

namespace coffer::fs {

// kExists when the descriptor is there and opens; kNotPermitted and kKeyMissing for one that is not
// this volume's; kNotFound without files. Blocks on network and KMS.
Status RebuildDescriptor(const InitOptions& options, const Environment& environment,
                         Console& console);

}  // namespace coffer::fs
