#include "tests/fuzz/wire.h"

#include <algorithm>
#include <iterator>

namespace coffer::test {

s3::Target BucketTarget() {
  s3::Target target;
  target.name = "b";
  target.host = "s3.test";
  target.base_path = "/b";
  return target;
}

s3::Response ReadReply(Pieces& pieces) {
  constexpr int kStatus[] = {200, 206, 204, 304, 404, 412, 416};
  s3::Response reply;
  reply.status = kStatus[pieces.Byte() % std::size(kStatus)];
  for (std::string line = pieces.Line(); !line.empty(); line = pieces.Line()) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) continue;
    reply.headers.Add(line.substr(0, colon), line.substr(colon + 2));
  }
  const std::string body = pieces.Rest();
  reply.body.assign(AsBytes(body).begin(), AsBytes(body).end());
  return reply;
}

}  // namespace coffer::test
