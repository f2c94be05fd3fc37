// The life of a mount from the first answer to the last stored byte: what its control socket and
// the signals may do at which time.
//
// Owned by the main thread; the handlers are called from the control server's threads.

#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "fs/control.h"
#include "fs/log.h"
#include "fs/mount_assembly.h"
#include "fs/mount_session.h"
#include "fs/mutex.h"

namespace coffer::fs {

class MountRun {
 public:
  explicit MountRun(Log& log) : log_(log) {}

  ControlHandlers Handlers();

  // From here on there is something to ask about and to take away. Both outlive Finish.
  void Begin(MountAssembly& assembly, MountSession& session, std::string directory);
  // The mount is gone: stores what is unsent, and tells whoever waits in a drain. False when
  // something is unsent, also of what ended between the request to end and now.
  bool Finish();

 private:
  // kStopping: asked to end, while requests of users are still being answered.
  enum class Phase { kStarting, kServing, kStopping, kDraining, kDone };

  std::string Status();
  coffer::Status Drain(const Progress& progress);
  void OnSignal(int signal);
  void NoteFailures();
  void EndServing();
  void OnTick();
  std::string Waiting() const;

  Log& log_;
  mutable Mutex mu_;
  Condition done_;
  Phase phase_ GUARDED_BY(mu_) = Phase::kStarting;
  bool stored_ GUARDED_BY(mu_) = false;
  std::optional<std::uint64_t> failures_before_ GUARDED_BY(mu_);  // the request to end
  // Set once by Begin, before anything but OnSignal and OnTick can be called.
  MountAssembly* assembly_ GUARDED_BY(mu_) = nullptr;
  MountSession* session_ GUARDED_BY(mu_) = nullptr;
  std::string directory_ GUARDED_BY(mu_);
  int ticks_ = 0;  // of the control server's own thread
};

}  // namespace coffer::fs
