#include "fs/cmd_rm.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <sstream>

#include "fs/exit_code.h"
#include "fs/json.h"
#include "tests/support/fake_store.h"

namespace coffer::fs::cmd_rm_test {

using test::FakeStore;
using test::Fault;
using test::Operation;

// Refuses to delete some keys, as a bucket policy does, and answers for the others.
class PickyStore : public FakeStore {
 public:
  std::set<std::string> refused;

  Result<std::vector<s3::FailedDelete>> DeleteMany(std::span<const s3::KeyToDelete> keys) override {
    std::vector<s3::KeyToDelete> allowed;
    std::vector<s3::FailedDelete> failures;
    for (const auto& key : keys) {
      if (refused.count(key.key) != 0) {
        failures.push_back({key.key, {Code::kDenied, "Access Denied", "AccessDenied"}});
      } else {
        allowed.push_back(key);
      }
    }
    auto done = FakeStore::DeleteMany(allowed);
    if (!done) return done;
    failures.insert(failures.end(), done->begin(), done->end());
    return failures;
  }
};

struct Run {
  explicit Run(s3::ObjectStore& store) : store_(store) {}

  int operator()(RemoveRequest request, const std::string& typed = "", bool interactive = false) {
    std::istringstream in(typed);
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    Console console{in, out_stream, err_stream, interactive};
    WorkerPool pool(8);
    const int code = RunRemove(store_, capabilities, pool, request, console);
    out = out_stream.str();
    err = err_stream.str();
    return code;
  }

  s3::Capabilities capabilities;
  std::string out;
  std::string err;

 private:
  s3::ObjectStore& store_;
};

RemoveRequest Tree(std::string key) {
  RemoveRequest request;
  request.shown = "s3://bucket/" + key;
  request.key = std::move(key);
  request.recursive = true;
  request.yes = true;
  return request;
}

void PlantMany(FakeStore& store, const std::string& prefix, int count) {
  for (int i = 0; i < count; ++i) store.Plant(prefix + std::to_string(i), "12345");
}

TEST_CASE("rm -r names a sealed volume among what it would remove", "[rm]") {
  FakeStore store;
  PlantMany(store, "a/", 3);
  store.Plant("a/vol/.coffer/volume", "descriptor");
  PlantMany(store, "b/!", 1200);
  store.Plant("b/.coffer/volume", "descriptor");
  PlantMany(store, "plain/", 3);
  Run run(store);
  const auto asked = [&](const std::string& key) {
    RemoveRequest request = Tree(key);
    request.yes = false;
    CHECK(run(request) != 0);
    return run.err;
  };
  CHECK(asked("a").find("the sealed volume at \"a/vol/\" among them") != std::string::npos);
  CHECK(asked("b").find("the sealed volume at \"b/\" among them") != std::string::npos);
  CHECK(asked("plain").find("sealed") == std::string::npos);
  CHECK(store.Keys().size() == 1208);
}

TEST_CASE("rm -r removes the tree and nothing beside it, within the budget", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 3500);
  store.Plant("dir/", "");
  store.Plant("dir//odd", "x");
  store.Plant("dir.txt", "x");
  store.Plant("dira/f", "x");
  store.ResetCounters();
  Run run(store);
  CHECK(run(Tree("dir/")) == kExitOk);
  CHECK(store.Keys() == std::vector<std::string>{"dir.txt", "dira/f"});
  CHECK(store.count(Operation::kList) == 4);
  CHECK(store.count(Operation::kDeleteMany) == 4);
  CHECK(store.requests() == 8);
  CHECK(run.err.empty());
}

TEST_CASE("rm -r says in JSON what it removed", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 3);
  Run run(store);
  auto request = Tree("dir");
  request.json = true;
  CHECK(run(request) == kExitOk);
  const Json json = Json::parse(run.out);
  CHECK(json["removed"] == 3);
  CHECK(json["bytes"] == 15);
  CHECK(json["complete"] == true);
  CHECK(json["failed"].empty());
}

TEST_CASE("rm -r lists what it could not remove and exits 3", "[rm]") {
  PickyStore store;
  PlantMany(store, "dir/f", 1200);
  store.refused = {"dir/f7", "dir/f1100"};
  Run run(store);
  auto request = Tree("dir/");
  request.json = true;
  CHECK(run(request) == kExitPartial);
  CHECK(store.Keys() == std::vector<std::string>{"dir/f1100", "dir/f7"});
  const Json json = Json::parse(run.out);
  CHECK(json["removed"] == 1198);
  CHECK(json["bytes"] == 1198 * 5);
  CHECK(json["complete"] == false);
  CHECK(json["failed"].size() == 2);
  CHECK_THAT(run.err, Catch::Contains("not removed: dir/f7: Access Denied") &&
                          Catch::Contains("not removed: dir/f1100: Access Denied"));
}

TEST_CASE("rm -r that may remove nothing exits 5 and claims nothing", "[rm]") {
  PickyStore store;
  store.Plant("dir/a", "x");
  store.refused = {"dir/a"};
  Run run(store);
  CHECK(run(Tree("dir/")) == kExitAccess);
  CHECK_THAT(run.out, Catch::Contains("removed 0 objects"));
}

TEST_CASE("a batch whose reply is lost counts as not removed, and rm stops", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 2500);
  int batches = 0;
  std::mutex mutex;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    std::lock_guard lock(mutex);
    if (operation != Operation::kDeleteMany || ++batches != 2) return std::nullopt;
    return Fault{{Code::kUnavailable, "connection reset"}, true};
  });
  Run run(store);
  auto request = Tree("dir/");
  request.json = true;
  CHECK(run(request) == kExitPartial);
  const Json json = Json::parse(run.out);
  CHECK(json["complete"] == false);
  CHECK(json["removed"].get<int>() + json["failed_count"].get<int>() <= 2500);
  CHECK(json["failed_count"].get<int>() >= 500);
  CHECK(json["stopped"] == "connection reset");
}

