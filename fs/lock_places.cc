#include "fs/lock_places.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "fs/json.h"
#include "fs/mounted_path.h"
#include "fs/on_exit.h"
#include "fs/volume_json.h"
#include "fs/volume_place.h"

namespace coffer::fs {
namespace {

bool Exists(const std::string& path) {
  struct stat st = {};
  return lstat(path.c_str(), &st) == 0;
}

using WhereAndPattern = std::pair<std::string, std::string>;

// "s3://b/a/b*/c" is "s3://b/a/" and "b*/c".
WhereAndPattern SplitAddress(const std::string& name) {
  const std::size_t special = name.find_first_of("*?[]{}\\");
  if (special == std::string::npos) return {name, ""};
  const std::size_t slash = name.rfind('/', special);
  const std::size_t begin = slash == std::string::npos ? 0 : slash + 1;
  return {name.substr(0, begin), name.substr(begin)};
}

// What is there as it stands is no pattern, whatever characters it has: that is the part before.
WhereAndPattern SplitPath(const std::string& name) {
  if (Exists(name)) return {name, ""};
  std::size_t begin = 0;
  for (std::size_t slash = name.find('/'); slash != std::string::npos;
       slash = name.find('/', slash + 1)) {
    if (!Exists(name.substr(0, slash + 1))) break;
    begin = slash + 1;
  }
  return {begin == 0 ? "." : name.substr(0, begin), name.substr(begin)};
}

// What the mount has not sent yet of what is below the directory.
Status SendChanges(const std::string& directory) {
  const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Not there, or not to be looked into: what is locked is looked at later.
  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return Ok();
  const OnExit closed([fd] { close(fd); });
  if (fd >= 0 && fsync(fd) == 0) return Ok();
  return Error{Code::kUnavailable,
               "a change that was made there could not be stored: 'coffer status' tells which"};
}

class PlaceFinder {
 public:
  PlaceFinder(const LockCommandOptions& options, const Environment& environment)
      : options_(options), environment_(environment) {}

  Result<LockPlaces> Run() {
    for (const std::string& name : options_.names) {
      Status added = IsAddress(name) || IsBucketName(name) ? AddAddress(name) : AddPath(name);
      if (added) continue;
      if (added.error().code == Code::kInvalid) return std::move(added).error();
      found_.failures.push_back({name, std::move(added).error()});
    }
    for (LockVolume& volume : found_.volumes) {
      if (volume.mount.empty()) volume.volume.address.prefix = CommonDirectory(volume);
    }
    return std::move(found_);
  }

 private:
  // A SOURCE may be one, as for mount.
  bool IsBucketName(const std::string& name) const {
    return options_.action == LockAction::kReport && name.find('/') == std::string::npos &&
           !Exists(name);
  }

  bool TakesPatterns() const { return options_.action == LockAction::kExtend; }

  LockVolume& VolumeOf(const VolumeOptions& volume, const std::string& mount,
                       const std::string& mount_key, const std::string& at) {
    const std::string id = ToText(DescribeVolume(volume)) + mount;
    const auto [known, is_new] = index_.emplace(id, found_.volumes.size());
    if (is_new) found_.volumes.push_back({volume, mount, mount_key, at});
    return found_.volumes[known->second];
  }

  // Where to look for a pattern is a directory, however it is written.
  Status Add(LockVolume& volume, LockPlace place, const std::string& pattern) {
    if (!pattern.empty()) {
      if (!place.key.empty() && !place.key.ends_with('/')) place.key += '/';
      auto glob = PathGlob::Parse(pattern);
      if (!glob) return Error{Code::kInvalid, place.shown + ": the pattern " + glob.error().what};
      place.root = place.key;
      place.key += glob->literal_prefix();
      place.directory = true;
      place.maybe = false;
      place.glob = std::move(*glob);
    }
    volume.places.push_back(std::move(place));
    return Ok();
  }

  Status AddAddress(const std::string& name) {
    const auto [where, pattern] = TakesPatterns() ? SplitAddress(name) : WhereAndPattern(name, "");
    s3::AddressOptions plain = options_.volume.address;
    plain.prefix.clear();
    COFFER_ASSIGN(const s3::Target in_source, s3::ParseTarget(where, plain));
    COFFER_ASSIGN(const s3::Target whole, s3::ParseTarget(where, options_.volume.address));
    VolumeOptions volume = options_.volume;
    volume.source = where;
    TakeKeyOutOf(volume.source, in_source);
    volume.address.prefix.clear();
    LockPlace place{name, whole.key_prefix};
    place.directory = in_source.key_prefix.empty() || where.ends_with('/');
    place.maybe = !place.directory;
    place.root = place.key;
    if (!place.directory) place.key.pop_back();  // of which ParseTarget makes a prefix
    return Add(VolumeOf(volume, "", "", ""), std::move(place), pattern);
  }

  Status AddPath(const std::string& name) {
    const auto [where, pattern] = TakesPatterns() ? SplitPath(name) : WhereAndPattern(name, "");
    VolumeOptions volume = options_.volume;
    COFFER_ASSIGN(MountedPath path, FindMountedPath(where, environment_, volume));
    COFFER_ASSIGN(const s3::Target target, s3::ParseTarget(volume.source, volume.address));
    LockPlace place{name, target.key_prefix + path.below};
    place.directory = path.below.empty() || path.below.ends_with('/');
    place.root = target.key_prefix;
    Send(path, place.directory);
    return Add(VolumeOf(volume, path.mount, target.key_prefix, path.at), std::move(place), pattern);
  }

  // Of each directory once. Where it fails the others in it are not left unlocked for that.
  void Send(const MountedPath& path, bool directory) {
    if (options_.action == LockAction::kReport || !path.at.empty()) return;
    std::string below = path.below;
    if (!directory) below.resize(below.rfind('/') + 1);
    const std::string whole = path.mount + "/" + below;
    if (!sent_.insert(whole).second) return;
    Status sent = SendChanges(whole);
    if (!sent) found_.unsent.push_back({whole, std::move(sent).error()});
  }

  // What all places are below: rights may end above it.
  static std::string CommonDirectory(const LockVolume& volume) {
    std::string common = volume.places.front().key;
    for (const LockPlace& place : volume.places) {
      const auto ends =
          std::mismatch(common.begin(), common.end(), place.key.begin(), place.key.end());
      common.erase(ends.first, common.end());
    }
    common.resize(common.rfind('/') + 1);
    return common;
  }

  const LockCommandOptions& options_;
  const Environment& environment_;
  LockPlaces found_;
  std::map<std::string, std::size_t> index_;  // of volumes, by how they are reached
  std::set<std::string> sent_;
};

}  // namespace

std::string LockVolume::Show(const std::string& key) const {
  if (mount.empty() || !key.starts_with(mount_key)) return key;
  return mount + "/" + key.substr(mount_key.size());
}

Result<LockPlaces> FindLockPlaces(const LockCommandOptions& options,
                                  const Environment& environment) {
  return PlaceFinder(options, environment).Run();
}

}  // namespace coffer::fs
