#include "s3client/conditional_store.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/support/fake_store.h"

namespace coffer::s3::conditional_store_test {

using test::FakeStore;
using Op = test::Operation;

struct Listener : Observer {
  void OnRetry(const Request&, const Error&, int, std::chrono::milliseconds) override {}
  void OnFailure(const Request&, const Error&, int) override {}
  void OnNotice(std::string_view notice) override { notices.emplace_back(notice); }
  std::vector<std::string> notices;
};

// A server with habits, in front of the reference.
class Quirky : public FakeStore {
 public:
  bool ignores = false;       // conditions, as RGW does on most requests
  bool bare_only = false;     // If-Match holds only without quotes
  bool always_fails = false;  // If-Match never holds
  std::function<void()> before_write = [] {};

  Result<Written> Put(std::string_view key, ByteView body, const NewObject& object) override {
    before_write();
    sent.push_back(object.condition);
    NewObject changed = object;
    COFFER_TRY(Judge(changed.condition));
    return FakeStore::Put(key, body, changed);
  }
  Status Delete(std::string_view key, const Condition& condition) override {
    before_write();
    sent.push_back(condition);
    Condition changed = condition;
    COFFER_TRY(Judge(changed));
    return FakeStore::Delete(key, changed);
  }
  Result<Written> Copy(const CopyRequest& request) override {
    CopyRequest changed = request;
    source_sent = request.source_etag;
    if (ignores) changed.source_etag.clear();
    if (always_fails && !changed.source_etag.empty()) return Error{Code::kChanged, "412"};
    COFFER_TRY(Judge(changed.target.condition));
    return FakeStore::Copy(changed);
  }

  std::vector<Condition> sent;
  std::string source_sent;

 private:
  Status Judge(Condition& condition) const {
    if (ignores) condition = Condition::None();
    const bool matches = condition.kind == Condition::Kind::kMatches;
    if (matches && (always_fails || (bare_only && !condition.bare_etag))) {
      return Error{Code::kChanged, "412"};
    }
    return Ok();
  }
};

struct Bench {
  explicit Bench(bool trusted = false) : store(server, trusted, memory, listener) {}
  Result<Written> Put(const std::string& body, Condition condition) {
    NewObject object;
    object.condition = std::move(condition);
    return store.Put("k", AsBytes(body), object);
  }
  Quirky server;
  ConditionMemory memory;
  Listener listener;
  ConditionalStore store;
};

TEST_CASE("conditional: a trusted server is asked once") {
  Bench bench(true);
  REQUIRE(bench.Put("1", Condition::Absent()));
  const auto second = bench.Put("2", Condition::Absent());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::kExists);
  CHECK(bench.server.count(Op::kHead) == 0);
  CHECK(bench.listener.notices.empty());
}

TEST_CASE("conditional: an unknown server is looked at first, and the window told once") {
  Bench bench;
  bench.server.ignores = true;
  REQUIRE(bench.Put("1", Condition::Absent()));
  CHECK(bench.server.sent.back().kind == Condition::Kind::kAbsent);
  const auto exists = bench.Put("2", Condition::Absent());
  REQUIRE_FALSE(exists);
  CHECK(exists.error().code == Code::kExists);
  CHECK(bench.server.Body("k") == "1");
  const auto changed = bench.Put("2", Condition::Matches("other"));
  REQUIRE_FALSE(changed);
  CHECK(changed.error().code == Code::kChanged);
  const auto etag = bench.server.Info("k")->etag;
  CHECK(bench.Put("3", Condition::Matches(etag)));
  CHECK(bench.server.count(Op::kHead) == 4);
  CHECK(bench.listener.notices.size() == 1);
}

