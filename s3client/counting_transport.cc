#include "s3client/counting_transport.h"

namespace coffer::s3 {

Result<Response> CountingTransport::Send(const Request& request) {
  counters_.Begin(request.operation, request.body.size());
  auto result = inner_.Send(request);
  counters_.End(request.operation, result);
  return result;
}

}  // namespace coffer::s3
