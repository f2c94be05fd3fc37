// Lets one change at a time happen to a name, across the network calls that the change takes.
//
// A name is an object key; one that ends in '/' stands for everything below it. Holding is not a
// lock around memory: it orders requests on the same name (a commit, an unlink, a rename), so that
// none overtakes another.

#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fs/mutex.h"

namespace coffer::fs {

// Safe to share between threads; outlives every Hold.
class ChangeGate {
 public:
  // `changed` is told of each name that was held, before anybody else may have it: what was read
  // of it meanwhile is old. Called without a lock of the gate.
  explicit ChangeGate(std::function<void(const std::string&)> changed)
      : changed_name_(std::move(changed)) {}

  enum class IfBusy { kWait, kLeave };
  // The names are ours until this goes. Waits for whoever holds one of them, or something above or
  // below, or leaves them be: then held() is false. A thread that holds one already must not take
  // another, and a task of the pool must not wait.
  class Hold {
   public:
    Hold(ChangeGate& gate, std::vector<std::string> keys, IfBusy if_busy = IfBusy::kWait);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

    bool held() const { return !keys_.empty(); }

   private:
    ChangeGate& gate_;
    std::vector<std::string> keys_;
  };

 private:
  bool Free(const std::vector<std::string>& keys) const REQUIRES(mu_);

  const std::function<void(const std::string&)> changed_name_;
  Mutex mu_;
  Condition changed_;
  std::vector<std::string> held_ GUARDED_BY(mu_);  // few at a time: one for each thread at work
};

}  // namespace coffer::fs
