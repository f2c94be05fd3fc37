#include "fs/cmd_status.h"

#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "fs/control.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "fs/mount_point.h"
#include "fs/status_report.h"

namespace coffer::fs {
namespace {

constexpr int kExitDegraded = 1;
constexpr int kExitNotAlive = 3;

struct Mount {
  std::string directory;
  std::string source;
  uid_t owner;
  bool mounted = true;
};

Json NotAlive(const Mount& mount, const std::string& why) {
  return {{"state", "not alive"},
          {"degraded", Json::array({why})},
          {"source", mount.source},
          {"mount_point", mount.directory}};
}

std::string WhySilent(const Mount& mount, const Error& error) {
  if (error.code == Code::kDenied) return "this user may not ask the mount's process";
  if (!mount.mounted) return "no mount of coffer is there";
  return "the mount's process is gone; 'coffer umount " + mount.directory + "' detaches it";
}

Json Ask(const Mount& mount, const Environment& environment) {
  const auto client =
      ControlClient::Connect(ControlSockets(mount.directory, mount.owner, environment));
  if (!client) return NotAlive(mount, WhySilent(mount, client.error()));
  const auto text = (*client)->Status();
  if (!text) return NotAlive(mount, text.error().what);
  Json report = Json::parse(*text, nullptr, false);
  if (!report.is_object()) return NotAlive(mount, "the mount's answer cannot be read");
  return report;
}

int StatusExitCode(const Json& report) {
  const std::string state = report.value("state", "");
  if (state == "not alive") return kExitNotAlive;
  return state == "healthy" ? kExitOk : kExitDegraded;
}

Mount ToMount(const MountEntry& entry) {
  return {entry.directory, entry.source, OwnerOf(entry).value_or(geteuid())};
}

// The mount at the directory or above it; one that was unmounted and still stores its data has no
// entry any more, but answers.
Mount FindMountOf(const std::string& real) {
  const std::vector<MountEntry> mounts = CofferMounts();
  for (std::string path = real; !path.empty(); path.resize(path.rfind('/'))) {
    if (const auto entry = FindMount(mounts, path)) return ToMount(*entry);
  }
  return {real, "", geteuid(), false};
}

}  // namespace

int RunStatus(const StatusOptions& options, const Environment& environment, Console& console) {
  std::vector<Mount> mounts;
  if (options.directory.empty()) {
    for (const MountEntry& entry : CofferMounts()) mounts.push_back(ToMount(entry));
  } else {
    const auto real = RealDirectory(options.directory);
    mounts.push_back(FindMountOf(real ? *real : options.directory));
  }
  Json reports = Json::array();
  int code = kExitOk;
  for (const Mount& mount : mounts) {
    reports.push_back(Ask(mount, environment));
    code = std::max(code, StatusExitCode(reports.back()));
    if (!options.json) console.out << StatusForPeople(reports.back());
  }
  if (options.json)
    console.out << ToText(options.directory.empty() ? reports : reports.front()) << "\n";
  if (mounts.empty() && !options.json) console.out << "nothing is mounted by coffer\n";
  return code;
}

}  // namespace coffer::fs
