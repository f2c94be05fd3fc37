#include "s3client/retrying_transport.h"

#include <catch2/catch.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3::retrying_transport_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Listener : Observer {
  void OnRetry(const Request&, const Error& why, int, milliseconds) override {
    retries.push_back(why.what);
  }
  void OnFailure(const Request&, const Error& error, int) override {
    failures.push_back(error.what);
  }
  void OnNotice(std::string_view) override {}
  std::vector<std::string> retries;
  std::vector<std::string> failures;
};

struct Bench {
  explicit Bench(RetryOptions options = {})
      : transport(inner, WithSeed(options), {clock, time, listener, &counters}) {}
  static RetryOptions WithSeed(RetryOptions options) {
    options.seed = 42;
    return options;
  }
  Result<Response> Get() { return transport.Send(Request()); }
  milliseconds Slept() const {
    const auto all = clock.sleeps();
    return std::accumulate(all.begin(), all.end(), milliseconds(0));
  }

  FakeTransport inner;
  FakeClock clock;
  ServerTime time{clock};
  Listener listener;
  Counters counters;
  RetryingTransport transport;
};

Error Broken() { return {Code::kUnavailable, "connection reset"}; }

TEST_CASE("retrying: what passes is returned, with the number of tries") {
  Bench bench;
  bench.inner.Then(Reply(200, {}, "x"));
  const auto reply = bench.Get();
  REQUIRE(reply);
  CHECK(reply->attempts == 1);
  CHECK(bench.clock.sleeps().empty());
}

TEST_CASE("retrying: transient failures of every kind are repeated") {
  Bench bench;
  bench.inner.Then(Reply(500)).Then(Broken()).Then(Reply(503, {}, ErrorXml("SlowDown")));
  bench.inner.Then(Error{Code::kTimeout, "no reply"}).Then(Reply(200));
  const auto reply = bench.Get();
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(reply->attempts == 5);
  CHECK(bench.inner.seen().size() == 5);
  CHECK(bench.listener.retries.size() == 4);
  CHECK(bench.listener.failures.empty());
  CHECK(bench.counters.Snapshot().Of(Operation::kGetObject).retries == 4);
}

TEST_CASE("retrying: answers are not repeated, and expected ones not reported") {
  for (const int status : {304, 400, 403, 404, 405, 409, 412, 416, 501}) {
    CAPTURE(status);
    Bench bench;
    bench.inner.Then(Reply(status));
    const auto reply = bench.Get();
    REQUIRE(reply);
    CHECK(reply->status == status);
    CHECK(bench.inner.seen().size() == 1);
    const bool expected = status == 304 || status == 404 || status == 412 || status == 416;
    CHECK(bench.listener.failures.empty() == expected);
  }
}

TEST_CASE("retrying: errors that waiting cannot mend end at once") {
  for (const Code code : {Code::kDenied, Code::kInterrupted, Code::kNoMemory, Code::kInvalid}) {
    Bench bench;
    bench.inner.Then(Error{code, "no"});
    const auto reply = bench.Get();
    REQUIRE_FALSE(reply);
    CHECK(reply.error().code == code);
    CHECK(bench.inner.seen().size() == 1);
  }
}

TEST_CASE("retrying: the deadline ends it, with what failed last") {
  RetryOptions options;
  options.deadline = seconds(60);
  Bench bench(options);
  bench.inner.Then(Broken());
  const auto reply = bench.Get();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kTimeout);
  CHECK(reply.error().what.find("connection reset") != std::string::npos);
  CHECK(bench.Slept() == seconds(60));
  CHECK(bench.listener.failures.size() == 1);
  // Full jitter, doubling: neither a storm nor a few tries.
  CHECK(bench.inner.seen().size() > 12);
  CHECK(bench.inner.seen().size() < 60);
}

TEST_CASE("retrying: a failing reply leaves as it is after the deadline") {
  RetryOptions options;
  options.deadline = seconds(5);
  Bench bench(options);
  bench.inner.Then(Reply(503, {}, ErrorXml("SlowDown")));
  const auto reply = bench.Get();
  REQUIRE(reply);
  CHECK(reply->status == 503);
  CHECK(reply->attempts == static_cast<int>(bench.inner.seen().size()));
}

