// coffer: one program, one subcommand a task.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fs/cmd_access_point.h"
#include "fs/cmd_bucket.h"
#include "fs/cmd_init.h"
#include "fs/cmd_inspect.h"
#include "fs/cmd_key.h"
#include "fs/cmd_lock.h"
#include "fs/cmd_message.h"
#include "fs/cmd_mount.h"
#include "fs/cmd_policy.h"
#include "fs/cmd_rebind.h"
#include "fs/cmd_reseal.h"
#include "fs/cmd_restore.h"
#include "fs/cmd_setting.h"
#include "fs/cmd_share.h"
#include "fs/cmd_status.h"
#include "fs/cmd_umount.h"
#include "fs/cmd_verify.h"
#include "fs/cmd_versions.h"
#include "fs/exit_code.h"
#include "fs/options.h"

namespace coffer::fs {
namespace {

Environment ReadEnvironment() {
  Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != text.npos) environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

struct Dispatch {
  const Environment& environment;
  Console& console;

  int operator()(const ShowText& show) const {
    console.out << show.text;
    return kExitOk;
  }
  int operator()(const MountOptions& options) const { return RunMount(options, environment); }
  int operator()(const UmountOptions& options) const {
    return RunUmount(options, environment, console);
  }
  int operator()(const StatusOptions& options) const {
    return RunStatus(options, environment, console);
  }
  int operator()(const DoctorOptions& options) const {
    return RunDoctorCommand(options, environment, console);
  }
  int operator()(const ResolveOptions& options) const {
    return RunResolveCommand(options, console);
  }
  int operator()(const RemoveOptions& options) const {
    return RunRemoveCommand(options, environment, console);
  }
  int operator()(const InitOptions& options) const {
    return RunInit(options, environment, console);
  }
  int operator()(const KeyCommandOptions& options) const {
    return RunKey(options, environment, console);
  }
  int operator()(const ResealOptions& options) const {
    return RunReseal(options, environment, console);
  }
  int operator()(const MessageOptions& options) const {
    return RunMessageCommand(options, environment, console);
  }
  int operator()(const VerifyOptions& options) const {
    return RunVerify(options, environment, console);
  }
  int operator()(const InspectOptions& options) const {
    return RunInspect(options, environment, console);
  }
  int operator()(const RebindOptions& options) const {
    return RunRebind(options, environment, console);
  }
  int operator()(const LockCommandOptions& options) const {
    return RunLock(options, environment, console);
  }
  int operator()(const ShareOptions& options) const {
    return RunShare(options, environment, console);
  }
  int operator()(const PolicyOptions& options) const {
    return RunPolicy(options, environment, console);
  }
  int operator()(const AccessPointOptions& options) const {
    return RunAccessPoint(options, environment, console);
  }
  int operator()(const SettingOptions& options) const {
    return RunSetting(options, environment, console);
  }
  int operator()(const RestoreOptions& options) const {
    return RunRestore(options, environment, console);
  }
  int operator()(const VersionsOptions& options) const {
    return RunVersions(options, environment, console);
  }
};

int Main(const std::vector<std::string>& args) {
  // A reader that went away is an error where it is written to, not the end of the process.
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return kExitFailed;
  const Environment environment = ReadEnvironment();
  Console console{std::cin, std::cout, std::cerr, isatty(STDIN_FILENO) && isatty(STDERR_FILENO)};
  const auto line = ParseCommandLine(args, environment);
  if (!line) {
    console.err << "coffer: " << line.error().what << "\n";
    return ExitCodeOf(line.error());
  }
  for (const std::string& note : line->notes) console.err << "coffer: " << note << "\n";
  return std::visit(Dispatch{environment, console}, line->command);
}

}  // namespace
}  // namespace coffer::fs

int main(int argc, char** argv) {
  try {
    return coffer::fs::Main({argv + std::min(argc, 1), argv + argc});
  } catch (const std::exception& failure) {
    // None is ours: it is memory that ran out, or a library's last word.
    static_cast<void>(std::fprintf(stderr, "coffer: %s\n", failure.what()));
    return coffer::fs::kExitFailed;
  }
}
