#include "crypto/key_cache.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <deque>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/fake_key_source.h"

namespace coffer::key_cache_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

const EncryptionContext kContext{{"coffer", "1"}, {"vol", "v"}};

std::vector<EncryptedDataKey> Keys(const std::string& name) { return {{"aws-kms", "arn", name}}; }

// A cache on a clock that the test moves, whose renewals the test runs.
struct Bench {
  explicit Bench(KeyCacheLimits limits = {}, bool renews = true, std::size_t secrets = 256)
      : arena(secrets), source(arena) {
    KeyCacheParties parties;
    parties.now = [this] {
      return std::chrono::steady_clock::time_point(std::chrono::hours(1)) +
             milliseconds(passed_ms.load());
    };
    if (renews) parties.submit = [this](std::function<void()> task) { tasks.push_back(task); };
    cache = std::make_unique<KeyCache>(source, limits, parties);
  }

  void Pass(milliseconds time) { passed_ms += time.count(); }
  void RunTasks() {
    for (; !tasks.empty(); tasks.pop_front()) tasks.front()();
  }
  DataKeyPtr Seal() {
    const auto key = cache->ForSealing(kContext);
    REQUIRE(key);
    return *key;
  }
  DataKeyPtr Open(const std::string& name) {
    const auto key = cache->ForOpening(Keys(name), kContext, 32);
    REQUIRE(key);
    return *key;
  }
  Code OpenError(const std::string& name) {
    const auto key = cache->ForOpening(Keys(name), kContext, 32);
    REQUIRE_FALSE(key);
    return key.error().code;
  }

  SecretArena arena;
  FakeKeySource source;
  std::atomic<std::int64_t> passed_ms{0};
  std::deque<std::function<void()>> tasks;
  std::unique_ptr<KeyCache> cache;
};

// What `ask` gave to each of so many threads, which all stood in the source's one call.
template <typename Ask>
std::vector<Result<DataKeyPtr>> AtOnce(Bench& bench, int threads, Ask ask) {
  bench.source.Hold();
  std::vector<Result<DataKeyPtr>> got(threads, Error{Code::kBusy, "not asked"});
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) all.emplace_back([&got, &ask, i] { got[i] = ask(); });
  const auto waiting = [&] {
    const KeyCacheCounts counts = bench.cache->Counts();
    return counts.sealing.coalesced + counts.opening.coalesced;
  };
  while (waiting() + 1 < static_cast<std::uint64_t>(threads)) std::this_thread::yield();
  bench.source.Release();
  for (std::thread& one : all) one.join();
  return got;
}

TEST_CASE("key cache: a sealing key serves exactly its messages") {
  Bench bench({.max_messages = 3}, /*renews=*/false);
  const DataKeyPtr first = bench.Seal();
  CHECK(bench.Seal() == first);
  CHECK(bench.Seal() == first);
  CHECK(bench.source.sealing() == 1);
  CHECK(bench.Seal() != first);
  CHECK(bench.source.sealing() == 2);
  CHECK(bench.cache->Counts().sealing.hits == 2);
}

TEST_CASE("key cache: a sealing key serves until its age is over, that instant included") {
  Bench bench({}, /*renews=*/false);
  const DataKeyPtr first = bench.Seal();
  bench.Pass(seconds(300));
  CHECK(bench.Seal() == first);
  bench.Pass(milliseconds(1));
  CHECK(bench.Seal() != first);
  // The age of the second counts from its own beginning.
  bench.Pass(seconds(300));
  bench.Seal();
  CHECK(bench.source.sealing() == 2);
}

TEST_CASE("key cache: a sealing key serves while the bytes sealed are within the limit") {
  Bench bench({.max_bytes = 1000}, /*renews=*/false);
  const DataKeyPtr first = bench.Seal();
  bench.cache->Used(first, 999);
  CHECK(bench.Seal() == first);
  bench.cache->Used(first, 1);
  CHECK(bench.Seal() == first);
  bench.cache->Used(first, 1);
  const DataKeyPtr second = bench.Seal();
  CHECK(second != first);
  // Late reports for a key that was let go count against nobody.
  bench.cache->Used(first, 5000);
  CHECK(bench.Seal() == second);
  // And no sum is too large.
  bench.cache->Used(second, ~std::uint64_t{0});
  bench.cache->Used(second, 1);
  CHECK(bench.Seal() != second);
}