TEST_CASE("retrying: an outage of two minutes only pauses under the default deadline") {
  Bench bench;
  bench.inner.Then([&](const Request&) -> Result<Response> {
    if (bench.clock.Steady() < SteadyTime(std::chrono::hours(1)) + seconds(120)) return Broken();
    return Reply(200);
  });
  const auto reply = bench.Get();
  REQUIRE(reply);
  CHECK(bench.Slept() < seconds(130));
}

TEST_CASE("retrying: the budget spaces out the repeats of many requests") {
  RetryOptions options;
  options.deadline = seconds(1);
  options.max_delay = milliseconds(1);
  options.budget_tokens = 10;
  options.budget_per_second = 5;
  Bench bench(options);
  bench.inner.Then(Broken());
  const auto begin = bench.clock.Steady();
  for (int i = 0; i < 20; ++i) CHECK_FALSE(bench.Get());
  const std::chrono::duration<double> passed = bench.clock.Steady() - begin;
  // 20 first tries, 10 from the full bucket, then 5 a second and each request's last one.
  CHECK(bench.inner.seen().size() <= 20 + 10 + 5 * passed.count() + 20);
}

TEST_CASE("retrying: throttled requests wait longer, and as long as the service says") {
  Bench bench;
  bench.inner.Then(Reply(503, {{"Retry-After", "7"}})).Then(Reply(200));
  REQUIRE(bench.Get());
  CHECK(bench.Slept() >= seconds(7));
  Bench exact;
  exact.inner.Then(Reply(429, {{"x-amz-retry-after", "12345"}})).Then(Reply(200));
  REQUIRE(exact.Get());
  CHECK(exact.Slept() == milliseconds(12345));
  Bench absurd;
  absurd.inner.Then(Reply(503, {{"Retry-After", "999999999999"}})).Then(Reply(200));
  REQUIRE(absurd.Get());
  CHECK(absurd.Slept() <= seconds(60));
}

TEST_CASE("retrying: a skewed clock is corrected once") {
  const std::string date = "Fri, 02 Jan 2026 05:04:05 GMT";  // two hours ahead of the fake clock
  Bench bench;
  bench.inner.Then(Reply(403, {{"Date", date}}, ErrorXml("RequestTimeTooSkewed")));
  bench.inner.Then(Reply(200));
  REQUIRE(bench.Get());
  CHECK(bench.time.offset_s() == 7200);

  // A HEAD has only its Date to tell.
  Bench head;
  head.inner.Then(Reply(403, {{"Date", date}})).Then(Reply(200));
  Request request;
  request.method = "HEAD";
  REQUIRE(head.transport.Send(request));
  CHECK(head.time.offset_s() == 7200);

  Bench stubborn;
  stubborn.inner.Then(Reply(403, {{"Date", date}}, ErrorXml("RequestTimeTooSkewed")));
  const auto reply = stubborn.Get();
  REQUIRE(reply);
  CHECK(reply->status == 403);
  CHECK(stubborn.inner.seen().size() == 2);

  Bench denied;  // an ordinary refusal, with the right time
  denied.inner.Then(Reply(403, {{"Date", "Fri, 02 Jan 2026 03:04:05 GMT"}}));
  REQUIRE(denied.transport.Send(request));
  CHECK(denied.inner.seen().size() == 1);
}

TEST_CASE("retrying: a HEAD on its way while another request mends the clock is sent again") {
  const std::string date = "Fri, 02 Jan 2026 05:04:05 GMT";  // two hours ahead of the fake clock
  Bench bench;
  bench.inner.Then([&](const Request&) -> Result<Response> {
    bench.time.Learn(bench.clock.Now().time_since_epoch() / seconds(1) + 7200);
    return Reply(403, {{"Date", date}});
  });
  bench.inner.Then(Reply(200));
  Request request;
  request.method = "HEAD";
  const auto reply = bench.transport.Send(request);
  REQUIRE(reply);
  CHECK(reply->status == 200);
  CHECK(bench.inner.seen().size() == 2);
}

