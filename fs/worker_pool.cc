#include "fs/worker_pool.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "fs/mutex.h"

namespace coffer::fs {
namespace {

using Task = std::function<void()>;

void RunTask(const Task& task) noexcept {
  try {
    task();
  } catch (...) {
    // Nobody is left who could act on it; whoever waits for the task sees that it has not
    // succeeded.
  }
}

// While it lives, threads start with every signal blocked: SIGTERM and its kind must reach the
// thread that unmounts.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct WorkerPool::State {
  explicit State(std::size_t threads_allowed) : limit(std::max<std::size_t>(threads_allowed, 1)) {}

  void AddThreadIfNeeded() REQUIRES(mu);
  void QueueDue() REQUIRES(mu);
  Task Take(bool wait);
  void Work() noexcept;

  const std::size_t limit;
  mutable Mutex mu;
  Condition work;
  std::deque<Task> queue GUARDED_BY(mu);
  std::multimap<std::chrono::steady_clock::time_point, Task> delayed GUARDED_BY(mu);
  std::vector<std::thread> threads GUARDED_BY(mu);
  std::size_t idle GUARDED_BY(mu) = 0;
  bool stopping GUARDED_BY(mu) = false;
};

void WorkerPool::State::AddThreadIfNeeded() {
  // A thread that was notified but has not woken yet still counts as idle, and its task as queued.
  if (stopping || threads.size() >= limit) return;
  if (!threads.empty() && queue.size() <= idle) return;
  const SignalsBlocked blocked;
  try {
    threads.emplace_back([this] { Work(); });
    const std::string name = "coffer-work" + std::to_string(threads.size());
    pthread_setname_np(threads.back().native_handle(), name.substr(0, 15).c_str());
  } catch (const std::system_error&) {
    // The threads there are will do; without any, Submit runs the task itself.
  }
}

void WorkerPool::State::QueueDue() {
  const auto now = std::chrono::steady_clock::now();
  while (!delayed.empty() && delayed.begin()->first <= now) {
    queue.push_back(std::move(delayed.begin()->second));
    delayed.erase(delayed.begin());
    work.NotifyOne();
  }
}

// The next task; none when the queue is empty and there is no point in waiting.
Task WorkerPool::State::Take(bool wait) {
  Lock lock(mu);
  while (true) {
    QueueDue();
    if (!queue.empty()) {
      Task task = std::move(queue.front());
      queue.pop_front();
      return task;
    }
    if (stopping || !wait) return {};
    ++idle;
    if (delayed.empty()) {
      work.Wait(mu);
    } else {
      work.WaitUntil(mu, std::chrono::steady_clock::time_point(delayed.begin()->first));
    }
    --idle;
  }
}

void WorkerPool::State::Work() noexcept {
  while (Task task = Take(true)) RunTask(task);
}

WorkerPool::WorkerPool(std::size_t threads) : state_(std::make_unique<State>(threads)) {}

WorkerPool::~WorkerPool() {
  std::vector<std::thread> threads;
  std::multimap<std::chrono::steady_clock::time_point, Task> dropped;
  {
    Lock lock(state_->mu);
    state_->stopping = true;
    threads.swap(state_->threads);
    dropped.swap(state_->delayed);
  }
  state_->work.NotifyAll();
  for (std::thread& thread : threads) thread.join();
  // What the last tasks submitted, or everything when no thread could ever be started.
  while (Task task = state_->Take(false)) RunTask(task);
}

void WorkerPool::Submit(std::function<void()> task) {
  bool nobody_to_run_it = false;
  {
    Lock lock(state_->mu);
    state_->queue.push_back(std::move(task));
    state_->AddThreadIfNeeded();
    nobody_to_run_it = state_->threads.empty() && !state_->stopping;
  }
  state_->work.NotifyOne();
  while (nobody_to_run_it) {
    const Task mine = state_->Take(false);
    if (!mine) break;
    RunTask(mine);
  }
}

void WorkerPool::SubmitAfter(std::chrono::milliseconds delay, std::function<void()> task) {
  {
    Lock lock(state_->mu);
    if (state_->stopping) return;
    state_->delayed.emplace(std::chrono::steady_clock::now() + delay, std::move(task));
    state_->AddThreadIfNeeded();
  }
  state_->work.NotifyOne();
}

std::size_t WorkerPool::threads() const { return state_->limit; }

std::size_t WorkerPool::queued() const {
  Lock lock(state_->mu);
  return state_->queue.size();
}

// Lives as long as the group and every runner of it in the pool's queue.
struct TaskGroup::State {
  explicit State(std::size_t w) : width(std::max<std::size_t>(w, 1)) {}

  bool RunOne();
  static void RunInPool(WorkerPool& pool, const std::shared_ptr<State>& state);

  const std::size_t width;
  Mutex mu;
  Condition ended;
  std::deque<Task> queue GUARDED_BY(mu);
  std::size_t running GUARDED_BY(mu) = 0;
  std::size_t runners GUARDED_BY(mu) = 0;  // in the pool, queued or at work
};

// Runs the oldest queued task here, unless there is none or `width` are running.
bool TaskGroup::State::RunOne() {
  Task task;
  {
    Lock lock(mu);
    if (queue.empty() || running >= width) return false;
    task = std::move(queue.front());
    queue.pop_front();
    ++running;
  }
  RunTask(task);
  task = nullptr;  // what it captured goes before anybody hears that it ended
  {
    Lock lock(mu);
    --running;
  }
  ended.NotifyAll();
  return true;
}

TaskGroup::TaskGroup(WorkerPool& pool, std::size_t width)
    : state_(std::make_shared<State>(width)), pool_(pool) {}

TaskGroup::~TaskGroup() { Wait(); }

// One task a turn, then to the back of the pool's queue: a group of thousands must not keep others
// waiting.
void TaskGroup::State::RunInPool(WorkerPool& pool, const std::shared_ptr<State>& state) {
  const bool ran = state->RunOne();
  {
    Lock lock(state->mu);
    if (!ran || state->queue.empty()) {
      --state->runners;
      return;
    }
  }
  pool.Submit([&pool, state] { RunInPool(pool, state); });
}

void TaskGroup::Add(std::function<void()> task) {
  {
    Lock lock(state_->mu);
    state_->queue.push_back(std::move(task));
    if (state_->runners >= state_->width) return;
    ++state_->runners;
  }
  pool_.Submit([&pool = pool_, state = state_] { State::RunInPool(pool, state); });
}

void TaskGroup::Wait() {
  while (true) {
    if (state_->RunOne()) continue;
    Lock lock(state_->mu);
    if (state_->queue.empty() && state_->running == 0) return;
    if (state_->queue.empty() || state_->running >= state_->width) state_->ended.Wait(state_->mu);
  }
}

}  // namespace coffer::fs
