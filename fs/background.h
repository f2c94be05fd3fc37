// Tasks that an object gives to the pool and may not outlive it: the destructor of Background waits
// for those that run and drops those that are queued or delayed, with all that they hold.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
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
  // No task starts any more; returns when none runs, and when none exists.
  void End() {
    std::map<std::uint64_t, std::function<void()>> dropped;
    {
      const Lock lock(state_->mu);
      state_->ended = true;
      dropped.swap(state_->waiting);
    }
    dropped.clear();
    const Lock lock(state_->mu);
    while (state_->running > 0) state_->changed.Wait(state_->mu);
  }

 private:
  struct State {
    Mutex mu;
    Condition changed;
    bool ended GUARDED_BY(mu) = false;
    int running GUARDED_BY(mu) = 0;
    std::uint64_t last GUARDED_BY(mu) = 0;
    std::map<std::uint64_t, std::function<void()>> waiting GUARDED_BY(mu);  // by number
  };

  // The pool gets the number of the task and not the task itself, which it would hold for longer
  // than the task runs.
  std::function<void()> Guarded(std::function<void()> task) {
    std::uint64_t number = 0;
    {
      const Lock lock(state_->mu);
      if (!state_->ended) state_->waiting.emplace(number = ++state_->last, std::move(task));
    }
    return [state = state_, number] { Run(*state, number); };
  }

  static void Run(State& state, std::uint64_t number) {
    const OnExit ended([&state] {
      const Lock lock(state.mu);
      --state.running;
      state.changed.NotifyAll();
    });
    std::function<void()> task;  // is gone before it counts as ended
    {
      const Lock lock(state.mu);
      ++state.running;
      if (const auto found = state.waiting.find(number); found != state.waiting.end()) {
        task = std::move(found->second);
        state.waiting.erase(found);
      }
    }
    if (task) task();
  }

  const std::shared_ptr<State> state_;
};

}  // namespace coffer::fs
