// Going to the background, but only once the mount works: the process that the user started waits
// and exits with what the background process reports.
//
// Used by main alone, before any thread.

#pragma once

#include <functional>

namespace coffer::fs {

// The background process's end of the pipe. Until Detach its standard error is the user's.
class Readiness {
 public:
  explicit Readiness(int fd) : fd_(fd) {}
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;
  ~Readiness();

  // The mount works: lets the user's process exit with 0, and gives up terminal, session, working
  // directory and standard streams. Nothing to do in the foreground.
  void Detach();

 private:
  int fd_;  // -1 in the foreground
};

// Runs `body` in the background and returns its exit code, or 0 as soon as it has detached. In the
// foreground: runs it here. A `body` in the background never returns to the caller.
int RunInBackground(const std::function<int(Readiness&)>& body);
int RunInForeground(const std::function<int(Readiness&)>& body);

}  // namespace coffer::fs
