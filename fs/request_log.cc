#include "fs/request_log.h"

#include <chrono>

namespace coffer::fs {

Result<s3::Response> RequestLog::Send(const s3::Request& request) {
  if (!log_.debug()) return inner_.Send(request);
  const auto begin = std::chrono::steady_clock::now();
  auto result = inner_.Send(request);
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  std::string line(s3::Name(request.operation));
  line += " " + request.method + " " + request.url.Authority() + request.url.path + ", " +
          std::to_string(request.body.size()) + " bytes out: ";
  line += result ? std::to_string(result->status) + ", " + std::to_string(result->body.size()) +
                       " bytes in"
                 : result.error().what;
  log_.Debug(line + ", " + std::to_string(took.count()) + " ms");
  return result;
}

}  // namespace coffer::fs
