// How a mount reaches its bucket, as `coffer status` tells and as commands on a path below the
// mount take it over. Nothing secret is in it. Pure functions.

#pragma once

#include "fs/json.h"
#include "fs/options.h"

namespace coffer::fs {

Json DescribeVolume(const VolumeOptions& options);
// Takes over what is there and of the right type; source and address are the description's.
void ApplyVolume(const Json& description, VolumeOptions& options);

}  // namespace coffer::fs