TEST_CASE("key cache: contexts have sealing keys of their own, and a bounded number of them") {
  Bench bench;
  const DataKeyPtr first = bench.Seal();
  CHECK(*bench.cache->ForSealing({{"kind", "volume"}}) != first);
  CHECK(bench.Seal() == first);
  for (int i = 0; i < 20; ++i) REQUIRE(bench.cache->ForSealing({{"n", std::to_string(i)}}));
  CHECK(bench.Seal() != first);
}

TEST_CASE("key cache: threads that share a key never exceed its messages") {
  Bench bench({.max_messages = 10}, /*renews=*/false);
  std::vector<DataKeyPtr> got(200);
  std::vector<std::thread> all;
  for (int t = 0; t < 8; ++t) {
    all.emplace_back([&, t] {
      for (int i = t; i < 200; i += 8) got[i] = *bench.cache->ForSealing(kContext);
    });
  }
  for (std::thread& one : all) one.join();
  std::map<DataKeyPtr, int> uses;
  for (const DataKeyPtr& key : got) ++uses[key];
  CHECK(uses.size() == 20);
  for (const auto& [key, count] : uses) CHECK(count == 10);
  CHECK(bench.source.sealing() == 20);
}

TEST_CASE("key cache: 64 threads that want to seal are one call") {
  Bench bench;
  const auto got = AtOnce(bench, 64, [&] { return bench.cache->ForSealing(kContext); });
  CHECK(bench.source.sealing() == 1);
  for (const auto& one : got) CHECK(*one == *got[0]);
  CHECK(bench.cache->Counts().sealing.coalesced == 63);
  CHECK(bench.cache->Counts().sealing.calls == 1);
}

TEST_CASE("key cache: 64 threads that open the same are one call, and so are its failures") {
  Bench bench;
  const auto open = [&] { return bench.cache->ForOpening(Keys("a"), kContext, 32); };
  for (const auto& one : AtOnce(bench, 64, open)) CHECK(one);
  CHECK(bench.source.opening() == 1);
  bench.Pass(seconds(301));
  bench.source.Fail(Error{Code::kUnavailable, "down"});
  bench.source.Hold();
  std::vector<std::thread> all;
  std::atomic<int> failed{0};
  for (int i = 0; i < 64; ++i) all.emplace_back([&] { failed += open() ? 0 : 1; });
  while (bench.cache->Counts().opening.coalesced < 126) std::this_thread::yield();
  bench.source.Release();
  for (std::thread& one : all) one.join();
  CHECK(failed == 64);
  CHECK(bench.source.opening() == 2);
}

TEST_CASE("key cache: other keys do not wait for a call that hangs") {
  Bench bench;
  bench.Open("b");
  bench.source.Hold();
  std::thread slow([&] { bench.Open("a"); });
  bench.source.WaitForCalls(2);
  bench.Open("b");
  bench.source.Release();
  slow.join();
}

TEST_CASE("key cache: what is opened is known by list, context and size") {
  Bench bench;
  const DataKeyPtr first = bench.Open("a");
  CHECK(bench.Open("a") == first);
  CHECK(bench.source.opening() == 1);
  CHECK(bench.Open("b") != first);
  CHECK(*bench.cache->ForOpening(Keys("a"), {{"coffer", "2"}}, 32) != first);
  CHECK(*bench.cache->ForOpening(Keys("a"), kContext, 16) != first);
  // Parts that move between fields, and another order, are other lists.
  CHECK(*bench.cache->ForOpening({{"aws-km", "sarn", "a"}}, kContext, 32) != first);
  const std::vector<EncryptedDataKey> two{{"x", "1", "c"}, {"y", "2", "d"}};
  const std::vector<EncryptedDataKey> turned{two[1], two[0]};
  CHECK((*bench.cache->ForOpening(two, kContext, 32))->encrypted == two);
  CHECK((*bench.cache->ForOpening(turned, kContext, 32))->encrypted == turned);
  CHECK(bench.source.opening() == 7);
}

