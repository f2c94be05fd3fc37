#include "fs/mounted_path.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "fs/control.h"
#include "fs/json.h"
#include "fs/mount_point.h"
#include "fs/volume_json.h"

namespace coffer::fs {
namespace {

struct Place {
  MountEntry mount;
  std::string below;
};

Result<Place> FindPlace(const std::string& path) {
  COFFER_ASSIGN(const std::string real, RealDirectory(path));
  const std::vector<MountEntry> mounts = CofferMounts();
  for (std::string above = real; !above.empty(); above.resize(above.rfind('/'))) {
    const auto mount = FindMount(mounts, above);
    if (!mount) continue;
    Place place{*mount, real.substr(std::min(above.size() + 1, real.size()))};
    struct stat st = {};
    if (!place.below.empty() && lstat(real.c_str(), &st) == 0 && S_ISDIR(st.st_mode))
      place.below += '/';
    return place;
  }
  return Error{Code::kInvalid,
               path + " is not in a mount of coffer; s3://BUCKET/KEY names an object"};
}

}  // namespace

bool IsAddress(std::string_view path) {
  return path.starts_with("s3://") || path.starts_with("arn:");
}

Result<MountedPath> FindMountedPath(const std::string& path, const Environment& environment,
                                    VolumeOptions& volume) {
  COFFER_ASSIGN(Place place, FindPlace(path));
  const uid_t owner = OwnerOf(place.mount).value_or(geteuid());
  auto client = ControlClient::Connect(ControlSockets(place.mount.directory, owner, environment));
  if (!client) return std::move(client).error().While("ask the mount " + place.mount.directory);
  COFFER_ASSIGN(const std::string text, (*client)->Status());
  const Json report = Json::parse(text, nullptr, false);
  const auto description = report.find("connection");
  if (!report.is_object() || description == report.end() || !description->is_object())
    return Error{Code::kUnavailable, "the mount's answer cannot be read"};
  ApplyVolume(*description, volume);
  return MountedPath{place.mount.directory, std::move(place.below), report.contains("sealed")};
}

}  // namespace coffer::fs
