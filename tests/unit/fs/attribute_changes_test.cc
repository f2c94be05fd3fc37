// When changes of attributes are sent, and what they must not stand in the way of.

#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <thread>

#include "fs/filesystem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::attribute_changes_test {

using namespace std::chrono_literals;

TEST_CASE("attribute_changes: the timer does not wait for a rename in the pool") {
  FakeStore store;
  store.Plant("f", "x");
  s3::FakeClock clock;
  auto options = LongTtl();
  options.attribute_delay = 10ms;
  Volume volume(store, options, {.clock = &clock, .threads = 1});
  fs::AttributeChange mode;
  mode.mode = 0600;
  REQUIRE(volume.Change("f", mode));
  std::promise<void> pool_is_free;
  bool free = false;
  const bool refused = GENERATE(false, true);
  store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation != Operation::kCopy || key != "g") return std::nullopt;
    clock.Advance(1min);  // the change is due from now on
    volume.pool().SubmitAfter(100ms, [&] { pool_is_free.set_value(); });
    free = pool_is_free.get_future().wait_for(5s) == std::future_status::ready;
    if (refused) return Fault{{Code::kDenied, "403"}};
    return std::nullopt;
  });
  CHECK(static_cast<bool>(volume.Rename("f", "g")) == !refused);
  CHECK(free);
  store.SetHook(nullptr);
  // Sent with the rename, or, when that failed, by the timer later on.
  const std::string name = refused ? "f" : "g";
  for (int i = 0; i < 1000 && !store.Info(name)->metadata.contains("mode"); ++i) {
    std::this_thread::sleep_for(10ms);
  }
  CHECK(store.Info(name)->metadata.at("mode") == "33152");
  CHECK(volume.fs().stats().deferred_attribute_failures == 0);
}

}  // namespace coffer::test::attribute_changes_test
