#include "fs/body_ahead.h"

#include <catch2/catch.hpp>
#include <future>
#include <latch>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/fake_clock.h"
#include "tests/support/volume.h"

namespace coffer::fs::body_ahead_test {

using namespace std::chrono_literals;
using test::MustEnd;

constexpr std::uint64_t kFileSize = 1'000;

FileVersion VersionOf(const std::string& etag, std::uint64_t size = kFileSize) {
  return {etag, "", size, 0};
}

Result<s3::Fetched> BodyOf(const std::string& etag, std::uint64_t size = kFileSize) {
  s3::Fetched fetched;
  fetched.info.etag = etag;
  fetched.info.size = size;
  fetched.body.resize(size);
  return fetched;
}

struct Ahead {
  explicit Ahead(std::uint64_t limit = 64u << 20, std::size_t threads = 64)
      : budget(limit), pool(threads), bodies({pool, budget, clock, counters}, 1000ms) {}

  bool Fetch(const std::string& key, std::uint64_t size = kFileSize) {
    return bodies.Fetch(key, VersionOf("e", size), run, [this, size] {
      ++asked;
      return BodyOf("e", size);
    });
  }
  // Until nothing is on its way.
  void Settle() {
    MustEnd([&] { test::Quiesce(pool); });
  }

  s3::FakeClock clock;
  std::shared_ptr<ReadCounters> counters = std::make_shared<ReadCounters>();
  MemoryBudget budget;
  BodyAhead::RunPtr run = std::make_shared<BodyAhead::Run>();
  std::atomic<std::uint64_t> asked{0};
  WorkerPool pool;
  BodyAhead bodies;
};

TEST_CASE("body_ahead: is handed over once, with its memory") {
  Ahead ahead;
  REQUIRE(ahead.Fetch("d/f"));
  ahead.Settle();
  CHECK(ahead.Fetch("d/f"));  // there already
  CHECK(ahead.budget.used() == kFileSize);
  const auto body = ahead.bodies.Take("d/f", "e");
  REQUIRE(body);
  CHECK(body->body.size() == kFileSize);
  CHECK(ahead.budget.used() == 0);
  CHECK_FALSE(ahead.bodies.Take("d/f", "e"));
  CHECK(ahead.asked == 1);
  CHECK(ahead.counters->files_ahead == 1);
  CHECK(ahead.counters->files_in_vain == 0);
  CHECK(ahead.run->unread == 0);
}

TEST_CASE("body_ahead: another version is not handed over, and goes") {
  Ahead ahead;
  REQUIRE(ahead.Fetch("d/f"));
  ahead.Settle();
  CHECK_FALSE(ahead.bodies.Take("d/f", "newer"));
  CHECK(ahead.budget.used() == 0);
  CHECK(ahead.run->unread == 1);
  CHECK(ahead.counters->files_in_vain == 1);
  CHECK(ahead.counters->bytes_in_vain == kFileSize);
}

TEST_CASE("body_ahead: serves for the time to live from when it was asked for") {
  Ahead ahead;
  REQUIRE(ahead.Fetch("a"));
  ahead.Settle();
  ahead.clock.Advance(1000ms);
  CHECK(ahead.bodies.Take("a", "e"));
  REQUIRE(ahead.Fetch("b"));
  ahead.Settle();
  ahead.clock.Advance(1001ms);
  CHECK_FALSE(ahead.bodies.Take("b", "e"));
  CHECK(ahead.run->unread == 1);

  SECTION("also when it was long on its way") {
    std::promise<void> go;
    REQUIRE(ahead.bodies.Fetch("c", VersionOf("e"), ahead.run, [&] {
      go.get_future().wait();
      return BodyOf("e");
    }));
    MustEnd([&] {
      while (ahead.counters->files_ahead < 3) std::this_thread::sleep_for(1ms);
    });
    auto taken = std::async(std::launch::async, [&] { return ahead.bodies.Take("c", "e"); });
    CHECK(taken.wait_for(20ms) == std::future_status::timeout);
    ahead.clock.Advance(1001ms);
    go.set_value();
    CHECK_FALSE(taken.get());
  }
  SECTION("and nobody has to come by for old ones to go") {
    REQUIRE(ahead.Fetch("c"));
    ahead.Settle();
    ahead.clock.Advance(1001ms);
    MustEnd([&] {
      while (ahead.budget.used() > 0) std::this_thread::sleep_for(1ms);
    });
    CHECK(ahead.run->unread == 2);
  }
}

TEST_CASE("body_ahead: an open waits for what is on its way") {
  Ahead ahead;
  std::promise<void> go;
  REQUIRE(ahead.bodies.Fetch("a", VersionOf("e"), ahead.run, [&] {
    go.get_future().wait();
    return BodyOf("e");
  }));
  MustEnd([&] {
    while (ahead.counters->files_ahead == 0) std::this_thread::sleep_for(1ms);
  });
  auto taken = std::async(std::launch::async, [&] { return ahead.bodies.Take("a", "e"); });
  CHECK(taken.wait_for(20ms) == std::future_status::timeout);
  SECTION("and has it") {
    go.set_value();
    CHECK(taken.get());
  }
  SECTION("unless this mount changes the file: then it asks for itself") {
    ahead.bodies.Drop("a");
    CHECK_FALSE(taken.get());
    go.set_value();
    CHECK_FALSE(ahead.bodies.Take("a", "e"));
    MustEnd([&] {
      while (ahead.budget.used() > 0) std::this_thread::sleep_for(1ms);
    });
    CHECK(ahead.counters->bytes_in_vain == kFileSize);
  }
}

TEST_CASE("body_ahead: what waits for a thread is left to the open") {
  Ahead ahead(64u << 20, 1);
  std::latch busy(1);
  ahead.pool.Submit([&] { busy.wait(); });
  REQUIRE(ahead.Fetch("a"));
  CHECK_FALSE(ahead.bodies.Take("a", "e"));
  CHECK(ahead.budget.used() == 0);
  busy.count_down();
  std::promise<void> later;
  ahead.pool.Submit([&] { later.set_value(); });
  later.get_future().wait();
  CHECK(ahead.asked == 0);
  CHECK(ahead.run->unread == 0);  // it cost nothing
}

TEST_CASE("body_ahead: what is changed below a directory is dropped, and nothing beside it") {
  Ahead ahead;
  for (const char* key : {"d", "d-e", "d/a", "d/b/c", "d0", "e"}) REQUIRE(ahead.Fetch(key));
  ahead.Settle();
  const auto has = [&](const char* key) { return ahead.bodies.Take(key, "e").has_value(); };
  SECTION("a directory") {
    ahead.bodies.Drop("d/");
    for (const char* key : {"d/a", "d/b/c"}) CHECK_FALSE(has(key));
    for (const char* key : {"d", "d-e", "d0", "e"}) CHECK(has(key));
  }
  SECTION("a file") {
    ahead.bodies.Drop("d");
    CHECK_FALSE(has("d"));
    for (const char* key : {"d-e", "d/a", "d/b/c", "d0", "e"}) CHECK(has(key));
  }
  SECTION("everything") {
    ahead.bodies.Drop("");
    for (const char* key : {"d", "d-e", "d/a", "d/b/c", "d0", "e"}) CHECK_FALSE(has(key));
  }
}

TEST_CASE("body_ahead: no more than 32 files, of whoever") {
  Ahead ahead;
  for (int i = 0; i < 32; ++i) REQUIRE(ahead.Fetch("f" + std::to_string(i)));
  CHECK_FALSE(ahead.Fetch("more"));
  ahead.Settle();
  SECTION("one that was read makes room") {
    CHECK(ahead.bodies.Take("f0", "e"));
    CHECK(ahead.Fetch("more"));
    CHECK(ahead.run->unread == 0);
  }
  SECTION("those that a reader went past do, too") {
    ahead.bodies.Skip("f1");
    ahead.bodies.Skip("f2");
    ahead.bodies.Skip("f2");
    CHECK(ahead.run->unread == 2);
    CHECK(ahead.bodies.Take("f2", "e"));  // came late
    CHECK(ahead.run->unread == 1);
    ahead.bodies.Skip("f3");
    CHECK(ahead.Fetch("f2"));
    ahead.Settle();
    CHECK(ahead.Fetch("more"));
    CHECK_FALSE(ahead.bodies.Take("f1", "e"));
    CHECK(ahead.run->unread == 2);
    CHECK(ahead.counters->files_in_vain == 2);
  }
}

TEST_CASE("body_ahead: half of the pool's threads at most, so that others find one") {
  Ahead ahead(64u << 20, 8);
  std::latch go(1);
  for (int i = 0; i < 4; ++i) {
    CHECK(ahead.bodies.Fetch("f" + std::to_string(i), VersionOf("e"), ahead.run, [&go] {
      go.wait();
      return BodyOf("e");
    }));
  }
  CHECK_FALSE(ahead.Fetch("more"));
  go.count_down();
  ahead.Settle();
  CHECK(ahead.Fetch("more"));
}

TEST_CASE("body_ahead: what waits for a thread is not asked for once reading is refused") {
  Ahead ahead(64u << 20, 4);
  std::latch busy(1);
  for (int i = 0; i < 4; ++i) ahead.pool.Submit([&] { busy.wait(); });
  REQUIRE(ahead.Fetch("a"));
  ahead.run->refused = true;
  busy.count_down();
  ahead.Settle();
  CHECK(ahead.asked == 0);
  CHECK(ahead.budget.used() == 0);
}

TEST_CASE("body_ahead: an open waits no longer than what it waits for would serve") {
  WorkerPool pool(4);
  MemoryBudget budget(1u << 20);
  const s3::SystemClock clock;
  std::promise<void> go;
  BodyAhead bodies({pool, budget, clock, std::make_shared<ReadCounters>()}, 200ms);
  std::latch asked(1);
  REQUIRE(bodies.Fetch("a", VersionOf("e"), std::make_shared<BodyAhead::Run>(), [&] {
    asked.count_down();
    go.get_future().wait();
    return BodyOf("e");
  }));
  asked.wait();
  MustEnd([&] { CHECK_FALSE(bodies.Take("a", "e")); });
  go.set_value();
}

TEST_CASE("body_ahead: no more than 8 MiB, and half of what is free of the memory") {
  constexpr std::uint64_t kLarge = 3u << 20;
  SECTION("8 MiB") {
    Ahead ahead;
    CHECK(ahead.Fetch("a", kLarge));
    CHECK(ahead.Fetch("b", kLarge));
    CHECK_FALSE(ahead.Fetch("c", kLarge));
    CHECK(ahead.Fetch("d", 2u << 20));
  }
  SECTION("half of what is free") {
    Ahead ahead(7u << 20);
    CHECK(ahead.Fetch("a", kLarge));
    CHECK_FALSE(ahead.Fetch("b", kLarge));
    CHECK(ahead.budget.high_water() == kLarge);
  }
  SECTION("nothing where nothing is free") {
    Ahead ahead(1u << 20);
    const Reservation all = ahead.budget.TryReserve(1u << 20);
    CHECK_FALSE(ahead.Fetch("a"));
    CHECK(ahead.asked == 0);
  }
}

TEST_CASE("body_ahead: gives idle memory back to who wants it") {
  Ahead ahead(10 * kFileSize);
  REQUIRE(ahead.Fetch("a"));
  ahead.Settle();
  CHECK(ahead.budget.TryReserve(10 * kFileSize).size() == 0);  // not idle
  std::this_thread::sleep_for(1100ms);
  CHECK(ahead.budget.TryReserve(10 * kFileSize).size() == 10 * kFileSize);
  CHECK_FALSE(ahead.bodies.Take("a", "e"));
}

TEST_CASE("body_ahead: a failure is forgotten, and told to who plans") {
  Ahead ahead;
  const auto fail = [&](Code code) {
    REQUIRE(ahead.bodies.Fetch("a", VersionOf("e"), ahead.run, [code]() -> Result<s3::Fetched> {
      return Error{code, "no"};
    }));
    MustEnd([&] {
      while (ahead.budget.used() > 0) std::this_thread::sleep_for(1ms);
    });
    CHECK_FALSE(ahead.bodies.Take("a", "e"));
  };
  for (const Code code : {Code::kChanged, Code::kNotFound, Code::kUnavailable, Code::kCorrupt}) {
    fail(code);
    CHECK_FALSE(ahead.run->refused);
  }
  CHECK(ahead.run->unread == 4);
  CHECK(ahead.counters->files_in_vain == 4);
  for (const Code code : {Code::kDenied, Code::kArchived, Code::kKeyMissing, Code::kKeyDisabled}) {
    fail(code);
    CHECK(ahead.run->refused.exchange(false));
  }
}

TEST_CASE("body_ahead: its end waits for what runs") {
  auto ahead = std::make_unique<Ahead>(64u << 20, 1);
  std::latch asked(1);
  std::promise<void> go;
  REQUIRE(ahead->bodies.Fetch("a", VersionOf("e"), ahead->run, [&] {
    asked.count_down();
    go.get_future().wait();
    return BodyOf("e");
  }));
  asked.wait();
  auto ended = std::async(std::launch::async, [&] { ahead = nullptr; });
  CHECK(ended.wait_for(20ms) == std::future_status::timeout);
  go.set_value();
  MustEnd([&] { ended.wait(); });
}

}  // namespace coffer::fs::body_ahead_test
