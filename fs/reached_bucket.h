// Which bucket a mount really speaks to, as a name for what is kept about it on this machine:
// findings, unfinished uploads, rename journals, the index. Pure functions; no network.

#pragma once

#include <span>
#include <string>

#include "s3client/target.h"

namespace coffer::fs {

// The bucket's URL; where --connect-to leads its host elsewhere, that place too, for two servers
// behind one name are two buckets. `connect_to` is read as curl reads it: HOST:PORT:HOST:PORT, the
// first that fits counts, an empty HOST or PORT fits every one and leads to the same.
std::string ReachedBucket(const s3::Target& target, std::span<const std::string> connect_to);

}  // namespace coffer::fs
