// Sends one HTTP request and returns the reply. The bottom (curl) and everything that is put around
// it (retrying, counting, signing) have this one interface.

#pragma once

#include "crypto/result.h"
#include "s3client/http.h"

namespace coffer::s3 {

// Safe to share between threads. Send blocks on the network.
class Transport {
 public:
  virtual ~Transport() = default;
  // Any complete HTTP reply is a value, whatever its status. An Error means that no complete reply
  // came: kUnavailable (connect, TLS, reset, short body), kTimeout, kTooLarge (reply over its
  // limit), kDenied (no credentials), kInterrupted (shutting down).
  virtual Result<Response> Send(const Request& request) = 0;
};

}  // namespace coffer::s3
