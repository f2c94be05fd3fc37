// Runs a step when its scope is left, however that happens: counters that others wait for must be
// right also after an allocation failed half-way.

#pragma once

#include <utility>

namespace coffer::fs {

// The step must not throw.
template <typename Step>
class OnExit {
 public:
  explicit OnExit(Step step) : step_(std::move(step)) {}
  ~OnExit() { step_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Step step_;
};

}  // namespace coffer::fs