TEST_CASE("key cache: an opening key ends with its age, however often it is used") {
  Bench bench({}, /*renews=*/false);
  const DataKeyPtr first = bench.Open("a");
  bench.Pass(seconds(200));
  CHECK(bench.Open("a") == first);
  bench.Pass(seconds(100));
  CHECK(bench.Open("a") == first);
  bench.Pass(milliseconds(1));
  CHECK(bench.Open("a") != first);
}

TEST_CASE("key cache: the opening key that was used longest ago makes room") {
  Bench bench({.max_entries = 2});
  const DataKeyPtr a = bench.Open("a");
  bench.Open("b");
  CHECK(bench.Open("a") == a);
  bench.Open("c");
  CHECK(bench.cache->Counts().evicted == 1);
  CHECK(bench.cache->Counts().entries == 2);
  CHECK(bench.Open("a") == a);
  CHECK(bench.source.opening() == 3);
  bench.Open("b");
  CHECK(bench.source.opening() == 4);
}

TEST_CASE("key cache: keys that have ended leave memory with the next that comes") {
  Bench bench({}, /*renews=*/false);
  for (int i = 0; i < 10; ++i) bench.Open("old" + std::to_string(i));
  CHECK(bench.arena.in_use() == 10);
  bench.Pass(seconds(301));
  bench.Open("new");
  CHECK(bench.arena.in_use() == 1);
  CHECK(bench.cache->Counts().entries == 1);
}

TEST_CASE("key cache: a full arena gives back what is least in use") {
  Bench bench({}, /*renews=*/false, /*secrets=*/64);
  for (int i = 0; i < 200; ++i) bench.Open(std::to_string(i));
  CHECK(bench.cache->Counts().evicted > 0);
  CHECK(bench.cache->Counts().opening.failures == 0);
}

TEST_CASE("key cache: an arena that others fill is full") {
  Bench bench({}, /*renews=*/false, /*secrets=*/64);
  std::vector<Secret> rest;
  for (auto made = bench.arena.Make(32); made; made = bench.arena.Make(32)) {
    rest.push_back(std::move(*made));
  }
  CHECK(bench.OpenError("a") == Code::kNoMemory);
  CHECK(bench.cache->ForSealing(kContext).error().code == Code::kNoMemory);
}

TEST_CASE("key cache: a key made for sealing opens its own messages without a call") {
  Bench bench;
  const DataKeyPtr sealed = bench.Seal();
  CHECK(*bench.cache->ForOpening(sealed->encrypted, kContext, 32) == sealed);
  CHECK(bench.source.opening() == 0);
  CHECK(bench.cache->ForOpening(sealed->encrypted, {{"other", "context"}}, 32));
  CHECK(bench.source.opening() == 1);
}

