// The only threads we start. Calls block; whoever needs several at once hands them to the pool.
//
// Threads start when there is work for them, up to the limit, and stay. A task must not wait for
// another task of the pool. A caller that waits (TaskGroup) runs queued tasks of its own group
// meanwhile, so a full pool slows work down but cannot deadlock it. An exception that leaves a task
// ends the task and nothing else: tasks report failures through what they capture.

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace coffer::fs {

// Safe to share between threads. The destructor runs what is queued (not what is delayed), then
// joins.
class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // First come, first served. When not a single thread can be started, the caller runs the task:
  // so call it without locks that the task takes.
  void Submit(std::function<void()> task);
  // Runs `task` once, about `delay` from now; dropped when the pool ends before.
  void SubmitAfter(std::chrono::milliseconds delay, std::function<void()> task);
  // The most that may run at once, and the tasks that wait for a thread (not the delayed ones).
  std::size_t threads() const;
  std::size_t queued() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Tasks that are waited for together. One owner; Add and Wait from the same thread.
class TaskGroup {
 public:
  // At most `width` of the group's tasks run at once.
  TaskGroup(WorkerPool& pool, std::size_t width);
  ~TaskGroup();  // waits
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;

  void Add(std::function<void()> task);
  void Wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
  WorkerPool& pool_;
};

}  // namespace coffer::fs
