// The bottom of every chain of transports: HTTP/1.1 by libcurl, and the only door to it.
//
// TLS is always verified; plain http is spoken only where the request's own URL says so. Redirects
// are never followed. A request is sent at most once per Send: a pooled connection that turns out
// dead is a failure, and whoever retries counts it.

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "s3client/transport.h"

namespace coffer::s3 {

struct CurlOptions {
  std::string ca_bundle;                // --ca-bundle: a PEM file; "" for the system's own
  std::vector<std::string> connect_to;  // --connect-to HOST:PORT:HOST:PORT, as curl has it
  std::chrono::milliseconds connect_timeout{5000};      // name, TCP and TLS together
  std::chrono::milliseconds first_byte_timeout{20000};  // from the request's end to the reply
  // A transfer that moves fewer than this many bytes a second, over this long, is cut.
  std::uint64_t low_speed_bytes = 1024;
  std::chrono::milliseconds low_speed_time{30000};
  std::size_t max_idle_connections = 64;
};

// Safe to share between threads; Send blocks on the network. Besides the failures of every
// transport: kDenied when the server's certificate is not trusted (waiting does not mend that),
// kInvalid for a request that cannot be written as HTTP, kNoMemory when a body finds no room.
class CurlTransport : public Transport {
 public:
  explicit CurlTransport(CurlOptions options);
  ~CurlTransport() override;
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;

  Result<Response> Send(const Request& request) override;
  // Ends all present and future exchanges with kInterrupted: the program is shutting down.
  void Interrupt();

 private:
  class Pool;
  const CurlOptions options_;
  const std::unique_ptr<Pool> pool_;
};

}  // namespace coffer::s3
