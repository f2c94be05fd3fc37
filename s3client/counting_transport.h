// Counts each try of each request. Stands below the retries, so that it sees what the wire sees.

#pragma once

#include "s3client/counters.h"
#include "s3client/transport.h"

namespace coffer::s3 {

// Borrows both; safe to share between threads; fails as `inner` does.
class CountingTransport : public Transport {
 public:
  CountingTransport(Transport& inner, Counters& counters) : inner_(inner), counters_(counters) {}
  Result<Response> Send(const Request& request) override;

 private:
  Transport& inner_;
  Counters& counters_;
};

}  // namespace coffer::s3
