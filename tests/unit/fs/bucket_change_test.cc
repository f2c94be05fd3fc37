#include "fs/bucket_change.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "fs/exit_code.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs {
namespace {

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
    bench.change.shared = true;
    bench.change.read = [&]() -> Result<Json> {
      return ++reads == 1 ? Json{{"a", 1}} : reads == 2 ? Json{{"a", 2}} : Json{{"a", 9}};
    };
    CHECK(bench.Make({.yes = true}).error().what.find("+   \"a\": 9") != std::string::npos);
  }
  SECTION("a setting that takes a moment to show") {
    int reads = 0;
    bench.change.read = [&]() -> Result<Json> {
      return ++reads < 3 ? Json{{"a", 1}} : Json{{"a", 2}};
    };
    CHECK(bench.Make({.yes = true}).value() == kExitOk);
  }
}

}  // namespace
}  // namespace coffer::fs
