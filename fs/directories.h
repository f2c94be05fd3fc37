// Where things are kept on this machine when no option says otherwise. Pure functions of the user
// and the environment.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "fs/options.h"

namespace coffer::fs {

// What must survive a crash: $XDG_STATE_HOME/coffer, without it ~/.local/state/coffer, for root
// /var/lib/coffer.
std::string DefaultStateDirectory(uid_t user, const Environment& environment);
// What can be fetched again: $XDG_CACHE_HOME/coffer, without it ~/.cache/coffer, for root
// /var/cache/coffer.
std::string DefaultCacheDirectory(uid_t user, const Environment& environment);
// For the sockets of running mounts, best first: /run/coffer, for users $XDG_RUNTIME_DIR/coffer;
// else below the state directory.
std::vector<std::string> RuntimeDirectories(uid_t user, const Environment& environment);

}  // namespace coffer::fs
