// The directory that a bucket is mounted on, and what stands in the way: checked before anything
// is asked of the network, each with what to do about it.
//
// Stateless; blocks on the local filesystems only. A path is never resolved through a mount of ours
// that may be dead.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::fs {

inline constexpr std::string_view kFilesystemType = "fuse.coffer";

// One line of /proc/self/mountinfo.
struct MountEntry {
  std::uint64_t id = 0;
  std::string device;  // "0:52"
  std::string directory;
  std::string options;
  std::string type;
  std::string source;
  std::string super_options;
};
// Lines that cannot be read are left out.
std::vector<MountEntry> ParseMountInfo(std::string_view text);
std::vector<MountEntry> ReadMountInfo();
std::optional<std::uint32_t> OwnerOf(const MountEntry& entry);  // user_id= of a FUSE mount

// The mounts of coffer, and the topmost one at `directory` (as RealDirectory gives it).
std::vector<MountEntry> CofferMounts();
std::optional<MountEntry> FindMount(const std::vector<MountEntry>& mounts,
                                    std::string_view directory);

// The absolute path without symbolic links; the last component is not looked into, since a dead
// mount may be there. kNotFound when what is above it does not exist.
Result<std::string> RealDirectory(const std::string& path);

// Does a mount answer? False for ENOTCONN, which a mount says whose process has died.
bool IsAlive(const std::string& directory);

// Takes a mount away: umount2(2), or fusermount3 for those who may not. kBusy when it is in use and
// `lazily` is not given; a lazy one goes for new users at once and for the others when they leave.
Status Detach(const std::string& directory, bool lazily);

struct MountPointNeeds {
  bool allow_non_empty = false;
  bool allow_others = false;  // --allow-other or --allow-root
  bool no_symfollow = false;
};
// Makes DIR ready to be mounted on, and returns its real path: detaches a dead mount of coffer
// (said in `notes`), and refuses with kInvalid, kNotFound, kNotDirectory, kNotEmpty, kBusy, kDenied
// or kUnsupported whatever will not work, /dev/fuse and fusermount3 included.
Result<std::string> PrepareMountPoint(const std::string& directory, const MountPointNeeds& needs,
                                      std::vector<std::string>& notes);

// Processes that use the mount, as "name (pid)", at most `limit`: who keeps it busy. Sees only what
// the caller may see.
std::vector<std::string> UsersOf(const std::string& directory, std::size_t limit);

}  // namespace coffer::fs
