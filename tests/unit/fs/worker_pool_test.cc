#include "fs/worker_pool.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <stdexcept>
#include <thread>

#include "fs/mutex.h"

namespace coffer::fs::worker_pool_test {

using namespace std::chrono_literals;

// Tasks that block until Open().
class Gate {
 public:
  void Pass() {
    Lock lock(mu_);
    ++inside_;
    changed_.NotifyAll();
    while (!open_) changed_.Wait(mu_);
  }
  void Open() {
    Lock lock(mu_);
    open_ = true;
    changed_.NotifyAll();
  }
  void AwaitInside(int count) {
    Lock lock(mu_);
    while (inside_ < count) changed_.Wait(mu_);
  }

 private:
  Mutex mu_;
  Condition changed_;
  int inside_ = 0;
  bool open_ = false;
};

// How many run at once, and the most there ever were.
class Gauge {
 public:
  void Enter() {
    const int now = ++now_;
    int seen = most_;
    while (now > seen && !most_.compare_exchange_weak(seen, now)) {
    }
  }
  void Leave() { --now_; }
  int most() const { return most_; }

 private:
  std::atomic<int> now_{0};
  std::atomic<int> most_{0};
};

TEST_CASE("worker_pool: the destructor runs what is queued, also what queued tasks submit") {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(3);
    for (int i = 0; i < 50; ++i) {
      pool.Submit([&] {
        ++ran;
        pool.Submit([&] { ++ran; });
      });
    }
  }
  CHECK(ran == 100);
}

TEST_CASE("worker_pool: tasks run at once up to the limit and no further") {
  Gate gate;
  Gauge gauge;
  WorkerPool pool(4);
  CHECK(pool.threads() == 4);
  for (int i = 0; i < 10; ++i) {
    pool.Submit([&] {
      gauge.Enter();
      gate.Pass();
      gauge.Leave();
    });
  }
  gate.AwaitInside(4);
  std::this_thread::sleep_for(20ms);
  CHECK(pool.queued() == 6);
  CHECK(gauge.most() == 4);
  gate.Open();
}

TEST_CASE("worker_pool: a thread that is free is used again instead of starting another") {
  Mutex mu;
  std::set<std::thread::id> ids;
  std::atomic<int> ran{0};
  WorkerPool pool(8);
  for (int i = 1; i <= 20; ++i) {
    pool.Submit([&] {
      Lock lock(mu);
      ids.insert(std::this_thread::get_id());
      ++ran;
    });
    while (ran < i) std::this_thread::yield();
    std::this_thread::sleep_for(5ms);
  }
  Lock lock(mu);
  CHECK(ids.size() <= 3);  // 1, were it not for a thread still on its way back to the queue
}

TEST_CASE("worker_pool: an exception ends its task and nothing else") {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(1);
    pool.Submit([] { throw std::runtime_error("lost"); });
    pool.Submit([&] { ++ran; });
    TaskGroup group(pool, 1);
    group.Add([] { throw 7; });
    group.Add([&] { ++ran; });
    group.Wait();
  }
  CHECK(ran == 2);
}

TEST_CASE("worker_pool: delayed tasks run in order of their time, and not before it") {
  Gate last;
  Mutex mu;
  std::vector<int> order;
  const auto start = std::chrono::steady_clock::now();
  std::chrono::steady_clock::duration first_after{};
  WorkerPool pool(1);
  pool.SubmitAfter(60ms, [&] {
    {
      Lock lock(mu);
      order.push_back(2);
    }
    last.Pass();
  });
  pool.SubmitAfter(20ms, [&] {
    first_after = std::chrono::steady_clock::now() - start;
    Lock lock(mu);
    order.push_back(1);
  });
  last.AwaitInside(1);
  last.Open();
  CHECK(first_after >= 20ms);
  Lock lock(mu);
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("worker_pool: a busy queue does not starve a delayed task") {
  std::atomic<bool> ran{false};
  std::atomic<int> turns{0};
  std::function<void()> again;
  WorkerPool pool(1);
  again = [&] {
    if (ran || ++turns == 100'000) return;
    std::this_thread::sleep_for(1ms);
    pool.Submit(again);
  };
  pool.SubmitAfter(10ms, [&] { ran = true; });
  pool.Submit(again);
  while (!ran && turns < 5'000) std::this_thread::sleep_for(1ms);
  CHECK(ran);
}

TEST_CASE("worker_pool: the destructor drops what is delayed") {
  std::atomic<bool> ran{false};
  const auto start = std::chrono::steady_clock::now();
  {
    WorkerPool pool(2);
    pool.SubmitAfter(10min, [&] { ran = true; });
  }
  CHECK_FALSE(ran);
  CHECK(std::chrono::steady_clock::now() - start < 1min);
}

TEST_CASE("task_group: waits for all of its tasks, at most `width` at once") {
  WorkerPool pool(8);
  for (const std::size_t width : {1, 3, 100}) {
    Gauge gauge;
    std::atomic<int> ran{0};
    TaskGroup group(pool, width);
    for (int i = 0; i < 60; ++i) {
      group.Add([&] {
        gauge.Enter();
        std::this_thread::sleep_for(1ms);
        gauge.Leave();
        ++ran;
      });
    }
    group.Wait();
    CAPTURE(width);
    CHECK(ran == 60);
    CHECK(gauge.most() <= static_cast<int>(width));
    group.Add([&] { ++ran; });  // a group may be used again
    group.Wait();
    CHECK(ran == 61);
  }
}

TEST_CASE("task_group: a pool without a free thread does not stop the caller") {
  Gate gate;
  WorkerPool pool(1);
  pool.Submit([&] { gate.Pass(); });
  gate.AwaitInside(1);
  int ran = 0;
  {
    TaskGroup group(pool, 4);
    for (int i = 0; i < 10; ++i) group.Add([&] { ++ran; });
    group.Wait();
    CHECK(ran == 10);
    for (int i = 0; i < 10; ++i) group.Add([&] { ++ran; });
  }
  CHECK(ran == 20);
  gate.Open();
}

TEST_CASE("task_group: a long group leaves turns to others") {
  Gate gate;
  std::atomic<int> ran{0};
  std::atomic<int> ran_before_other{-1};
  WorkerPool pool(1);
  pool.Submit([&] { gate.Pass(); });
  gate.AwaitInside(1);
  TaskGroup group(pool, 1);
  for (int i = 0; i < 100; ++i) group.Add([&] { ++ran; });
  pool.Submit([&] { ran_before_other = ran.load(); });
  gate.Open();
  while (ran_before_other < 0) std::this_thread::yield();
  group.Wait();
  CHECK(ran == 100);
  CHECK(ran_before_other <= 2);
}

}  // namespace coffer::fs::worker_pool_test
