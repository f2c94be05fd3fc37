#include "s3client/withheld_transport.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_clock.h"
#include "tests/support/fake_transport.h"

namespace coffer::s3::withheld_transport_test {

struct Notices : SilentObserver {
  void OnNotice(std::string_view notice) override { lines.emplace_back(notice); }
  std::vector<std::string> lines;
};

struct Bench {
  explicit Bench(Response reply) {
    auto inner = std::make_unique<FakeTransport>();
    wire = inner.get();
    wire->Then(std::move(reply));
    transport = std::make_unique<WithheldTransport>(std::move(inner), "a/", clock, notices);
  }
  int Send(Operation operation, const std::string& path, const std::string& prefix = "") const {
    Request request;
    request.operation = operation;
    request.url.path = path;
    if (!prefix.empty()) request.url.query.emplace_back("prefix", prefix);
    return transport->Send(request)->status;
  }
  std::size_t sent() const { return wire->seen().size(); }

  FakeClock clock;
  Notices notices;
  FakeTransport* wire = nullptr;
  std::unique_ptr<WithheldTransport> transport;
};

TEST_CASE("withheld: a refusal stands for a minute, for its directory", "[withheld]") {
  const Bench bench(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(bench.Send(Operation::kDeleteObject, "/d/a") == 403);
  CHECK(bench.Send(Operation::kDeleteObject, "/d/b") == 403);
  CHECK(bench.sent() == 1);
  CHECK(bench.Send(Operation::kDeleteObject, "/e/a") == 403);
  CHECK(bench.Send(Operation::kDeleteObject, "/d/e/a") == 403);
  CHECK(bench.sent() == 3);
  CHECK(bench.notices.lines.size() == 1);
}

TEST_CASE("withheld: what is known already is not told", "[withheld]") {
  const Bench bench(Reply(403, {}, ErrorXml("AccessDenied")));
  bench.transport->Told({Operation::kDeleteObject});
  CHECK(bench.Send(Operation::kDeleteObject, "/d/a") == 403);
  CHECK(bench.Send(Operation::kDeleteObject, "/d/b") == 403);
  CHECK(bench.sent() == 1);
  CHECK(bench.notices.lines.empty());
  CHECK(bench.Send(Operation::kGetRetention, "/d/a") == 403);
  CHECK(bench.notices.lines.size() == 1);
}

TEST_CASE("withheld: then it is asked for again, and forgotten", "[withheld]") {
  Bench bench(Reply(403, {}, ErrorXml("AccessDenied")));
  bench.wire->Then(Reply(204)).Then(Reply(403, {}, ErrorXml("AccessDenied")));
  CHECK(bench.Send(Operation::kDeleteObject, "/a") == 403);
  bench.clock.Advance(std::chrono::seconds(59));
  CHECK(bench.Send(Operation::kDeleteObject, "/a") == 403);
  bench.clock.Advance(std::chrono::seconds(1));
  CHECK(bench.Send(Operation::kDeleteObject, "/a") == 204);
  CHECK(bench.Send(Operation::kDeleteObject, "/a") == 403);
  CHECK(bench.sent() == 3);
}

TEST_CASE("withheld: listings by their prefix, and each kind apart", "[withheld]") {
  const Bench bench(Reply(403, {}, ErrorXml("AccessDenied")));
  bench.Send(Operation::kListObjects, "/", "a/");
  bench.Send(Operation::kListObjects, "/", "a/");
  bench.Send(Operation::kListObjects, "/", "b/");
  bench.Send(Operation::kListVersions, "/", "a/");
  CHECK(bench.sent() == 3);
  CHECK(bench.notices.lines.size() == 2);
  const Bench above(Reply(403, {}, ErrorXml("AccessDenied")));
  above.Send(Operation::kListObjects, "/", ".coffer/volume");
  CHECK(above.notices.lines.empty());
}

TEST_CASE("withheld: what is of one request alone is always asked for", "[withheld]") {
  for (const Operation operation :
       {Operation::kGetObject, Operation::kPutObject, Operation::kHeadObject,
        Operation::kPutRetention, Operation::kPutLegalHold, Operation::kCopyObject}) {
    const Bench bench(Reply(403, {}, ErrorXml("AccessDenied")));
    bench.Send(operation, "/a");
    bench.Send(operation, "/a");
    CHECK(bench.sent() == 2);
  }
  for (const Response& reply :
       {Reply(403, {}, ErrorXml("ExpiredToken")), Reply(403), Reply(404, {}, ErrorXml("NoSuchKey")),
        Reply(403, {}, ErrorXml("AccessDenied", "the object is protected by object lock")),
        Reply(503, {}, ErrorXml("AccessDenied"))}) {
    const Bench bench(reply);
    bench.Send(Operation::kDeleteObject, "/a");
    bench.Send(Operation::kDeleteObject, "/a");
    CHECK(bench.sent() == 2);
    CHECK(bench.notices.lines.empty());
  }
}

}  // namespace coffer::s3::withheld_transport_test
