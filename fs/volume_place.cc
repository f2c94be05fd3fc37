#include "fs/volume_place.h"

#include <sys/stat.h>

#include <optional>
#include <utility>

#include "fs/connection.h"
#include "fs/findings.h"
#include "fs/key_pins.h"
#include "fs/mounted_path.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

std::string Above(std::string prefix) {
  prefix.pop_back();
  prefix.resize(prefix.rfind('/') + 1);
  return prefix;
}

// The volume that `prefix` is in: where this machine has seen one, else where a descriptor is; ""
// where none is. kNotPermitted for one that begins inside another: whoever can write into a volume
// could have put it there, with keys of his own.
Result<std::string> VolumeAbove(Connection& connection, const std::string& state_directory,
                                const std::string& prefix) {
  const std::string bucket = connection.reached_bucket() + "/";
  std::optional<std::string> found;
  for (std::string at = prefix;; at = Above(std::move(at))) {
    COFFER_ASSIGN(const auto pin, LoadPin(state_directory, bucket + at));
    if (pin) return at;
    const auto there = connection.store().Get(DescriptorKey(at), {0, 1}, {});
    const bool absent = !there && there.error().code == Code::kNotFound;
    // Where it may not be read, opening the volume says so.
    if (!there && !absent && there.error().code != Code::kDenied) return there.error();
    if (there && found) {
      return Error{Code::kNotPermitted, "a sealed volume begins at \"" + *found +
                                            "\", inside the one at \"" + at +
                                            "\": name the one that is meant by --prefix"};
    }
    if (!absent && !found) found = at;
    if (at.empty()) return found.value_or("");
  }
}

bool IsPath(const std::string& named) {
  struct stat st = {};
  return !IsAddress(named) && (named.find('/') != named.npos || lstat(named.c_str(), &st) == 0);
}

}  // namespace

void TakeKeyOutOf(std::string& source, const s3::Target& named) {
  std::string prefix = named.key_prefix;
  while (prefix.ends_with('/')) prefix.pop_back();
  if (prefix.empty()) return;
  const std::size_t end = source.find_last_not_of('/');
  const std::size_t size = end == source.npos ? 0 : end + 1;
  if (size > prefix.size() + 1 && source.compare(size - prefix.size() - 1, 1, "/") == 0 &&
      source.compare(size - prefix.size(), prefix.size(), prefix) == 0) {
    source.resize(size - prefix.size() - 1);
  }
}

Result<VolumePlace> FindVolumePlace(const std::string& named, VolumeOptions options,
                                    const Environment& environment) {
  if (IsPath(named)) {
    VolumeOptions mounted = options;
    auto path = FindMountedPath(named, environment, mounted);
    if (path) {
      if (Status now = CheckShowsNow(path->at); !now) return std::move(now).error();
      const bool directory = path->below.empty() || path->below.ends_with('/');
      return VolumePlace{std::move(mounted), std::move(path->below), directory};
    }
    // A bucket may have the name of some file here.
    const bool bucket = path.error().code == Code::kInvalid && named.find('/') == named.npos;
    if (!bucket) return std::move(path).error();
  }
  options.source = named;
  s3::AddressOptions plain = options.address;
  plain.prefix.clear();
  COFFER_ASSIGN(const s3::Target in_source, s3::ParseTarget(named, plain));
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  COFFER_ASSIGN(const auto connection, Connection::Open(options, environment, clock, *log));
  COFFER_TRY(connection->Check());
  const std::string whole = connection->target().key_prefix;
  COFFER_ASSIGN(const std::string volume,
                VolumeAbove(*connection, StateDirectory(options, environment), whole));
  TakeKeyOutOf(options.source, in_source);
  options.address.prefix = volume;
  VolumePlace place{std::move(options), whole.substr(volume.size()), true};
  place.directory = place.below.empty() || named.ends_with('/');
  if (!place.directory) place.below.pop_back();  // of which ParseTarget makes a prefix
  return place;
}

}  // namespace coffer::fs