TEST_CASE("conditional: a success and a refusal for a real difference make a server trusted") {
  Bench bench;
  REQUIRE(bench.Put("1", Condition::Absent()));
  bench.server.Remove("k");
  // Somebody else is faster, between the look and the write.
  bench.server.before_write = [&] { bench.server.Plant("k", "theirs"); };
  const auto lost = bench.Put("2", Condition::Absent());
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Code::kExists);
  CHECK(bench.server.Body("k") == "theirs");
  bench.server.before_write = [] {};
  bench.server.Remove("k");
  bench.server.ResetCounters();
  REQUIRE(bench.Put("3", Condition::Absent()));
  CHECK(bench.server.count(Op::kHead) == 0);

  // It outlives the mount, as text, and holds for its own case only.
  ConditionMemory other;
  other.Import(bench.memory.Export());
  CHECK(other.Counts({ConditionalWrite::kPut, Condition::Kind::kAbsent, false}));
  CHECK_FALSE(other.Counts({ConditionalWrite::kPut, Condition::Kind::kMatches, false}));
  CHECK_FALSE(other.Counts({ConditionalWrite::kPut, Condition::Kind::kAbsent, true}));
  CHECK_FALSE(other.Counts({ConditionalWrite::kComplete, Condition::Kind::kAbsent, false}));
  for (const char* junk : {"", "v1 ", "v2 @@@@", "v1 CCCCCCCCCCCCCCCCCCC~", "nonsense"}) {
    const std::string before = other.Export();
    other.Import(junk);
    CHECK(other.Export() == before);
  }
}

TEST_CASE("conditional: a server that wants ETags bare is spoken to so from then on") {
  Bench bench;
  bench.server.bare_only = true;
  const auto first = bench.Put("1", Condition::Absent());
  REQUIRE(first);
  const auto second = bench.Put("2", Condition::Matches(first->etag));
  REQUIRE(second);
  CHECK(bench.server.Body("k") == "2");
  bench.server.sent.clear();
  REQUIRE(bench.Put("3", Condition::Matches(second->etag)));
  REQUIRE(bench.server.sent.size() == 1);
  CHECK(bench.server.sent[0].bare_etag);
}

TEST_CASE("conditional: 412 while the ETag is the one expected makes the header unusable") {
  Bench bench;
  bench.server.always_fails = true;
  const auto first = bench.Put("1", Condition::Absent());
  REQUIRE(first);
  const auto second = bench.Put("2", Condition::Matches(first->etag));
  REQUIRE(second);
  bench.server.sent.clear();
  REQUIRE(bench.Put("3", Condition::Matches(second->etag)));
  REQUIRE(bench.server.sent.size() == 1);
  CHECK(bench.server.sent[0].kind == Condition::Kind::kNone);
  const auto stale = bench.Put("4", Condition::Matches(second->etag));
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code == Code::kChanged);
  CHECK(bench.server.Body("k") == "3");
}

TEST_CASE("conditional: a failed look is a failure, and nothing is written") {
  Bench bench;
  bench.server.SetHook([](Op op, std::string_view) -> std::optional<test::Fault> {
    if (op != Op::kHead) return std::nullopt;
    return test::Fault{{Code::kUnavailable, "no answer"}};
  });
  const auto written = bench.Put("1", Condition::Absent());
  REQUIRE_FALSE(written);
  CHECK(written.error().code == Code::kUnavailable);
  CHECK_FALSE(bench.server.Has("k"));
}

TEST_CASE("conditional: what is denied may be what is not there") {
  Bench bench;
  int looks = 0;
  bench.server.SetHook([&](Op op, std::string_view) -> std::optional<test::Fault> {
    if (op != Op::kHead || looks++ > 0) return std::nullopt;
    return test::Fault{{Code::kDenied, "403"}};
  });
  CHECK(bench.Put("1", Condition::Absent()));
  CHECK(looks == 2);
  bench.server.SetHook([](Op op, std::string_view) -> std::optional<test::Fault> {
    if (op != Op::kHead) return std::nullopt;
    return test::Fault{{Code::kDenied, "403"}};
  });
  CHECK(bench.Put("2", Condition::Absent()).error().code == Code::kDenied);
  CHECK(bench.server.Body("k") == "1");
}

