#include "fs/background.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/support/volume.h"

namespace coffer::test {
namespace {

TEST_CASE("background: a task that throws has ended") {
  fs::WorkerPool pool(1);
  fs::Background background;
  background.Now(pool, [] { throw std::runtime_error("no memory, say"); });
  background.Now(pool, [] {});
  MustEnd([&] { background.End(); });
}

}  // namespace
}  // namespace coffer::test
