// Which objects the operands of a command on locks, or on versions, are: addresses, paths in
// mounts, and patterns, put together by the volume that they are in.
//
// Blocks on the local disk and, for paths, on the mounts: what was changed in closed files and is
// not sent yet is sent first, so that it is in the version that is locked.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/options.h"
#include "fs/path_glob.h"

namespace coffer::fs {

struct LockPlace {
  std::string shown;       // what the user named
  std::string key;         // whole; of a directory it ends in '/', or is "": the bucket
  bool directory = false;  // `key` and all below it are meant
  bool maybe = false;      // an address without '/' at its end may be a directory all the same
  std::string root = {};   // what `glob` is anchored at: "" or a prefix that ends in '/'
  std::optional<PathGlob> glob = {};
};

// What is reached in one way.
struct LockVolume {
  VolumeOptions volume;
  std::string mount;      // the directory, where it was named by paths; else ""
  std::string mount_key;  // the prefix of its keys
  std::string at = {};    // the moment that the mount shows; "": now
  std::vector<LockPlace> places = {};

  // How people know `key`: a path where the volume is mounted, else the key.
  std::string Show(const std::string& key) const;
};

struct LockPlaces {
  std::vector<LockVolume> volumes;
  struct Failure {
    std::string shown;
    Error error;
  };
  std::vector<Failure> failures;  // operands that are not there
  // Directories in which a change of some file could not be sent: it is not in that file's version.
  std::vector<Failure> unsent;
};

// kInvalid for what is no address and in no mount. To extend, each name may have a pattern in it:
// what is before its first component with one of *?[]{}\ says where, of a path as much as is there
// as it stands. The SOURCE of a report is the only place, and has a root.
Result<LockPlaces> FindLockPlaces(const LockCommandOptions& options,
                                  const Environment& environment);

}  // namespace coffer::fs