TEST_CASE("a listing that breaks off is no success", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 2500);
  int lists = 0;
  store.SetHook([&](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kList || ++lists != 2) return std::nullopt;
    return Fault{{Code::kTimeout, "no progress"}, false};
  });
  Run run(store);
  CHECK(run(Tree("dir/")) == kExitPartial);
  CHECK_THAT(run.err, Catch::Contains("stopped before the end: list what is left: no progress"));
  CHECK(store.Keys().size() == 1500);

  store.SetHook([](Operation, std::string_view) -> std::optional<Fault> {
    return Fault{{Code::kDenied, "Access Denied"}, false};
  });
  CHECK(run(Tree("dir/")) == kExitAccess);
}

TEST_CASE("without DeleteObjects every key has a request of its own", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 230);
  store.ResetCounters();
  Run run(store);
  run.capabilities.delete_objects = false;
  CHECK(run(Tree("dir/")) == kExitOk);
  CHECK(store.Keys().empty());
  CHECK(store.count(Operation::kDelete) == 230);
  CHECK(store.count(Operation::kDeleteMany) == 0);
}

TEST_CASE("an unsorted listing is read until nothing is left", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 10);
  store.ResetCounters();
  Run run(store);
  run.capabilities.sorted_list = false;
  CHECK(run(Tree("dir/")) == kExitOk);
  CHECK(store.count(Operation::kList) == 2);
}

TEST_CASE("rm asks on a terminal and refuses without one", "[rm]") {
  FakeStore store;
  PlantMany(store, "dir/f", 1001);
  Run run(store);
  auto request = Tree("dir/");
  request.yes = false;
  CHECK(run(request) == kExitUsage);
  CHECK_THAT(run.err, Catch::Contains("more than 1000 objects") && Catch::Contains("--yes"));
  CHECK(run(request, "n\n", true) == kExitFailed);
  CHECK(store.Keys().size() == 1001);
  CHECK(run(request, "y\n", true) == kExitOk);
  CHECK(store.Keys().empty());
  CHECK_THAT(run.err, Catch::Contains("\rremoved 1001"));
}

TEST_CASE("the whole bucket needs a word of its own", "[rm]") {
  FakeStore store;
  store.Plant("a", "x");
  store.Plant("/odd", "x");
  Run run(store);
  for (const char* key : {"", "/", "//"}) {
    CHECK(run(Tree(key)) == kExitUsage);
    CHECK_THAT(run.err, Catch::Contains("--whole-bucket"));
  }
  CHECK(store.Keys().size() == 2);
  auto request = Tree("");
  request.whole_bucket = true;
  CHECK(run(request) == kExitOk);
  CHECK(store.Keys().empty());
}

TEST_CASE("a directory needs -r, a file does not", "[rm]") {
  FakeStore store;
  store.Plant("dir/a", "x");
  store.Plant("file", "x");
  Run run(store);
  auto request = Tree("dir");
  request.recursive = false;
  CHECK(run(request) == kExitUsage);
  CHECK_THAT(run.err, Catch::Contains("add -r"));
  for (const char* key : {"file", "file/"}) {  // s3://bucket/file is parsed as a prefix
    store.Plant("file", "x");
    request = Tree(key);
    request.recursive = false;
    CHECK(run(request) == kExitOk);
    CHECK(store.Keys() == std::vector<std::string>{"dir/a"});
  }
  CHECK(run(Tree("file")) == kExitFailed);
  CHECK_THAT(run.err, Catch::Contains("nothing there"));
}

TEST_CASE("a network failure is not 'nothing there'", "[rm]") {
  FakeStore store;
  store.SetHook([](Operation operation, std::string_view) -> std::optional<Fault> {
    if (operation != Operation::kHead) return std::nullopt;
    return Fault{{Code::kUnavailable, "connection refused"}, false};
  });
  Run run(store);
  CHECK(run(Tree("file")) == kExitFailed);
  CHECK_THAT(run.err, Catch::Contains("connection refused") && !Catch::Contains("nothing there"));
}

TEST_CASE("a read-only kind of address is refused before any request", "[rm]") {
  FakeStore store;
  Run run(store);
  run.capabilities.write = false;
  CHECK(run(Tree("dir/")) == kExitFailed);
  CHECK(store.requests() == 0);
}

TEST_CASE("rm: a locked object stays, and is told; a look at each is what that costs") {
  FakeStore::Options options;
  options.versioned = true;
  options.object_lock = true;
  FakeStore store(options);
  PlantMany(store, "d/", 20);
  const auto hold = [](s3::ObjectInfo& info) { info.lock.legal_hold = true; };
  store.Edit("d/7", hold);
  Run run(store);
  RemoveRequest request = Tree("d/");
  request.locks.enabled = true;
  store.ResetCounters();
  CHECK(run(request) == kExitPartial);
  CHECK(store.Keys() == std::vector<std::string>{"d/7"});
  CHECK(run.err.find("d/7: the file is locked: legal hold") != std::string::npos);
  CHECK(store.count(test::Operation::kHead) == 20);
  CHECK(store.count(test::Operation::kDeleteMany) == 1);
  request.key = "d/7";
  request.recursive = false;
  CHECK(run(request) == kExitFailed);
  CHECK(store.Has("d/7"));
}

}  // namespace coffer::fs::cmd_rm_test