TEST_CASE("key cache: what does not unwrap is asked once in the life of a key") {
  Bench bench;
  bench.source.Fail(Error{Code::kCorrupt, "InvalidCiphertextException"});
  CHECK(bench.OpenError("bad") == Code::kCorrupt);
  CHECK(bench.OpenError("bad") == Code::kCorrupt);
  CHECK(bench.source.opening() == 1);
  CHECK(bench.cache->Counts().refused == 1);
  bench.source.Fail(std::nullopt);
  bench.Open("good");
  bench.Pass(milliseconds(299'999));
  CHECK(bench.OpenError("bad") == Code::kCorrupt);
  bench.Pass(milliseconds(1));
  bench.Open("bad");
  CHECK(bench.source.opening() == 3);
}

TEST_CASE("key cache: a failure that may pass is not remembered") {
  Bench bench;
  for (const Code code : {Code::kUnavailable, Code::kTimeout, Code::kDenied, Code::kNoMemory}) {
    bench.source.Fail(Error{code, "not now"});
    CHECK(bench.OpenError("a") == code);
    CHECK(bench.cache->ForSealing(kContext).error().code == code);
    CHECK(bench.cache->Counts().entries == 0);
  }
  bench.source.Fail(std::nullopt);
  bench.Open("a");
  bench.Seal();
}

TEST_CASE("key cache: while the source is down, keys at hand go on to their end") {
  Bench bench;
  const DataKeyPtr sealing = bench.Seal();
  const DataKeyPtr opening = bench.Open("a");
  bench.source.Fail(Error{Code::kUnavailable, "down"});
  bench.Pass(seconds(299));
  CHECK(bench.Seal() == sealing);
  CHECK(bench.Open("a") == opening);
  bench.RunTasks();  // renewals, which fail
  CHECK(bench.Seal() == sealing);
  CHECK(bench.Open("a") == opening);
  CHECK(bench.OpenError("b") == Code::kUnavailable);
  bench.Pass(seconds(2));
  CHECK(bench.cache->ForSealing(kContext).error().code == Code::kUnavailable);
  CHECK(bench.OpenError("a") == Code::kUnavailable);
}

TEST_CASE("key cache: a key near its end is renewed beside its users, once") {
  Bench bench;
  const DataKeyPtr sealing = bench.Seal();
  const DataKeyPtr opening = bench.Open("a");
  bench.Pass(seconds(290));
  CHECK(bench.Seal() == sealing);
  CHECK(bench.Open("a") == opening);
  CHECK(bench.tasks.empty());
  bench.Pass(milliseconds(1));
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.Seal() == sealing);
    CHECK(bench.Open("a") == opening);
  }
  CHECK(bench.tasks.size() == 2);
  CHECK(bench.source.sealing() == 1);
  bench.RunTasks();
  CHECK(bench.source.sealing() == 2);
  CHECK(bench.source.opening() == 2);
  CHECK(bench.cache->Counts().sealing.renewals == 1);
  CHECK(bench.cache->Counts().opening.renewals == 1);
  // A sealing key is used up before its successor begins; an opening key begins anew.
  CHECK(bench.Seal() == sealing);
  CHECK(bench.tasks.empty());
  bench.Pass(seconds(11));
  CHECK(bench.Seal() != sealing);
  bench.Open("a");
  CHECK(bench.source.sealing() == 2);
  CHECK(bench.source.opening() == 2);
}

TEST_CASE("key cache: a key near its last message gets a successor; n messages cost n/1000 + 1") {
  Bench bench;
  std::set<DataKeyPtr> keys;
  for (int i = 0; i < 10'000; ++i) {
    keys.insert(bench.Seal());
    bench.RunTasks();
  }
  CHECK(keys.size() == 10);
  CHECK(bench.source.sealing() == 11);
}

TEST_CASE("key cache: a renewal that fails is tried again after a pause") {
  Bench bench;
  bench.Open("a");
  bench.Pass(seconds(295));
  bench.source.Fail(Error{Code::kUnavailable, "down"});
  bench.Open("a");
  bench.RunTasks();
  bench.Open("a");
  CHECK(bench.tasks.empty());
  bench.Pass(seconds(1));
  bench.Open("a");
  CHECK(bench.tasks.size() == 1);
  bench.source.Fail(std::nullopt);
  bench.RunTasks();
  bench.Pass(seconds(250));
  bench.Open("a");
  CHECK(bench.source.opening() == 3);
}

TEST_CASE("key cache: nobody waits for a renewal that has not begun") {
  Bench bench;
  const DataKeyPtr first = bench.Seal();
  bench.Pass(seconds(299));
  bench.Seal();
  REQUIRE(bench.tasks.size() == 1);
  bench.Pass(seconds(2));
  CHECK(bench.Seal() != first);  // asks itself
  bench.RunTasks();              // finds nothing left to do
  CHECK(bench.source.sealing() == 2);
}

TEST_CASE("key cache: zero turns caching off") {
  SECTION("the age, both") {
    Bench bench({.max_age = seconds(0)});
    CHECK(bench.Seal() != bench.Seal());
    CHECK(bench.Open("a") != bench.Open("a"));
    CHECK(bench.arena.in_use() == 0);
  }
  SECTION("messages or bytes, that of sealing") {
    const KeyCacheLimits limits =
        GENERATE(KeyCacheLimits{.max_messages = 0}, KeyCacheLimits{.max_bytes = 0});
    Bench bench(limits);
    CHECK(bench.Seal() != bench.Seal());
    CHECK(bench.Open("a") == bench.Open("a"));
    CHECK(bench.tasks.empty());
  }
  SECTION("entries, that of opening") {
    Bench bench({.max_entries = 0});
    CHECK(bench.Seal() == bench.Seal());
    CHECK(bench.Open("a") != bench.Open("a"));
    CHECK(bench.cache->Counts().entries == 0);
  }
}

}  // namespace coffer::key_cache_test
