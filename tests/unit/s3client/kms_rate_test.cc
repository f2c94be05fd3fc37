#include "s3client/kms_rate.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"
#include "tests/support/kms_replies.h"

namespace coffer::s3::kms_rate_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Bench {
  explicit Bench(double per_second) : rate(wire, clock, per_second) {}

  Result<Response> Send() {
    Request request;
    request.operation = Operation::kKmsDecrypt;
    return rate.Send(request);
  }
  // How long so many requests take, one after the other.
  milliseconds Time(int requests) {
    const SteadyTime before = clock.Steady();
    for (int i = 0; i < requests; ++i) REQUIRE(Send());
    return std::chrono::round<milliseconds>(clock.Steady() - before);
  }

  FakeClock clock;
  FakeTransport wire;
  KmsRate rate;
};

bool Near(milliseconds time, milliseconds expected) {
  return time > expected * 95 / 100 && time < expected * 105 / 100;
}

TEST_CASE("KMS rate: one second's worth at once, then evenly, and a rest fills it again") {
  Bench bench(50);
  bench.wire.Then(KmsDecrypted());
  CHECK(bench.Time(50) == milliseconds(0));
  CHECK(bench.Time(1) == milliseconds(20));
  CHECK(Near(bench.Time(500), seconds(10)));
  CHECK(bench.rate.Counts().waited == 501);
  CHECK(Near(bench.rate.Counts().wait_time, seconds(10)));
  CHECK(bench.rate.Counts().per_second == 50);
  bench.clock.Advance(seconds(100));
  CHECK(bench.Time(50) == milliseconds(0));
  CHECK(bench.Time(1) == milliseconds(20));
}

TEST_CASE("KMS rate: zero is no limit, and less than one a second is possible") {
  Bench free(0);
  free.wire.Then(KmsDecrypted());
  CHECK(free.Time(10'000) == milliseconds(0));
  CHECK(free.rate.Counts().waited == 0);
  free.wire.Then(KmsRefused("ThrottlingException"));
  CHECK(free.Send());
  Bench slow(0.5);
  slow.wire.Then(KmsDecrypted());
  CHECK(slow.Time(3) == milliseconds(4000));
}

TEST_CASE("KMS rate: throttled, it halves, once a second, down to one") {
  Bench bench(50);
  bench.wire.Then(KmsRefused("ThrottlingException"));
  for (int i = 0; i < 5; ++i) REQUIRE(bench.Send());
  // The replies of one second are one sign.
  CHECK(bench.rate.Counts().per_second >= 25);
  CHECK(bench.rate.Counts().per_second < 26);
  CHECK(bench.rate.Counts().throttled == 5);
  for (int i = 0; i < 200; ++i) REQUIRE(bench.Send());
  CHECK(bench.rate.Counts().per_second < 6);
  CHECK(bench.rate.Counts().per_second >= 1);
}

TEST_CASE("KMS rate: after it was throttled it grows back within twenty seconds") {
  Bench bench(50);
  bench.wire.Then(KmsRefused("ThrottlingException")).Then(KmsDecrypted());
  REQUIRE(bench.Send());
  // What had been saved up is gone.
  CHECK(bench.Time(1) == milliseconds(40));
  bench.clock.Advance(seconds(5));
  REQUIRE(bench.Send());
  CHECK(bench.rate.Counts().per_second > 37);
  CHECK(bench.rate.Counts().per_second < 39);
  bench.clock.Advance(seconds(15));
  REQUIRE(bench.Send());
  CHECK(bench.rate.Counts().per_second == 50);
}

TEST_CASE("KMS rate: other refusals change nothing") {
  Bench bench(50);
  bench.wire.Then(KmsRefused("AccessDeniedException"));
  CHECK(bench.Time(50) == milliseconds(0));
  CHECK(bench.rate.Counts().per_second == 50);
  CHECK(bench.rate.Counts().throttled == 0);
}

TEST_CASE("KMS rate: whoever waits when the program ends is not sent") {
  Bench bench(1);
  bench.wire.Then(KmsDecrypted());
  REQUIRE(bench.Send());
  bench.clock.Interrupt();
  CHECK(bench.Send().error().code == Code::kInterrupted);
  CHECK(bench.wire.seen().size() == 1);
}

}  // namespace coffer::s3::kms_rate_test
