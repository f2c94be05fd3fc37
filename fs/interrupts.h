// Ctrl-C and SIGTERM for commands that work for long: as a call, not as the end of the process, so
// that what was done so far can be kept and told.
//
// Made by the main thread before any other thread starts, since the signals are blocked in all of
// them, and gone before it returns.

#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "crypto/result.h"
#include "fs/mutex.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

class Interrupts {
 public:
  static Result<std::unique_ptr<Interrupts>> Watch();
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  // From now on the first signal calls `action`, from another thread; a signal before that, and any
  // second one, ends the process.
  void Set(std::function<void()> action);
  // `action` is not called after this, nor running.
  void Clear();
  // Has a signal called an action?
  bool happened() const { return happened_; }

 private:
  Interrupts(int signals, int stop) : signals_(signals), stop_(stop) {}
  void Run();
  void Handle(int signal);

  const int signals_;
  const int stop_;
  std::atomic<bool> happened_{false};
  Mutex mu_;  // held while the action runs
  std::function<void()> action_ GUARDED_BY(mu_);
  std::unique_ptr<WorkerPool> pool_;  // its only task uses the above
};

}  // namespace coffer::fs
