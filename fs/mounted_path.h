// From a path below a mount to the bucket behind it: how commands that take "a file here, or an
// address" find their object.
//
// Blocks on the local disk and on the mount: on its control socket, or, for who may not ask there,
// on what user.coffer.connection of its root says.

#pragma once

#include <string>
#include <string_view>

#include "crypto/result.h"
#include "fs/options.h"

namespace coffer::fs {

// s3://BUCKET/KEY or an ARN; anything else is a path.
bool IsAddress(std::string_view path);

struct MountedPath {
  std::string mount;    // the directory
  std::string below;    // relative to it; ends in '/' for a directory, "" for the mount itself
  bool sealed = false;  // the mount is of a sealed volume
  std::string at = {};  // the moment that it shows; "": now
};

// Neither the path need be there nor the directories above it: it may have been removed.
// `volume` then reaches the bucket as the mount does; credentials are the caller's own. kInvalid
// for a path in no mount of coffer, or in what is mounted inside of one; kUnavailable when the
// mount does not answer.
Result<MountedPath> FindMountedPath(const std::string& path, const Environment& environment,
                                    VolumeOptions& volume);

// For commands that change or tell what is stored now: kInvalid where the mount shows what was,
// `at` as MountedPath says it.
Status CheckShowsNow(const std::string& at);

}  // namespace coffer::fs
