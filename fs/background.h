// Tasks that an object gives to the pool and may not outlive it: the destructor of Background waits
// for those that run and lets those that are queued or delayed come to nothing.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "fs/mutex.h"
#include "fs/on_exit.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

// Safe to share between threads. Destroy it (or call End) before what the tasks refer to.
class Background {
 public:
  Background() : state_(std::make_shared<State>()) {}
  ~Background() { End(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void Now(WorkerPool& pool, std::function<void()> task) { pool.Submit(Guarded(std::move(task))); }
  void Later(WorkerPool& pool, std::chrono::milliseconds delay, std::function<void()> task) {
    pool.SubmitAfter(delay, Guarded(std::move(task)));
  }
  // No task starts any more; returns when none runs.
  void End() {
    const Lock lock(state_->mu);
    state_->ended = true;
    while (state_->running > 0) state_->changed.Wait(state_->mu);
  }

 private:
  struct State {
    Mutex mu;
    Condition changed;
    bool ended GUARDED_BY(mu) = false;
    int running GUARDED_BY(mu) = 0;
  };

  std::function<void()> Guarded(std::function<void()> task) {
    return [state = state_, task = std::move(task)] {
      {
        const Lock lock(state->mu);
        if (state->ended) return;
        ++state->running;
      }
      const OnExit ended([&state] {
        const Lock lock(state->mu);
        --state->running;
        state->changed.NotifyAll();
      });
      task();
    };
  }

  const std::shared_ptr<State> state_;
};

}  // namespace coffer::fs
