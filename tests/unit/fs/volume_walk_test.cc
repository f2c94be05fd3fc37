#include "fs/volume_walk.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include "tests/support/fake_store.h"
#include "tests/support/temp_directory.h"

namespace coffer::fs::volume_walk_test {

using test::FakeStore;

// Walks again and again over one store, on one machine.
std::string Key(int i) {
  const std::string digits = std::to_string(i);
  return "vol/" + std::string(6 - digits.size(), '0') + digits;
}

struct Bench {
  WalkRequest Request() const {
    WalkRequest request;
    request.prefix = "vol/";
    request.journal = {state.path(), "verify", "bucket/vol/", "strict"};
    request.doing = "verified";
    return request;
  }
  // What `judge` says, with every visit counted.
  WalkReport Run(WalkRequest request, const VolumeWalk::Visitor& judge) {
    WorkerPool pool(4);
    VolumeWalk walk(store, pool, std::move(request));
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    Console console{in, out, err, interactive};
    const WalkReport report = walk.Run(
        [&](const s3::ListedObject& object) {
          {
            const Lock lock(mu);
            ++visits[object.key];
          }
          auto visited = judge(object);
          // what stops a walk that has done nothing yet leaves nothing to go on with
          while (!visited && !Began(Key(0))) std::this_thread::yield();
          return visited;
        },
        console);
    all.clear();
    CHECK(walk.ForEachFinding([&](const WalkFinding& finding) {
      all.push_back(finding.key + " " + finding.outcome + " " + finding.reason);
      return Ok();
    }));
    CHECK(walk.Close());
    shown = err.str();
    return report;
  }
  bool Began(const std::string& key) {
    const Lock lock(mu);
    return visits.contains(key);
  }
  std::size_t journals() const {
    std::error_code ignored;
    std::filesystem::directory_iterator files(state.path() + "/walks", ignored);
    return ignored ? 0 : std::distance(begin(files), end(files));
  }