TEST_CASE("conditional: deletes and copies look before they act where the server would not") {
  Bench bench;
  bench.server.ignores = true;
  const std::string etag = bench.server.Plant("k", "1");
  const auto wrong = bench.store.Delete("k", Condition::Matches("other"));
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == Code::kChanged);
  CHECK(bench.server.Has("k"));

  CopyRequest copy;
  copy.from = "k";
  copy.to = "l";
  copy.source_etag = "other";
  const auto stale = bench.store.Copy(copy);
  REQUIRE_FALSE(stale);
  CHECK(stale.error().code == Code::kChanged);
  copy.source_etag = etag;
  bench.server.Plant("l", "in the way");
  copy.target.condition = Condition::Absent();
  const auto taken = bench.store.Copy(copy);
  REQUIRE_FALSE(taken);
  CHECK(taken.error().code == Code::kExists);
  CHECK(bench.server.Body("l") == "in the way");

  CHECK(bench.store.Delete("k", Condition::Matches(etag)));
  CHECK(bench.store.Delete("k", Condition::Matches(etag)));  // gone is gone
}

TEST_CASE("conditional: a copy looks at its source unless the server is known to") {
  const ConditionMemory::Case source{ConditionalWrite::kCopySource, Condition::Kind::kMatches,
                                     false};
  Bench bench;
  CopyRequest copy;
  copy.from = "k";
  copy.to = "l";
  copy.source_etag = bench.server.Plant("k", "x");
  SECTION("unknown: a HEAD, and the condition all the same") {
    REQUIRE(bench.store.Copy(copy));
    CHECK(bench.server.count(test::Operation::kHead) == 1);
    CHECK(bench.server.source_sent == copy.source_etag);
  }
  SECTION("what a write test found out") {
    bench.memory.SawSuccess(source);
    bench.memory.SawRefusal(source);
    REQUIRE(bench.store.Copy(copy));
    CHECK(bench.server.count(test::Operation::kHead) == 0);
    CHECK(bench.server.source_sent == copy.source_etag);
    copy.source_etag = "other";
    CHECK(bench.store.Copy(copy).error().code == Code::kChanged);
  }
  SECTION("a server that refuses it always: a HEAD alone") {
    bench.memory.SetUnusable(source);
    bench.server.always_fails = true;
    REQUIRE(bench.store.Copy(copy));
    CHECK(bench.server.count(test::Operation::kHead) == 1);
    CHECK(bench.server.source_sent.empty());
    copy.source_etag = "other";
    CHECK(bench.store.Copy(copy).error().code == Code::kChanged);
  }
}

TEST_CASE("conditional: a rename looks at both names where the server is not AWS") {
  const FakeStore::Options renames{.renames = true};
  for (const bool trusted : {false, true}) {
    FakeStore server(renames);
    ConditionMemory memory;
    SilentObserver observer;
    ConditionalStore store(server, trusted, memory, observer);
    const std::string etag = server.Plant("a", "x");
    server.Plant("taken", "y");
    CAPTURE(trusted);
    CHECK(store.Rename({"a", "b", "other", Condition::Absent()}).error().code == Code::kChanged);
    CHECK(store.Rename({"a", "taken", etag, Condition::Absent()}).error().code == Code::kExists);
    CHECK(server.count(test::Operation::kRename) == (trusted ? 2 : 0));
    CHECK(store.Rename({"a", "b", etag, Condition::Absent()}));
    CHECK(server.Body("b") == "x");
    CHECK(server.count(test::Operation::kHead) == (trusted ? 0 : 5));
  }
}

TEST_CASE("conditional: many deletes compare with a listing, not with a HEAD each") {
  Bench bench;
  bench.server.ignores = true;
  std::vector<KeyToDelete> keys;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "d/" + std::to_string(i);
    keys.push_back({key, bench.server.Plant(key, std::to_string(i))});
  }
  bench.server.Plant("d/7", "changed");
  bench.server.Remove("d/8");
  bench.server.Plant("d/other", "stays");
  const auto failed = bench.store.DeleteMany(keys);
  REQUIRE(failed);
  REQUIRE(failed->size() == 1);
  CHECK((*failed)[0].key == "d/7");
  CHECK((*failed)[0].error.code == Code::kChanged);
  CHECK(bench.server.Keys("d/") == std::vector<std::string>{"d/7", "d/other"});
  CHECK(bench.server.count(Op::kHead) < 6);
}

}  // namespace coffer::s3::conditional_store_test
