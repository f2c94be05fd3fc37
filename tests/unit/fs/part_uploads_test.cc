#include "fs/part_uploads.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/fake_store.h"
#include "tests/support/recording_store.h"

namespace coffer::fs::part_uploads_test {

using namespace std::chrono_literals;
using test::FakeStore;
using test::Operation;
using test::RecordingStore;

class Counting : public UploadObserver {
 public:
  void Began(const s3::Upload&) override { ++open; }
  void Ended(const s3::Upload&) override { --open; }
  std::atomic<int> open{0};
};

struct Bench {
  PartUploads::Shared Shared(std::size_t width) { return {store, pool, observer, width}; }
  PartBuffer Part(const std::string& text) {
    PartBuffer buffer;
    buffer.Give(budget.TryReserve(text.size()), text.size());
    buffer.Append(AsBytes(text));
    return buffer;
  }
  FakeStore fake{FakeStore::Options{.latency = 1ms}};
  RecordingStore store{fake};
  MemoryBudget budget{1u << 20};
  Counting observer;
  WorkerPool pool{8};
};

TEST_CASE("part_uploads: parts run in parallel, in any order, and end as one object") {
  Bench bench;
  bench.fake.Plant("old", "OLD!");
  const std::string etag = bench.fake.Info("old")->etag;
  PartUploads uploads(bench.Shared(3));
  REQUIRE(uploads.Begin("k", {}));
  CHECK(bench.observer.open == 1);
  std::string expected;
  REQUIRE(uploads.SendCopyNow(1, "old", {0, 3}, etag));
  REQUIRE(uploads.SendCopy(2, "old", {3, 1}, etag));
  for (int n = 3; n <= 30; ++n) {
    const std::string text = "part " + std::to_string(n) + ";";
    REQUIRE(uploads.Send({n}, bench.Part(text)));
    expected += text;
  }
  REQUIRE(uploads.SendNow({31}, AsBytes("end")));
  REQUIRE(uploads.Complete(s3::Condition::Absent()));
  CHECK(bench.fake.Body("k") == "OLD!" + expected + "end");
  CHECK(bench.store.most_at_once() >= 2);
  CHECK(bench.store.most_at_once() <= 4);
  CHECK(bench.observer.open == 0);
  CHECK(bench.budget.used() == 0);
}

TEST_CASE("part_uploads: after a failure nothing more starts, and the abort comes last") {
  Bench bench;
  std::atomic<int> parts{0};
  bench.fake.SetHook([&](Operation operation, std::string_view) -> std::optional<test::Fault> {
    if (operation != Operation::kUploadPart || ++parts != 2) return std::nullopt;
    return test::Fault{{Code::kDenied, "no"}, false};
  });
  PartUploads uploads(bench.Shared(4));
  REQUIRE(uploads.Begin("k", {}));
  int accepted = 0;
  while (accepted < 1'000 && uploads.Send({accepted + 1}, bench.Part("x"))) ++accepted;
  CHECK(accepted < 20);
  CHECK(uploads.Wait().error().code == Code::kDenied);
  CHECK(uploads.SendNow({99}, AsBytes("x")).error().code == Code::kDenied);
  CHECK(uploads.Complete({}).error().code == Code::kDenied);
  uploads.Abort();
  CHECK(bench.store.overtaken() == 0);
  CHECK(bench.fake.open_uploads() == 0);
  CHECK(bench.observer.open == 0);
  CHECK(bench.budget.used() == 0);
}

TEST_CASE("part_uploads: a busy pool does not stop the owner") {
  std::atomic<bool> release{false};  // outlives the pool
  Bench bench;
  for (int i = 0; i < 8; ++i) {
    bench.pool.Submit([&] {
      while (!release) std::this_thread::sleep_for(1ms);
    });
  }
  {
    PartUploads uploads(bench.Shared(2));
    REQUIRE(uploads.Begin("k", {}));
    for (int n = 1; n <= 10; ++n) REQUIRE(uploads.Send({n}, bench.Part("x")));
    REQUIRE(uploads.Complete({}));
  }
  CHECK(bench.fake.Body("k") == "xxxxxxxxxx");
  release = true;
}

TEST_CASE("part_uploads: what never began is not aborted; what was not completed is") {
  Bench bench;
  {
    PartUploads never(bench.Shared(2));
    PartUploads dropped(bench.Shared(2));
    REQUIRE(dropped.Begin("k", {}));
    REQUIRE(dropped.Send({1}, bench.Part("x")));
  }
  CHECK(bench.fake.count(Operation::kAbortUpload) == 1);
  CHECK(bench.fake.open_uploads() == 0);
  CHECK(bench.store.overtaken() == 0);
}

}  // namespace coffer::fs::part_uploads_test
