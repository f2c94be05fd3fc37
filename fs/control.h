// How commands talk to a running mount: a Unix socket that only its owner and root can reach, and
// the signals that end it.
//
// One line is asked: "status" is answered by one JSON text, "drain" by progress lines ("+ TEXT")
// and a last line ("ok", or "failed TEXT").

#pragma once

#include <sys/types.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/mutex.h"
#include "fs/options.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

using Progress = std::function<void(const std::string& line)>;

// What a running mount does when asked; called from the server's own threads.
struct ControlHandlers {
  std::function<std::string()> status;
  std::function<Status(const Progress&)> drain;
  std::function<void(int signal)> signal;  // SIGTERM, SIGINT, SIGHUP
  std::function<void()> tick;              // about once a second
};

// Owned by main. Made before any other thread: it takes the signals for the whole process. The
// destructor waits for answers that are under way.
class ControlServer {
 public:
  explicit ControlServer(ControlHandlers handlers);
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  // Answers at the first of `paths` that can be made; a socket that a dead process left is
  // replaced. kBusy when somebody alive answers there.
  Status Listen(const std::vector<std::string>& paths);

 private:
  class Descriptor;
  Status ListenAt(const std::string& path);
  void Loop();
  void Accept();
  void Answer(int connection);

  const ControlHandlers handlers_;
  std::atomic<bool> stopping_{false};
  Mutex mu_;
  std::unique_ptr<Descriptor> listener_ GUARDED_BY(mu_);
  std::string path_ GUARDED_BY(mu_);
  std::unique_ptr<Descriptor> signals_;
  std::unique_ptr<Descriptor> wake_;
  WorkerPool pool_;  // ends first
};

// Where the mount at `directory` (a real path) of `owner` may listen, best first.
std::vector<std::string> ControlSockets(const std::string& directory, uid_t owner,
                                        const Environment& environment);

// A connection to a running mount.
class ControlClient {
 public:
  // The first of `paths` that answers; kNotFound when nobody listens, kDenied when the user may not
  // ask.
  static Result<std::unique_ptr<ControlClient>> Connect(const std::vector<std::string>& paths);
  ~ControlClient();
  ControlClient(const ControlClient&) = delete;
  ControlClient& operator=(const ControlClient&) = delete;

  Result<std::string> Status();
  // Until everything is stored and the process is gone; the error says what is not.
  coffer::Status Drain(const Progress& progress);

 private:
  explicit ControlClient(int fd) : fd_(fd) {}
  coffer::Status AwaitEnd() const;

  int fd_;
};

}  // namespace coffer::fs
