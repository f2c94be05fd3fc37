#include "fs/background.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/support/volume.h"

namespace coffer::test::background_test {

using namespace std::chrono_literals;

TEST_CASE("background: a task that throws has ended") {
  fs::WorkerPool pool(1);
  fs::Background background;
  background.Now(pool, [] { throw std::runtime_error("no memory, say"); });
  std::promise<void> next;
  background.Now(pool, [&] { next.set_value(); });
  next.get_future().wait();
  bool ended = false;
  MustEnd([&] {
    background.End();
    ended = true;
  });
  CHECK(ended);
}

// Says when what a task holds is gone.
struct Held {
  explicit Held(std::atomic<bool>& g, std::chrono::milliseconds s = 0ms) : gone(g), slowness(s) {}
  ~Held() {
    std::this_thread::sleep_for(slowness);
    gone = true;
  }
  std::atomic<bool>& gone;
  const std::chrono::milliseconds slowness;
};

TEST_CASE("background: what a task holds is gone when it has ended") {
  std::promise<void> go;
  const std::shared_future<void> told = go.get_future().share();
  std::atomic<bool> gone{false};
  fs::WorkerPool pool(1);
  fs::Background background;
  SECTION("of one that runs") {
    std::latch runs(1);
    auto held = std::make_shared<Held>(gone, 20ms);
    background.Now(pool, [&runs, held] { runs.count_down(); });
    held.reset();
    runs.wait();
  }
  SECTION("of one that waits for its time") {
    background.Later(pool, 1h, [held = std::make_shared<Held>(gone)] {});
  }
  SECTION("of one that waits for a thread") {
    pool.Submit([told] { told.wait(); });
    background.Now(pool, [held = std::make_shared<Held>(gone)] {});
    background.End();
    CHECK(gone);
    go.set_value();
  }
  SECTION("of one that comes too late") {
    background.End();
    background.Now(pool, [held = std::make_shared<Held>(gone)] {});
  }
  background.End();
  CHECK(gone);
}

}  // namespace coffer::test::background_test
