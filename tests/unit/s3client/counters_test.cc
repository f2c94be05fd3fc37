#include "s3client/counters.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_transport.h"

namespace coffer::s3::counters_test {

TEST_CASE("counters: what was throttled is counted, in S3's words and in those of KMS") {
  Counters counters;
  const auto end = [&](Operation operation, const Response& reply) {
    counters.Begin(operation, 0);
    counters.End(operation, reply);
    return counters.Snapshot().Of(operation).throttled;
  };
  CHECK(end(Operation::kGetObject, Reply(503, {}, ErrorXml("SlowDown"))) == 1);
  CHECK(end(Operation::kGetObject, Reply(400, {}, ErrorXml("ThrottlingException"))) == 1);
  const Response throttled = Reply(400, {}, R"({"__type":"ThrottlingException"})");
  CHECK(end(Operation::kKmsDecrypt, throttled) == 1);
  CHECK(end(Operation::kKmsDecrypt, Reply(400, {}, R"({"__type":"DisabledException"})")) == 1);
  CHECK(counters.Snapshot().Total().requests == 4);
}

}  // namespace coffer::s3::counters_test
