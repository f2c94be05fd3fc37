#include "s3client/counters.h"

#include "s3client/api_error.h"

namespace coffer::s3 {

OperationCounts CounterSnapshot::Total() const {
  OperationCounts total;
  for (const OperationCounts& one : operations) {
    total.requests += one.requests;
    total.retries += one.retries;
    total.errors += one.errors;
    total.throttled += one.throttled;
    total.sent_bytes += one.sent_bytes;
    total.received_bytes += one.received_bytes;
  }
  return total;
}

void Counters::Begin(Operation operation, std::uint64_t sent_bytes) {
  Cell& cell = Of(operation);
  ++cell.requests;
  cell.sent_bytes += sent_bytes;
  const std::uint64_t now = ++in_flight_;
  std::uint64_t highest = in_flight_max_;
  while (now > highest && !in_flight_max_.compare_exchange_weak(highest, now)) {
  }
}

void Counters::End(Operation operation, const Result<Response>& result) {
  Cell& cell = Of(operation);
  --in_flight_;
  if (!result) {
    ++cell.errors;
    return;
  }
  cell.received_bytes += result->body.size();
  if (result->status >= 500) ++cell.errors;
  if (IsThrottle(*result, operation)) ++cell.throttled;
}

void Counters::CountRetry(Operation operation) { ++Of(operation).retries; }

CounterSnapshot Counters::Snapshot() const {
  CounterSnapshot snapshot;
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const Cell& cell = cells_[i];
    snapshot.operations[i] = {cell.requests,  cell.retries,    cell.errors,
                              cell.throttled, cell.sent_bytes, cell.received_bytes};
  }
  snapshot.in_flight = in_flight_;
  snapshot.in_flight_max = in_flight_max_;
  return snapshot;
}

}  // namespace coffer::s3
