#include "fs/cmd_mount.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "crypto/secret.h"
#include "fs/console.h"
#include "fs/control.h"
#include "fs/daemon.h"
#include "fs/exit_code.h"
#include "fs/log.h"
#include "fs/mount_assembly.h"
#include "fs/mount_point.h"
#include "fs/mount_run.h"
#include "fs/mount_session.h"

namespace coffer::fs {
namespace {

// A log file's name from the mount point's: "/mnt/data" is "coffer-mnt-data".
std::string LogName(const std::string& directory) {
  std::string name = "coffer" + directory;
  std::replace(name.begin(), name.end(), '/', '-');
  constexpr std::size_t kLongest = 200;
  return name.substr(0, kLongest);
}

SessionOptions ToSession(const MountAssembly& assembly, const std::string& directory) {
  const MountOptions& options = assembly.options();
  SessionOptions session;
  session.directory = directory;
  session.source = options.volume.source;
  session.read_only = options.read_only;
  session.allow_other = options.allow_other;
  session.allow_root = options.allow_root;
  session.no_exec = options.no_exec;
  session.no_symfollow = options.no_symfollow;
  session.max_threads = options.volume.max_threads;
  return session;
}

// Everything that a mount needs before it can be served, in the order in which it goes again.
struct Prepared {
  std::string directory;
  std::unique_ptr<Log> log;
  std::unique_ptr<MountRun> run;
  std::unique_ptr<ControlServer> control;
  std::unique_ptr<MountAssembly> assembly;
  std::unique_ptr<MountSession> session;
};

Status Prepare(const MountOptions& options, const Environment& environment, s3::SystemClock& clock,
               Prepared& prepared) {
  std::vector<std::string> notes;
  const MountPointNeeds needs{options.allow_non_empty, options.allow_other || options.allow_root,
                              options.no_symfollow};
  COFFER_ASSIGN(prepared.directory, PrepareMountPoint(options.directory, needs, notes));
  COFFER_ASSIGN(
      prepared.log,
      Log::Open({options.log_directory, LogName(prepared.directory), options.debug}, clock));
  Log& log = *prepared.log;
  log.ReportRequests(false);
  prepared.run = std::make_unique<MountRun>(log);
  prepared.control = std::make_unique<ControlServer>(prepared.run->Handlers());
  COFFER_ASSIGN(prepared.assembly, MountAssembly::Open(options, environment, clock, log, notes));
  for (const std::string& note : notes) {
    log.Info(note);
    if (!options.log_directory.empty()) std::cerr << "coffer: " << Printable(note) << "\n";
  }
  COFFER_ASSIGN(prepared.session,
                MountSession::Mount(prepared.assembly->filesystem(),
                                    ToSession(*prepared.assembly, prepared.directory)));
  log.ReportRequests(true);
  prepared.run->Begin(*prepared.assembly, *prepared.session, prepared.directory);
  return prepared.control->Listen(ControlSockets(prepared.directory, geteuid(), environment));
}

int ReportMountError(const Error& error) {
  std::cerr << "coffer mount: " << Printable(error.what) << "\n";
  return ExitCodeOf(error);
}

int Serve(const MountOptions& options, const Environment& environment, Readiness& readiness) {
  if (const Status hidden = HideProcessMemory(); !hidden) return ReportMountError(hidden.error());
  s3::SystemClock clock;
  Prepared mount;
  const Status prepared = Prepare(options, environment, clock, mount);
  if (!prepared) {
    mount.control.reset();                                 // it looks at everything else
    if (mount.assembly) mount.assembly->LeaveOwedLocks();  // they look at the session
    return ReportMountError(prepared.error());
  }
  Log& log = *mount.log;
  if (!options.foreground) log.Detach();
  readiness.Detach();
  log.Info("mounted " + options.volume.source + " on " + mount.directory);

  const Status served = mount.session->Serve();
  if (!served) log.Fail(served.error().what);
  mount.session->Unmount();
  const bool stored = mount.run->Finish();
  log.Info(stored ? "unmounted " + mount.directory + ", everything is stored"
                  : "unmounted " + mount.directory + "; not everything could be stored");
  // Whoever waits is answered before anything that an answer needs goes.
  mount.control.reset();
  mount.session.reset();
  return stored && served ? kExitOk : kExitFailed;
}

}  // namespace

int RunMount(const MountOptions& options, const Environment& environment) {
  const auto body = [&](Readiness& readiness) { return Serve(options, environment, readiness); };
  return options.foreground ? RunInForeground(body) : RunInBackground(body);
}

}  // namespace coffer::fs
