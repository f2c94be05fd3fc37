// What was asked of the services and what it cost: `coffer status` shows it, and the tests hold
// request budgets against it.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "s3client/http.h"
#include "s3client/transport.h"

namespace coffer::s3 {

struct OperationCounts {
  std::uint64_t requests = 0;        // tries, each as it went over the wire
  std::uint64_t retries = 0;         // of them, those that repeated one that had failed
  std::uint64_t errors = 0;          // tries without a reply, and replies of status 500 and above
  std::uint64_t throttled = 0;       // replies that asked us to slow down
  std::uint64_t sent_bytes = 0;      // bodies
  std::uint64_t received_bytes = 0;  // bodies
};

struct CounterSnapshot {
  std::array<OperationCounts, kOperationCount> operations;
  std::uint64_t in_flight = 0;
  std::uint64_t in_flight_max = 0;

  const OperationCounts& Of(Operation operation) const {
    return operations[static_cast<std::size_t>(operation)];
  }
  OperationCounts Total() const;
};

// Safe to share between threads; never blocks.
class Counters {
 public:
  void Begin(Operation operation, std::uint64_t sent_bytes);
  void End(Operation operation, const Result<Response>& result);
  void CountRetry(Operation operation);
  // Each number is exact; numbers taken while requests run need not fit each other.
  CounterSnapshot Snapshot() const;

 private:
  struct Cell {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> retries{0};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::uint64_t> throttled{0};
    std::atomic<std::uint64_t> sent_bytes{0};
    std::atomic<std::uint64_t> received_bytes{0};
  };
  Cell& Of(Operation operation) { return cells_[static_cast<std::size_t>(operation)]; }

  std::array<Cell, kOperationCount> cells_;
  std::atomic<std::uint64_t> in_flight_{0};
  std::atomic<std::uint64_t> in_flight_max_{0};
};

}  // namespace coffer::s3
