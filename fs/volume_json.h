// How a mount reaches its bucket, as `coffer status` tells and as commands on a path below the
// mount take it over. Neither a secret nor whose credentials it uses is in it: who calls a command
// has his own. Pure functions.

#pragma once

#include "fs/json.h"
#include "fs/options.h"

namespace coffer::fs {

Json DescribeVolume(const VolumeOptions& options);
// Takes over what is there and of the right type: source and address are the description's. Which
// hosts stand for others, whose the bucket shall be and who pays stays as the caller says, where he
// says anything.
void ApplyVolume(const Json& description, VolumeOptions& options);

}  // namespace coffer::fs