  FakeStore store;
  test::TempDirectory state;
  bool interactive = false;
  Mutex mu;
  std::map<std::string, int> visits;
  std::vector<std::string> all;  // findings
  std::string shown;
};

void Plant(FakeStore& store, int count) {
  for (int i = 0; i < count; ++i) store.Plant(Key(i), "12345");
}

// Every hundredth is bad.
Result<Visited> Judge(const s3::ListedObject& object) {
  if (object.key.ends_with("00")) return Visited{"bad", "a reason", object.size};
  return Visited{"good", "", object.size};
}

TEST_CASE("walk: every object below the prefix once, findings in order", "[walk]") {
  Bench bench;
  Plant(bench.store, 3500);
  bench.store.Plant("vom/beside", "x");
  bench.store.Plant("vol", "x");
  const WalkReport report = bench.Run(bench.Request(), Judge);
  CHECK_FALSE(report.stopped);
  CHECK(report.objects() == 3500);
  CHECK(report.bytes() == 3500 * 5);
  CHECK(report.objects("bad") == 35);
  CHECK(bench.visits.size() == 3500);
  CHECK(std::all_of(bench.visits.begin(), bench.visits.end(),
                    [](const auto& visit) { return visit.second == 1; }));
  REQUIRE(bench.all.size() == 35);
  CHECK(std::is_sorted(bench.all.begin(), bench.all.end()));
  CHECK(bench.all.front() == Key(0) + " bad a reason");
  CHECK(report.findings.size() == 35);
  CHECK(bench.store.count(test::Operation::kList) == 4);
  CHECK(bench.journals() == 0);
  CHECK(bench.shown.empty());
}

TEST_CASE("walk: findings at hand are bounded, all of them are kept", "[walk]") {
  Bench bench;
  Plant(bench.store, 2500);
  const WalkReport report = bench.Run(bench.Request(), [](const s3::ListedObject&) {
    return Result<Visited>(Visited{"bad", "all of them", 1});
  });
  CHECK(report.findings.size() == VolumeWalk::kFindingsAtHand);
  CHECK(report.finding_count == 2500);
  CHECK(bench.all.size() == 2500);
}

TEST_CASE("walk: a stopped one is gone on with, nothing is lost and little done twice", "[walk]") {
  Bench bench;
  Plant(bench.store, 3500);
  const std::string last = GENERATE(Key(300), Key(999), Key(1234), Key(3499));
  const WalkReport first = bench.Run(bench.Request(), [&](const s3::ListedObject& object) {
    if (object.key == last) return Result<Visited>(Error{Code::kInterrupted, "Ctrl-C"});
    return Judge(object);
  });
  REQUIRE(first.stopped);
  CHECK(first.stopped->code == Code::kInterrupted);
  CHECK(first.can_resume);
  CHECK(first.objects() < 3500);
  CHECK(bench.journals() == 1);
  const std::size_t before = bench.all.size();

  WalkRequest request = bench.Request();
  request.resume = true;
  const WalkReport second = bench.Run(request, Judge);
  CHECK_FALSE(second.stopped);
  CHECK(second.resumed_after < last);
  CHECK(second.objects() == 3500);
  CHECK(second.objects("bad") == 35);
  CHECK(second.bytes() == 3500 * 5);
  CHECK(bench.visits.size() == 3500);
  CHECK(bench.all.size() == 35);
  CHECK(before <= 35);
  CHECK(std::is_sorted(bench.all.begin(), bench.all.end()));
  CHECK(std::adjacent_find(bench.all.begin(), bench.all.end()) == bench.all.end());
  CHECK(second.findings.size() == 35);
  // What counted before the stop was not visited again.
  const auto twice = std::count_if(bench.visits.begin(), bench.visits.end(),
                                   [](const auto& visit) { return visit.second > 1; });
  CHECK(static_cast<std::uint64_t>(twice) <= 3500 - first.objects());
  CHECK(bench.visits[Key(0)] == 1);
  CHECK(bench.journals() == 0);
}

TEST_CASE("walk: without resume it begins anew, and so it does when nothing is unfinished",
          "[walk]") {
  Bench bench;
  Plant(bench.store, 100);
  const auto stop_at_90 = [](const s3::ListedObject& object) {
    if (object.key == Key(90)) return Result<Visited>(Error{Code::kUnavailable, "gone"});
    return Judge(object);
  };
  CHECK(bench.Run(bench.Request(), stop_at_90).can_resume);
  const WalkReport anew = bench.Run(bench.Request(), Judge);
  CHECK(anew.resumed_after.empty());
  CHECK(anew.objects() == 100);
  CHECK(bench.visits[Key(0)] == 2);
  WalkRequest request = bench.Request();
  request.resume = true;
  CHECK(bench.Run(request, Judge).resumed_after.empty());
  CHECK(bench.visits[Key(0)] == 3);
}

TEST_CASE("walk: halves of different settings make no whole", "[walk]") {
  Bench bench;
  Plant(bench.store, 10);
  const WalkReport first = bench.Run(bench.Request(), [](const s3::ListedObject& object) {
    if (object.key == Key(5)) return Result<Visited>(Error{Code::kUnavailable, "gone"});
    return Judge(object);
  });
  REQUIRE(first.can_resume);
  WalkRequest request = bench.Request();
  request.resume = true;
  request.journal.settings = "off";
  const WalkReport second = bench.Run(request, Judge);
  REQUIRE(second.stopped);
  CHECK(second.stopped->code == Code::kInvalid);
  request.journal.settings = "strict";
  CHECK(bench.Run(request, Judge).objects() == 10);
}

TEST_CASE("walk: keys of any bytes come back as they were", "[walk]") {
  Bench bench;
  const std::string odd = "vol/\xff\x01 \n+%2F\"";
  bench.store.Plant(Key(0), "x");
  bench.store.Plant(odd, "x");
  bench.store.Plant("vol/\xff\xff", "x");
  const WalkReport first = bench.Run(bench.Request(), [](const s3::ListedObject& object) {
    if (object.key == "vol/\xff\xff") return Result<Visited>(Error{Code::kUnavailable, "gone"});
    return Result<Visited>(Visited{"bad", "odd", 1});
  });
  WalkRequest request = bench.Request();
  request.resume = true;
  const WalkReport second = bench.Run(request, Judge);
  if (first.can_resume) CHECK(second.resumed_after <= odd);
  CHECK(second.objects() == 3);
  CHECK(bench.visits.size() == 3);
}

TEST_CASE("walk: what a crash left behind the last saved place is cut off", "[walk]") {
  Bench bench;
  Plant(bench.store, 1000);
  const WalkReport first = bench.Run(bench.Request(), [](const s3::ListedObject& object) {
    if (object.key == Key(777)) return Result<Visited>(Error{Code::kUnavailable, "gone"});
    return Judge(object);
  });
  REQUIRE(first.can_resume);
  const std::string path =
      std::filesystem::directory_iterator(bench.state.path() + "/walks")->path().string();
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  std::ofstream(path, std::ios::app)
      << R"({"key":"vol/000800","outcome":"bad","reason":"a reason"})" << '\n'
      << R"({"done":"vol/000999","cou)";
  WalkRequest request = bench.Request();
  request.resume = true;
  const WalkReport second = bench.Run(request, Judge);
  CHECK(second.resumed_after < Key(777));
  CHECK(second.objects() == 1000);
  CHECK(bench.all.size() == 10);
  CHECK(bench.visits.size() == 1000);
}

