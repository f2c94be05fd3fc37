// A mount's one question to S3 Control: what does the policy of the access point withhold?
//
// Asked once, beside what mounting asks anyhow, and never in its way: whoever may not see the
// policy (most may not), or cannot reach S3 Control (as from a VPC without a way to it), hears
// nothing.

#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "fs/connection.h"
#include "fs/log.h"
#include "fs/worker_pool.h"

namespace coffer::fs {

class WithheldQuestion {
 public:
  // Asks in the pool, which ends before the connection and the log; Null where there is
  // nothing to ask: the address is not the ARN of an access point, requests are not signed, or no
  // S3 Control is known.
  static std::unique_ptr<WithheldQuestion> Ask(Connection& connection, bool read_only,
                                               WorkerPool& pool, Log& log);

  // The answer, when it comes within `patience`; a later one goes to the log. Call once.
  std::vector<std::string> Await(std::chrono::milliseconds patience);
  // Whether the answer is still to come.
  bool open() const;

 private:
  struct State;
  explicit WithheldQuestion(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;  // the task's too
};

}  // namespace coffer::fs
