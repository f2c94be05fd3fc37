// Commits that fail, and commits that meet a rename.

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "fs/filesystem.h"
#include "tests/support/fake_store.h"
#include "tests/support/volume.h"

namespace coffer::test::commit_test {

using namespace std::chrono_literals;

TEST_CASE("commit: after a failure the name shows what the bucket has") {
  FakeStore store;
  store.Plant("old", "theirs");
  Volume volume(store, LongTtl());
  const std::string name = GENERATE("old", "new");
  const auto handle = volume.Open(name, O_WRONLY | O_CREAT | O_TRUNC);
  REQUIRE(handle);
  REQUIRE(volume.fs().Write(*handle, 0, AsBytes("mine")));
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation == Operation::kPut) return Fault{{Code::kDenied, "403"}};
    return std::nullopt;
  });
  CHECK(volume.fs().Fsync(*handle).error().code == Code::kDenied);
  store.SetHook(nullptr);

  if (name == "old") CHECK(*volume.Read("old") == "theirs");
  if (name == "new") CHECK(volume.Look("new").error().code == Code::kNotFound);
  REQUIRE(volume.Write(name, "again"));
  // The handle that failed goes on saying so, and changes nothing.
  CHECK(volume.fs().Fsync(*handle).error().code == Code::kDenied);
  CHECK(volume.Close(*handle).error().code == Code::kDenied);
  CHECK(store.Body(name) == "again");
  CHECK(*volume.Read(name) == "again");
  CHECK(volume.fs().stats().rescued_files == 1);
}

// Steps of a test that waits for others to get somewhere.
class Steps {
 public:
  void Reach(int step) {
    const std::lock_guard lock(mu_);
    reached_ = std::max(reached_, step);
    changed_.notify_all();
  }
  bool Await(int step, std::chrono::milliseconds limit = 20s) {
    std::unique_lock lock(mu_);
    return changed_.wait_for(lock, limit, [&] { return reached_ >= step; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  int reached_ = 0;
};

// p/d becomes q/e while p/d/new is written, and q becomes r right after: the file is never sent to
// a name below q while q is on its way, and is r/e/new in the end.
TEST_CASE("commit: a name that moved while the commit waited is held under its new key") {
  FakeStore store;
  for (const char* key : {"p/d/x", "q/y"}) store.Plant(key, "x");
  Volume volume(store, LongTtl());
  auto& fs = volume.fs();
  const auto directory = volume.Look("p/d");
  REQUIRE(directory);
  REQUIRE(volume.Look("q/y"));
  REQUIRE_FALSE(volume.Exists("r"));
  enum { kFirstCopies = 1, kOthersStarted, kSecondCopies, kPut };
  Steps steps;
  std::atomic<bool> overtaken{false};
  store.SetHook([&](Operation operation, std::string_view key) -> std::optional<Fault> {
    if (operation == Operation::kCopy && key == "q/e/x") {
      steps.Reach(kFirstCopies);
      steps.Await(kOthersStarted);
      steps.Await(kPut, 50ms);  // nobody gets past the gate meanwhile
    } else if (operation == Operation::kCopy && key == "r/y") {
      steps.Reach(kSecondCopies);
      steps.Await(kPut, 300ms);
    } else if (operation == Operation::kPut) {
      if (key.starts_with("q/")) overtaken = steps.Await(kSecondCopies, 300ms);
      steps.Reach(kPut);
    }
    return std::nullopt;
  });
  std::atomic<int> failed{0};  // Catch's own assertions belong to one thread
  std::thread first([&] { failed += volume.Rename("p/d", "q/e") ? 0 : 1; });
  REQUIRE(steps.Await(kFirstCopies));
  const auto created = fs.Create(directory->node, "new", 0644, O_WRONLY, {});
  REQUIRE(created);
  REQUIRE(fs.Write(created->open.handle, 0, AsBytes("new")));
  std::thread commit([&] { failed += volume.Close(created->open.handle) ? 0 : 1; });
  std::thread second(
      [&] { failed += fs.Rename(fs::kRootNode, "q", fs::kRootNode, "r", false) ? 0 : 1; });
  steps.Reach(kOthersStarted);
  for (std::thread* thread : {&first, &commit, &second}) thread->join();
  store.SetHook(nullptr);
  CHECK(failed == 0);
  CHECK_FALSE(overtaken);
  CHECK(store.Body("r/e/new") == "new");
  CHECK_FALSE(store.Has("q/e/new"));
  CHECK(*volume.Read("r/e/new") == "new");
}

}  // namespace coffer::test::commit_test
