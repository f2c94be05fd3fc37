#include "fs/memory_budget.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>
#include <utility>
#include <vector>

namespace coffer::fs::memory_budget_test {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

TEST_CASE("memory_budget: a reservation takes, shrinks, moves, merges and gives back") {
  MemoryBudget budget(100);
  {
    Reservation a = budget.TryReserve(60);
    CHECK(a.size() == 60);
    CHECK(budget.used() == 60);
    CHECK(budget.TryReserve(41).size() == 0);
    a.Shrink(10);
    a.Shrink(50);  // never grows
    CHECK(a.size() == 10);
    Reservation b = std::move(a);
    CHECK(b.size() == 10);
    b.Add(budget.TryReserve(20));
    b.Add({});
    CHECK(b.size() == 30);
    b = budget.TryReserve(70);  // the new one is taken before the old one goes
    CHECK(b.size() == 70);
    CHECK(budget.used() == 70);
    Reservation empty;
    empty.Add(std::move(b));
    CHECK(empty.size() == 70);
  }
  CHECK(budget.used() == 0);
  CHECK(budget.high_water() == 100);
  CHECK(budget.limit() == 100);
}

TEST_CASE("memory_budget: more than the limit is never granted, and not waited for") {
  MemoryBudget budget(100);
  CHECK(budget.TryReserve(101).size() == 0);
  CHECK(budget.TryReserve(~0ull).size() == 0);
  const auto start = SteadyClock::now();
  CHECK(budget.Reserve(101, start + 10s).size() == 0);
  CHECK(SteadyClock::now() - start < 5s);
  CHECK(budget.Reserve(100, start).size() == 100);
}

TEST_CASE("memory_budget: Reserve ends at its deadline, and with it the place in the queue") {
  MemoryBudget budget(100);
  const Reservation all = budget.TryReserve(90);
  CHECK(budget.Reserve(20, SteadyClock::now() + 30ms).size() == 0);
  CHECK(budget.TryReserve(10).size() == 10);
}

TEST_CASE("memory_budget: Reserve gets what others give back, and is not overtaken") {
  MemoryBudget budget(100);
  Reservation held = budget.TryReserve(90);
  std::atomic<bool> got{false};
  std::thread waiter([&] {
    const Reservation mine = budget.Reserve(50, SteadyClock::now() + 60s);
    got = mine.size() == 50;
  });
  while (budget.TryReserve(5).size() != 0) std::this_thread::sleep_for(1ms);
  CHECK(budget.used() == 90);  // 5 would fit, but somebody waits
  held.Shrink(50);
  waiter.join();
  CHECK(got);
  CHECK(budget.used() == 50);
  CHECK(budget.TryReserve(5).size() == 5);
}

TEST_CASE("memory_budget: many threads never exceed the limit, and all get their turn") {
  MemoryBudget budget(1'000);
  std::atomic<int> granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        const auto size = static_cast<std::uint64_t>(1 + (i * 37 + t * 101) % 900);
        Reservation mine = budget.Reserve(size, SteadyClock::now() + 60s);
        if (mine.size() == size) ++granted;
        mine.Shrink(size / 2);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(granted == 1'600);
  CHECK(budget.used() == 0);
  CHECK(budget.high_water() <= 1'000);
}

class Hoard : public MemoryHolder {
 public:
  explicit Hoard(Reservation held) : held_(std::move(held)) {}
  void Touch() {
    Lock lock(mu_);
    used_at_ = SteadyClock::now();
  }
  void GiveBack(SteadyClock::time_point idle_since) override {
    Lock lock(mu_);
    ++asked_;
    if (used_at_ < idle_since) held_.Shrink(0);
  }
  int asked() {
    Lock lock(mu_);
    return asked_;
  }

 private:
  Mutex mu_;
  Reservation held_ GUARDED_BY(mu_);
  SteadyClock::time_point used_at_ GUARDED_BY(mu_) = SteadyClock::now();
  int asked_ GUARDED_BY(mu_) = 0;
};

TEST_CASE("memory_budget: holders are asked only when memory runs out, and only idle ones give") {
  MemoryBudget budget(100);
  const auto idle = std::make_shared<Hoard>(budget.TryReserve(40));
  const auto busy = std::make_shared<Hoard>(budget.TryReserve(40));
  budget.Register(idle);
  budget.Register(busy);
  CHECK(budget.TryReserve(20).size() == 20);
  CHECK(idle->asked() == 0);
  CHECK(budget.TryReserve(30).size() == 0);  // asked, but not idle yet
  CHECK(idle->asked() == 1);
  std::this_thread::sleep_for(1100ms);
  busy->Touch();
  const Reservation more = budget.TryReserve(30);
  CHECK(more.size() == 30);
  CHECK(budget.used() == 70);
}

TEST_CASE("memory_budget: a waiting Reserve keeps asking, so what becomes idle later helps it") {
  MemoryBudget budget(100);
  const auto holder = std::make_shared<Hoard>(budget.TryReserve(80));
  budget.Register(holder);
  CHECK(budget.Reserve(50, SteadyClock::now() + 60s).size() == 50);
  CHECK(holder->asked() >= 2);
}

TEST_CASE("memory_budget: holders that are gone are forgotten") {
  MemoryBudget budget(100);
  for (int i = 0; i < 1'000; ++i) budget.Register(std::make_shared<Hoard>(Reservation{}));
  CHECK(budget.TryReserve(101).size() == 0);
  const Reservation all = budget.TryReserve(100);
  CHECK(budget.TryReserve(1).size() == 0);
}

}  // namespace coffer::fs::memory_budget_test
