// Which volume an object belongs to: for commands on a part of a volume, or on one of its files.
//
// Blocks on the network, once for each level of the key above which no descriptor was found, and on
// the mount's control socket for a path.

#pragma once

#include <string>

#include "crypto/result.h"
#include "fs/options.h"

namespace coffer::fs {

struct VolumePlace {
  VolumeOptions volume;   // reaches the whole volume
  std::string below;      // of its keys: what was named; "" for all of it
  bool directory = true;  // it was named as one: "s3://b/d/", a directory of a mount
};

// `named` is an address (bucket, s3://BUCKET/KEY, ARN) or a path in a mount of coffer. Where no
// sealed volume is found, the bucket itself is the volume; where this machine has seen one, it is
// that, whatever is there now. Failures as Connection's and FindMountedPath's; kNotPermitted for a
// volume that begins inside another.
Result<VolumePlace> FindVolumePlace(const std::string& named, VolumeOptions options,
                                    const Environment& environment);

// Makes "s3://b" of "s3://b/p"; `named` is what the source was parsed to, without --prefix.
void TakeKeyOutOf(std::string& source, const s3::Target& named);

}  // namespace coffer::fs
