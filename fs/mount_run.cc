#include "fs/mount_run.h"

#include <signal.h>
#include <unistd.h>

#include "fs/json.h"
#include "fs/mount_point.h"

namespace coffer::fs {
namespace {

constexpr std::chrono::milliseconds kDrainShownEvery{500};
constexpr int kSaveEveryTicks = 60;
constexpr int kLogEveryTicks = 5;

// What was not stored, and was told when it happened.
std::uint64_t FailuresOf(const Filesystem& filesystem) {
  const FilesystemStats stats = filesystem.stats();
  return stats.failed_commits + stats.deferred_attribute_failures;
}

}  // namespace

ControlHandlers MountRun::Handlers() {
  ControlHandlers handlers;
  handlers.status = [this] { return Status(); };
  handlers.drain = [this](const Progress& progress) { return Drain(progress); };
  handlers.signal = [this](int signal) { OnSignal(signal); };
  handlers.tick = [this] { OnTick(); };
  return handlers;
}

void MountRun::Begin(MountAssembly& assembly, MountSession& session, std::string directory) {
  const Lock lock(mu_);
  assembly_ = &assembly;
  session_ = &session;
  directory_ = std::move(directory);
  phase_ = Phase::kServing;
}

bool MountRun::Finish() {
  MountAssembly* assembly = nullptr;
  std::optional<std::uint64_t> before;
  {
    const Lock lock(mu_);
    phase_ = Phase::kDraining;
    assembly = assembly_;
    before = failures_before_;
  }
  bool stored = assembly->filesystem().Drain();
  if (!assembly->PayOwedLocks()) stored = false;
  if (before && FailuresOf(assembly->filesystem()) != *before) stored = false;
  const Lock lock(mu_);
  phase_ = Phase::kDone;
  stored_ = stored;
  done_.NotifyAll();
  return stored;
}

std::string MountRun::Status() {
  MountAssembly* assembly = nullptr;
  std::string directory;
  bool draining = false;
  {
    const Lock lock(mu_);
    assembly = assembly_;
    directory = directory_;
    draining = phase_ >= Phase::kStopping;
  }
  StatusFacts facts = assembly->Facts();
  facts.mount_point = directory;
  facts.draining = draining;
  return ToText(StatusReport(facts));
}

Status MountRun::Drain(const Progress& progress) {
  std::string directory;
  bool serving = false;
  {
    const Lock lock(mu_);
    directory = directory_;
    serving = phase_ == Phase::kServing;
  }
  if (serving) {
    NoteFailures();
    // Not lazily: as long as somebody uses the mount, nothing changes.
    COFFER_TRY(Detach(directory, false));
  }
  for (;;) {
    {
      const Lock lock(mu_);
      const auto next = std::chrono::steady_clock::now() + kDrainShownEvery;
      while (phase_ != Phase::kDone && done_.WaitUntil(mu_, next)) continue;
      if (phase_ == Phase::kDone) break;
    }
    progress(Waiting());
  }
  const Lock lock(mu_);
  if (stored_) return Ok();
  return Error{Code::kUnavailable,
               "not everything could be stored; the log says what, and where it was rescued"};
}

std::string MountRun::Waiting() const {
  const MountAssembly* assembly = nullptr;
  {
    const Lock lock(mu_);
    assembly = assembly_;
  }
  const FilesystemStats stats = assembly->Facts().files;
  std::string line = "storing: " + std::to_string(stats.files_being_written) + " files, " +
                     HumanBytes(stats.unsent_bytes);
  if (stats.deferred_attribute_changes > 0) {
    line += ", " + std::to_string(stats.deferred_attribute_changes) + " changes of attributes";
  }
  return line;
}

void MountRun::OnSignal(int signal) {
  if (signal == SIGHUP) return log_.Reopen();
  Phase phase;
  MountAssembly* assembly = nullptr;
  {
    const Lock lock(mu_);
    phase = phase_;
    assembly = assembly_;
  }
  switch (phase) {
    case Phase::kStarting:
      // Nothing is mounted and nothing is unsent.
      _exit(128 + signal);
    case Phase::kServing:
      return EndServing();
    case Phase::kStopping:
    case Phase::kDraining:
      // Asked a second time: what needs the network is given up, and rescued where possible.
      log_.Warn("told again to end: giving up what is not stored yet");
      return assembly->connection().Interrupt();
    case Phase::kDone:
      return;
  }
}

// From here on a failure means that not everything is stored.
void MountRun::NoteFailures() {
  const Lock lock(mu_);
  failures_before_ = FailuresOf(assembly_->filesystem());
}

void MountRun::EndServing() {
  NoteFailures();
  std::string directory;
  MountSession* session = nullptr;
  {
    const Lock lock(mu_);
    phase_ = Phase::kStopping;
    directory = directory_;
    session = session_;
  }
  const coffer::Status gone = Detach(directory, false);
  if (gone) return;
  // In use, or not to be unmounted by us: users get ENOTCONN, and what they wrote is stored.
  const coffer::Status hidden = Detach(directory, true);
  if (!hidden) log_.Warn(hidden.error().what);
  session->Stop();
}

void MountRun::OnTick() {
  log_.Tick();
  ++ticks_;
  MountAssembly* assembly = nullptr;
  bool draining = false;
  {
    const Lock lock(mu_);
    assembly = assembly_;
    draining = phase_ == Phase::kStopping || phase_ == Phase::kDraining;
  }
  if (assembly == nullptr) return;
  if (draining && ticks_ % kLogEveryTicks == 0) log_.Info(Waiting());
  if (ticks_ % kSaveEveryTicks == 0) assembly->SaveFindings();
}

}  // namespace coffer::fs
