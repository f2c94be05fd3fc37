#include "fs/directories.h"

namespace coffer::fs {
namespace {

std::string Value(const Environment& environment, const char* name) {
  const auto found = environment.find(name);
  // The XDG specification: a path that is not absolute does not count.
  if (found == environment.end() || !found->second.starts_with('/')) return "";
  return found->second;
}

std::string Home(const Environment& environment) {
  const std::string home = Value(environment, "HOME");
  return home.empty() ? "/tmp" : home;
}

}  // namespace

std::string DefaultStateDirectory(uid_t user, const Environment& environment) {
  const std::string state = Value(environment, "XDG_STATE_HOME");
  if (user == 0 && state.empty()) return "/var/lib/coffer";
  return (state.empty() ? Home(environment) + "/.local/state" : state) + "/coffer";
}

std::string DefaultCacheDirectory(uid_t user, const Environment& environment) {
  const std::string cache = Value(environment, "XDG_CACHE_HOME");
  if (user == 0 && cache.empty()) return "/var/cache/coffer";
  return (cache.empty() ? Home(environment) + "/.cache" : cache) + "/coffer";
}

std::vector<std::string> RuntimeDirectories(uid_t user, const Environment& environment) {
  std::vector<std::string> directories;
  const std::string runtime = Value(environment, "XDG_RUNTIME_DIR");
  if (user == 0) {
    directories.emplace_back("/run/coffer");
  } else {
    if (!runtime.empty()) directories.push_back(runtime + "/coffer");
    directories.push_back("/run/user/" + std::to_string(user) + "/coffer");
  }
  directories.push_back(DefaultStateDirectory(user, environment) + "/run");
  return directories;
}

}  // namespace coffer::fs
