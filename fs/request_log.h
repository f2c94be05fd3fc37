// Writes each try of each request into the log (--debug): what, where, how long, what came back.
//
// Borrows both; safe to share between threads; fails as `inner` does. Never headers, queries or
// bodies.

#pragma once

#include "fs/log.h"
#include "s3client/transport.h"

namespace coffer::fs {

class RequestLog : public s3::Transport {
 public:
  RequestLog(s3::Transport& inner, Log& log) : inner_(inner), log_(log) {}
  Result<s3::Response> Send(const s3::Request& request) override;

 private:
  s3::Transport& inner_;
  Log& log_;
};

}  // namespace coffer::fs
