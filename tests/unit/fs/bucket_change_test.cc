#include "fs/bucket_change.h"

#include <catch2/catch.hpp>
#include <functional>
#include <sstream>

#include "fs/exit_code.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::bucket_change_test {

// A setting that somebody keeps, and a console to change it at.
struct Bench {
  Json stored = Json{{"a", 1}};
  int written = 0;
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  s3::FakeClock clock;
  BucketChange change;

  Bench() {
    change.command = "test set";
    change.what = "the setting";
    change.before = stored;
    change.after = Json{{"a", 2}};
    change.read = [this]() -> Result<Json> { return stored; };
    change.apply = [this] {
      ++written;
      stored = change.after;
      return Ok();
    };
  }
  Result<int> Make(ChangeOptions options, bool interactive = false) {
    Console console{in, out, err, interactive};
    return MakeChange(change, options, clock, console);
  }
};

TEST_CASE("bucket_change: shown, asked, written, read back") {
  Bench bench;
  SECTION("nobody to ask") {
    CHECK(bench.Make({}).value() == kExitUsage);
    CHECK(bench.written == 0);
  }
  SECTION("no is the answer") {
    bench.in.str("n\n");
    CHECK(bench.Make({}, true).value() == kExitFailed);
    CHECK(bench.written == 0);
  }
  SECTION("each question is asked, and one no is no") {
    bench.change.questions = {"For ever?"};
    bench.in.str("n\ny\n");
    CHECK(bench.Make({}, true).value() == kExitFailed);
    CHECK(bench.written == 0);
    CHECK(bench.err.str().find("For ever?") != std::string::npos);
  }
  SECTION("yes") {
    bench.change.questions = {"For ever?"};
    bench.in.str("y\ny\n");
    CHECK(bench.Make({}, true).value() == kExitOk);
    CHECK(bench.written == 1);
  }
  SECTION("a dry run only shows") {
    CHECK(bench.Make({.dry_run = true, .yes = true}).value() == kExitOk);
    CHECK(bench.written == 0);
    CHECK(bench.out.str().find("-   \"a\": 1\n+   \"a\": 2\n") != std::string::npos);
  }
  SECTION("what is as wanted is left alone") {
    bench.change.after = bench.stored;
    CHECK(bench.Make({}).value() == kExitOk);
    CHECK(bench.written == 0);
  }
}

TEST_CASE("bucket_change: what others do meanwhile is told") {
  Bench bench;
  SECTION("before the write") {
    bench.stored = Json{{"a", 7}};
    CHECK(bench.Make({.yes = true}).error().code == Code::kChanged);
    CHECK(bench.written == 0);
  }
  SECTION("a server that takes it and keeps the old") {
    bench.change.apply = [] { return Ok(); };
    CHECK(bench.Make({.yes = true}).error().code == Code::kUnsupported);
  }
  SECTION("right after the write") {
    int reads = 0;
    bench.change.merge = [&]() -> Result<Json> { return bench.change.after; };
    bench.change.read = [&]() -> Result<Json> {
      return ++reads == 1 ? Json{{"a", 1}} : reads == 2 ? Json{{"a", 2}} : Json{{"a", 9}};
    };
    const auto made = bench.Make({.yes = true});
    REQUIRE_FALSE(made);
    CHECK(made.error().what.find('\n') == std::string::npos);
    CHECK(bench.err.str().find("-   \"a\": 2\n+   \"a\": 9\n") != std::string::npos);
    CHECK(bench.written == 2);  // once more, and no more
  }
  SECTION("a setting that takes a moment to show") {
    int reads = 0;
    bench.change.read = [&]() -> Result<Json> {
      return ++reads < 3 ? Json{{"a", 1}} : Json{{"a", 2}};
    };
    CHECK(bench.Make({.yes = true}).value() == kExitOk);
  }
}

// A document in which two have a member each.
struct SharedBench : Bench {
  int reads = 0;
  std::function<void(int)> meanwhile = [](int) {};  // before that read

  SharedBench() {
    change.read = [this]() -> Result<Json> {
      meanwhile(++reads);
      return stored;
    };
    change.merge = [this]() -> Result<Json> {
      change.after = stored;
      change.after["a"] = 2;
      return change.after;
    };
  }
};

TEST_CASE("bucket_change: what others do to theirs is no failure") {
  SharedBench bench;
  bench.meanwhile = [&](int read) {
    if (read == 3) bench.stored["theirs"] = 1;
  };
  CHECK(bench.Make({.yes = true}).value() == kExitOk);
  CHECK(bench.written == 1);
  CHECK(bench.stored == Json{{"a", 2}, {"theirs", 1}});
}

TEST_CASE("bucket_change: what others wrote over is written once more, beside theirs") {
  SharedBench bench;
  bench.meanwhile = [&](int read) {
    if (read == 3) bench.stored = Json{{"a", 1}, {"theirs", 1}};
  };
  CHECK(bench.Make({.yes = true}).value() == kExitOk);
  CHECK(bench.written == 2);
  CHECK(bench.stored == Json{{"a", 2}, {"theirs", 1}});
  CHECK(bench.err.str().find("once more") != std::string::npos);
}

TEST_CASE("bucket_change: after the write an error says that there was one") {
  Bench bench;
  int reads = 0;
  SECTION("reading back fails") {
    bench.change.read = [&]() -> Result<Json> {
      if (++reads > 1) return Error{Code::kDenied, "no"};
      return bench.stored;
    };
    const auto made = bench.Make({.yes = true});
    CHECK(made.error().code == Code::kDenied);
    CHECK(made.error().what == "the setting: it was written, but not read back: no");
  }
  SECTION("no answer to the write") {
    bench.change.apply = [&]() -> Status { return Error{Code::kTimeout, "late"}; };
    CHECK(bench.Make({.yes = true}).error().what.find("whether it was written is not known") !=
          std::string::npos);
  }
  SECTION("a refused write wrote nothing") {
    bench.change.apply = [&]() -> Status { return Error{Code::kDenied, "no"}; };
    CHECK(bench.Make({.yes = true}).error().what == "no");
  }
}

TEST_CASE("bucket_change: the difference of large documents takes no table of all pairs") {
  Json before = Json::array();
  Json after = Json::array();
  for (int i = 0; i < 60'000; ++i) {
    before.push_back(i);
    after.push_back(i == 30'000 ? -1 : i);
  }
  CHECK(Difference(before, after).find("-   30000,\n+   -1,\n") != std::string::npos);
  for (int i = 0; i < 60'000; ++i) after[static_cast<std::size_t>(i)] = -i - 1;
  CHECK(Difference(before, after).find("+   -60000\n") != std::string::npos);
}

}  // namespace coffer::fs::bucket_change_test
