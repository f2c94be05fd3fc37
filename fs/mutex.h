// std::mutex with Clang's thread-safety annotations, so `make lint` proves the locking.

#pragma once

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define COFFER_TSA(x) __attribute__((x))
#else
#define COFFER_TSA(x)
#endif
#define GUARDED_BY(m) COFFER_TSA(guarded_by(m))
#define REQUIRES(m) COFFER_TSA(requires_capability(m))
#define EXCLUDES(m) COFFER_TSA(locks_excluded(m))

namespace coffer {

class COFFER_TSA(capability("mutex")) Mutex {
 public:
  void lock() COFFER_TSA(acquire_capability()) { m_.lock(); }
  void unlock() COFFER_TSA(release_capability()) { m_.unlock(); }
  bool try_lock() COFFER_TSA(try_acquire_capability(true)) { return m_.try_lock(); }

 private:
  std::mutex m_;
};
class COFFER_TSA(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& m) COFFER_TSA(acquire_capability(m)) : m_(m) { m_.lock(); }
  ~Lock() COFFER_TSA(release_capability()) { m_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& m_;
};

// std::condition_variable_any over a Mutex that the caller holds through a Lock. Waits are written
// as loops, so that clang sees the guarded state read under the lock:
//   while (!ready_) changed_.Wait(mu_);
class Condition {
 public:
  void Wait(Mutex& m) COFFER_TSA(requires_capability(m)) { cv_.wait(m); }
  // False when `deadline` passed first.
  template <typename TimePoint>
  bool WaitUntil(Mutex& m, TimePoint deadline) COFFER_TSA(requires_capability(m)) {
    return cv_.wait_until(m, deadline) == std::cv_status::no_timeout;
  }
  void NotifyOne() { cv_.notify_one(); }
  void NotifyAll() { cv_.notify_all(); }

 private:
  std::condition_variable_any cv_;
};

}  // namespace coffer
