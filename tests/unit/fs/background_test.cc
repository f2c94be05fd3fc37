#include "fs/background.h"

#include <catch2/catch.hpp>
#include <future>
#include <stdexcept>

#include "tests/support/volume.h"

namespace coffer::test::background_test {

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

}  // namespace coffer::test::background_test