TEST_CASE("retrying: the server's time is taken over from its successes") {
  Bench bench;
  bench.inner.Then(Reply(200, {{"Date", "Fri, 02 Jan 2026 03:14:05 GMT"}}));
  REQUIRE(bench.Get());
  CHECK(bench.time.offset_s() == 600);
}

TEST_CASE("retrying: a flipped bit is sent once more, not for ever") {
  Bench bench;
  bench.inner.Then(Reply(400, {}, ErrorXml("BadDigest")));
  const auto reply = bench.Get();
  REQUIRE(reply);
  CHECK(reply->status == 400);
  CHECK(bench.inner.seen().size() == 2);
}

TEST_CASE("retrying: a success that is none never leaves as one") {
  const std::string good = "<R><a>1</a></R>";
  for (const std::string& bad : {std::string(), good.substr(0, 10), ErrorXml("InternalError"),
                                 "   \n" + ErrorXml("SlowDown"), std::string("<html>hi</html")}) {
    CAPTURE(bad);
    Request request;
    request.xml_reply = true;
    Bench once;
    once.inner.Then(Reply(200, {}, bad)).Then(Reply(200, {}, good));
    const auto reply = once.transport.Send(request);
    REQUIRE(reply);
    CHECK(AsText(reply->body) == good);

    RetryOptions options;
    options.deadline = seconds(10);
    Bench always(options);
    always.inner.Then(Reply(200, {}, bad));
    const auto failure = always.transport.Send(request);
    REQUIRE_FALSE(failure);
    CHECK(failure.error().code == Code::kUnavailable);
  }
}

TEST_CASE("retrying: a denial inside of a success is final") {
  Bench bench;
  bench.inner.Then(Reply(200, {}, ErrorXml("AccessDenied")));
  Request request;
  request.xml_reply = true;
  const auto reply = bench.transport.Send(request);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kDenied);
  CHECK(bench.inner.seen().size() == 1);
}

TEST_CASE("retrying: a reply that fails its check is asked for again, a few times") {
  const std::function<Status(const Response&)> check = [](const Response& response) -> Status {
    if (response.body.size() != 1) return Error{Code::kUnavailable, "not one byte"};
    return Ok();
  };
  Request request;
  request.reply_check = &check;
  Bench bench;
  bench.inner.Then(Reply(200, {}, "xx")).Then(Reply(200, {}, "x"));
  REQUIRE(bench.transport.Send(request));
  Bench always;
  always.inner.Then(Reply(200, {}, "xx"));
  REQUIRE_FALSE(always.transport.Send(request));
  CHECK(always.inner.seen().size() == 4);
}

TEST_CASE("retrying: a shutdown ends the back-off") {
  Bench bench;
  bench.inner.Then([&](const Request&) -> Result<Response> {
    bench.clock.Interrupt();
    return Broken();
  });
  const auto reply = bench.Get();
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kInterrupted);
  CHECK(bench.inner.seen().size() == 1);
}

TEST_CASE("concurrency limit: halves on throttling, grows back, always lets one through") {
  ConcurrencyLimit limit;
  for (int i = 0; i < 8; ++i) REQUIRE(limit.TryEnter());
  limit.OnThrottled();
  CHECK_FALSE(limit.TryEnter());
  for (int i = 0; i < 8; ++i) limit.Leave();
  for (int i = 0; i < 4; ++i) CHECK(limit.TryEnter());
  CHECK_FALSE(limit.TryEnter());
  for (int i = 0; i < 10; ++i) limit.OnSuccess();
  CHECK(limit.TryEnter());
  for (int i = 0; i < 20; ++i) limit.OnThrottled();
  for (int i = 0; i < 5; ++i) limit.Leave();
  CHECK(limit.TryEnter());
  CHECK_FALSE(limit.TryEnter());
}

}  // namespace coffer::s3::retrying_transport_test