TEST_CASE("walk: listings without order are walked whole, and never gone on with", "[walk]") {
  // Shuffles each page, as directory buckets may.
  class Shuffled : public FakeStore {
   public:
    Result<s3::ListPage> List(const s3::ListRequest& request) override {
      COFFER_ASSIGN(s3::ListPage page, FakeStore::List(request));
      std::reverse(page.objects.begin(), page.objects.end());
      return page;
    }
  };
  const bool known = GENERATE(true, false);
  Shuffled store;
  Plant(store, 2500);
  Bench bench;
  WorkerPool pool(4);
  std::istringstream in;
  std::ostringstream out;
  Console console{in, out, out, false};
  const auto run = [&](bool resume, const std::string& fails) {
    WalkRequest request = bench.Request();
    request.sorted = !known;
    request.resume = resume;
    VolumeWalk walk(store, pool, request);
    const WalkReport report = walk.Run(
        [&](const s3::ListedObject& object) {
          if (object.key == fails) return Result<Visited>(Error{Code::kInterrupted, "Ctrl-C"});
          return Judge(object);
        },
        console);
    return report;  // without Close: as a crash leaves it
  };
  const WalkReport first = run(false, Key(2001));
  REQUIRE(first.stopped);
  CHECK_FALSE(first.can_resume);
  const WalkReport second = run(true, "");
  CHECK(second.resumed_after.empty());
  CHECK(second.objects() == 2500);
  CHECK(second.objects("bad") == 25);
}

TEST_CASE("walk: one at a time", "[walk]") {
  Bench bench;
  Plant(bench.store, 1);
  Bench other;
  std::optional<WalkReport> second;
  const WalkReport first = bench.Run(bench.Request(), [&](const s3::ListedObject& object) {
    WorkerPool pool(1);
    VolumeWalk walk(bench.store, pool, bench.Request());
    std::istringstream in;
    std::ostringstream out;
    Console console{in, out, out, false};
    second = walk.Run(Judge, console);
    return Judge(object);
  });
  CHECK_FALSE(first.stopped);
  REQUIRE(second);
  REQUIRE(second->stopped);
  CHECK(second->stopped->code == Code::kBusy);
  CHECK(first.objects() == 1);
}

TEST_CASE("walk: stopped from outside, it begins nothing more", "[walk]") {
  Bench bench;
  Plant(bench.store, 5000);
  WorkerPool pool(4);
  VolumeWalk walk(bench.store, pool, bench.Request());
  std::istringstream in;
  std::ostringstream out;
  Console console{in, out, out, false};
  std::atomic<int> visits{0};
  std::atomic<bool> told{false};
  std::atomic<bool> first_begun{false};
  std::atomic<int> late{0};
  const WalkReport report = walk.Run(
      [&](const s3::ListedObject& object) {
        if (told) ++late;
        if (object.key == Key(0)) first_begun = true;
        if (++visits == 100) {
          while (!first_begun) std::this_thread::yield();
          walk.Stop({Code::kInterrupted, "told to"});
          told = true;
        }
        return Judge(object);
      },
      console);
  REQUIRE(report.stopped);
  CHECK(report.stopped->what == "told to");
  CHECK(late <= 4);  // one a thread, that had its object already
  CHECK(visits < 5000);
  CHECK(report.can_resume);
}

TEST_CASE("walk: a listing that fails stops it", "[walk]") {
  Bench bench;
  Plant(bench.store, 3000);
  int pages = 0;
  bench.store.SetHook(
      [&](test::Operation operation, std::string_view) -> std::optional<test::Fault> {
        if (operation == test::Operation::kList && ++pages == 3) {
          return test::Fault{{Code::kUnavailable, "the network is down"}};
        }
        return std::nullopt;
      });
  const WalkReport first = bench.Run(bench.Request(), Judge);
  REQUIRE(first.stopped);
  CHECK(first.objects() <= 2000);
  WalkRequest request = bench.Request();
  request.resume = true;
  CHECK(bench.Run(request, Judge).objects() == 3000);
  CHECK(bench.visits.size() == 3000);
}

}  // namespace coffer::fs::volume_walk_test
