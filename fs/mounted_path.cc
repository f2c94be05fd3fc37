#include "fs/mounted_path.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "fs/control.h"
#include "fs/json.h"
#include "fs/mount_point.h"
#include "fs/volume_json.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kLargestField = 64u << 10;

struct Place {
  MountEntry mount;
  std::string below;
};

// Nothing but a name on the way can be missing, or no directory any more.
bool PathIsThere(const std::string& path) {
  struct stat st = {};
  return lstat(path.c_str(), &st) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

// Where `path` would be: the last of its directories that are there, and the rest as it is written.
Result<std::string> RealOrLost(const std::string& path) {
  auto real = RealDirectory(path);
  if (real || PathIsThere(path)) return real;
  std::string above = path;
  while (above.ends_with('/')) above.pop_back();
  const std::size_t slash = above.rfind('/');
  if (slash == std::string::npos) return real;
  const std::string name = above.substr(slash + 1);
  above.resize(slash);
  if (above.empty() || name == "." || name == "..") return real;
  COFFER_ASSIGN(const std::string found, RealOrLost(above));
  return (found == "/" ? found : found + "/") + name;
}

// Something else may be mounted in the mount's tree: its files are none of the bucket's, whatever
// the bucket has under their names. `real`, or what of it is there, tells.
Status CheckSameFilesystem(const std::string& real, const MountEntry& mount) {
  std::string at = real;
  struct stat st = {};
  while (at.size() > mount.directory.size() && lstat(at.c_str(), &st) != 0) {
    at.resize(at.rfind('/'));
  }
  if (at.size() <= mount.directory.size()) return Ok();
  const std::string device =
      std::to_string(major(st.st_dev)) + ":" + std::to_string(minor(st.st_dev));
  if (device == mount.device) return Ok();
  return Error{Code::kInvalid, real + " is in another filesystem, which is mounted inside " +
                                   mount.directory + ": it is nothing of that bucket"};
}

Result<Place> FindPlace(const std::string& path) {
  const auto there = RealDirectory(path);
  COFFER_ASSIGN(const std::string real, there ? there : RealOrLost(path));
  const std::vector<MountEntry> mounts = CofferMounts();
  for (std::string above = real; !above.empty(); above.resize(above.rfind('/'))) {
    const auto mount = FindMount(mounts, above);
    if (!mount) continue;
    COFFER_TRY(CheckSameFilesystem(real, *mount));
    Place place{*mount, real.substr(std::min(above.size() + 1, real.size()))};
    struct stat st = {};
    if (!place.below.empty() && lstat(real.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
      place.below += '/';
    return place;
  }
  if (!there) return there.error();
  return Error{Code::kInvalid,
               path + " is not in a mount of coffer; s3://BUCKET/KEY names an object"};
}

Result<Json> AskProcess(const std::vector<std::string>& sockets) {
  COFFER_ASSIGN(const auto client, ControlClient::Connect(sockets));
  COFFER_ASSIGN(const std::string text, client->Status());
  return Json::parse(text, nullptr, false);
}

Result<std::string> RootField(const std::string& directory, const std::string& name) {
  std::string value(kLargestField, '\0');
  const ssize_t size =
      getxattr(directory.c_str(), ("user.coffer." + name).c_str(), value.data(), value.size());
  if (size < 0) {
    return Error{Code::kDenied, "only its user and root may ask it, or with --allow-other all: " +
                                    std::generic_category().message(errno)};
  }
  value.resize(static_cast<std::size_t>(size));
  return value;
}

// What anybody may ask who is let into the mount.
Result<Json> AskRoot(const std::string& directory) {
  COFFER_ASSIGN(const std::string text, RootField(directory, "connection"));
  COFFER_ASSIGN(const std::string sealed, RootField(directory, "sealed"));
  Json report;
  report["connection"] = Json::parse(text, nullptr, false);
  if (sealed == "yes") report["sealed"] = Json::object();
  return report;
}

}  // namespace

bool IsAddress(std::string_view path) {
  return path.starts_with("s3://") || path.starts_with("arn:");
}

Result<MountedPath> FindMountedPath(const std::string& path, const Environment& environment,
                                    VolumeOptions& volume) {
  COFFER_ASSIGN(Place place, FindPlace(path));
  const uid_t owner = OwnerOf(place.mount).value_or(geteuid());
  auto answer = AskProcess(ControlSockets(place.mount.directory, owner, environment));
  const bool anothers =
      owner != geteuid() && !answer &&
      (answer.error().code == Code::kDenied || answer.error().code == Code::kNotFound);
  if (anothers) answer = AskRoot(place.mount.directory);
  if (!answer) return std::move(answer).error().While("ask the mount " + place.mount.directory);
  const Json report = *std::move(answer);
  const auto description = report.find("connection");
  if (!report.is_object() || description == report.end() || !description->is_object())
    return Error{Code::kUnavailable, "the mount's answer cannot be read"};
  ApplyVolume(*description, volume);
  MountedPath found{place.mount.directory, std::move(place.below), report.contains("sealed")};
  const auto at = description->find("at");
  if (at != description->end() && at->is_string()) found.at = at->get<std::string>();
  return found;
}

Status CheckShowsNow(const std::string& at) {
  if (at.empty()) return Ok();
  return Error{Code::kInvalid,
               "this mount shows what was there at " + at +
                   ", and the command is about what is there now: name it in a mount without --at, "
                   "or by its address"};
}

}  // namespace coffer::fs
