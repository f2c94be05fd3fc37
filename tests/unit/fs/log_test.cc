#include "fs/log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace coffer::fs::log_test {

// Time stands still until a test moves it.
class StillClock : public s3::Clock {
 public:
  s3::WallTime Now() const override { return s3::WallTime(now_.time_since_epoch()); }
  s3::SteadyTime Steady() const override { return now_; }
  bool Sleep(std::chrono::milliseconds) override { return true; }
  void Advance(std::chrono::seconds by) { now_ += by; }

 private:
  s3::SteadyTime now_{std::chrono::seconds(1000)};
};

class Directory {
 public:
  Directory() { REQUIRE(mkdtemp(path_) != nullptr); }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string path() const { return path_; }
  std::string Read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path() + "/" + name).rdbuf();
    return text.str();
  }

 private:
  char path_[32] = "/tmp/coffer-log-XXXXXX";
};

std::size_t Count(const std::string& text, const std::string& word) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; at += word.size()) ++count;
  return count;
}

std::unique_ptr<Log> OpenIn(const Directory& directory, const s3::Clock& clock,
                            bool debug = false) {
  auto log = Log::Open({directory.path(), "mnt", debug}, clock);
  if (!log) FAIL(log.error().what);
  return std::move(*log);
}

TEST_CASE("secrets and control characters do not reach the log", "[log]") {
  CHECK(Redact("GET https://h/k?X-Amz-Signature=abc123&x=1 ok") ==
        "GET https://h/k?X-Amz-Signature=[...]&x=1 ok");
  CHECK(Redact("X-Amz-Security-Token=FwoGZX; next") == "X-Amz-Security-Token=[...]; next");
  CHECK(Redact("Authorization: AWS4-HMAC-SHA256 Credential=AKIA, Signature=ff") ==
        "Authorization: [...]");
  CHECK(Redact("AWS_SECRET_ACCESS_KEY=wJalr") == "AWS_SECRET_ACCESS_KEY=[...]");
  CHECK(Redact("{\"SecretAccessKey\":\"wJalr\"}").find("wJalr") == std::string::npos);
  CHECK(Redact("a\nb\x1b[2Jc\x7f") == "a\\x0ab\\x1b[2Jc\\x7f");
  CHECK(Redact("caf\xc3\xa9 signature of nothing") == "caf\xc3\xa9 signature of nothing");
}

TEST_CASE("repeats become one line with a count", "[log]") {
  RepeatFilter filter;
  const s3::SteadyTime start{std::chrono::seconds(10)};
  CHECK(filter.Admit("PutObject: SlowDown (503); request id A1; wait", start));
  CHECK_FALSE(filter.Admit("PutObject: SlowDown (503); request id B2; wait", start));
  CHECK_FALSE(filter.Admit("PutObject: SlowDown (503); request id C3; wait", start));
  CHECK(filter.Admit("PutObject: AccessDenied (403); request id D4; wait", start));
  CHECK(filter.Due(start).empty());
  const auto due = filter.Due(start + RepeatFilter::kWindow);
  REQUIRE(due.size() == 1);
  CHECK(due[0].count == 2);
  CHECK(due[0].line == "PutObject: SlowDown (503); request id C3; wait");
  CHECK(filter.Admit("PutObject: SlowDown (503); request id E5; wait",
                     start + RepeatFilter::kWindow));
}

TEST_CASE("failures of different files are never one", "[log]") {
  RepeatFilter filter;
  const s3::SteadyTime now{};
  for (int i = 0; i < 200; ++i) CHECK(filter.Admit("lost: \"file" + std::to_string(i) + "\"", now));
}

TEST_CASE("a file of --log-directory is private and can be moved away", "[log]") {
  const Directory directory;
  StillClock clock;
  const auto log = OpenIn(directory, clock);
  log->Info("first");
  struct stat st = {};
  REQUIRE(stat((directory.path() + "/mnt.log").c_str(), &st) == 0);
  CHECK((st.st_mode & 0777) == 0600);
  CHECK_THAT(directory.Read("mnt.log"), Catch::Contains("first"));
  std::filesystem::rename(directory.path() + "/mnt.log", directory.path() + "/old.log");
  log->Reopen();
  log->Detach();  // has no effect on a file
  log->Warn("second");
  CHECK_THAT(directory.Read("mnt.log"), Catch::Contains("second"));
  CHECK_FALSE(Catch::Contains("second").match(directory.Read("old.log")));
}

TEST_CASE("a log directory that is missing is refused", "[log]") {
  StillClock clock;
  const auto log = Log::Open({"/nonexistent/logs", "mnt", false}, clock);
  REQUIRE_FALSE(log);
  CHECK(log.error().code == Code::kInvalid);
}

TEST_CASE("requests are named without their query", "[log]") {
  const Directory directory;
  StillClock clock;
  s3::Request request;
  request.url.host = "bucket.s3.amazonaws.com";
  request.url.path = "/key";
  request.url.query = {{"X-Amz-Signature", "topsecret"}};
  {
    const auto log = OpenIn(directory, clock, true);
    for (int i = 0; i < 3; ++i)
      log->OnFailure(request, {Code::kUnavailable, "GetObject: InternalError (500)"}, 4);
    log->OnRetry(request, {Code::kUnavailable, "reset"}, 1, std::chrono::milliseconds(5));
    CHECK(log->failures() == 3);
    CHECK(Count(directory.Read("mnt.log"), "InternalError") == 1);
    clock.Advance(RepeatFilter::kWindow);
    log->Tick();
    CHECK_THAT(directory.Read("mnt.log"), Catch::Contains("repeated 2 times"));
  }
  const std::string text = directory.Read("mnt.log");
  CHECK_THAT(text, Catch::Contains("GET https://bucket.s3.amazonaws.com/key: GetObject") &&
                       Catch::Contains("(after 4 tries)") && Catch::Contains("again in 5 ms"));
  CHECK_FALSE(Catch::Contains("topsecret").match(text));
}

TEST_CASE("names that are denied, as those that are not there may be, are one line", "[log]") {
  const Directory directory;
  StillClock clock;
  s3::Request request;
  request.operation = s3::Operation::kHeadObject;
  request.method = "HEAD";
  request.url.host = "bucket.s3.amazonaws.com";
  const auto log = OpenIn(directory, clock, true);
  for (const char* path : {"/new", "/newer", "/newest"}) {
    request.url.path = path;
    log->OnFailure(request, {Code::kDenied, "HeadObject: status 403"}, 1);
  }
  CHECK(log->failures() == 3);
  CHECK(Count(directory.Read("mnt.log"), "HEAD https://bucket.s3.amazonaws.com: HeadObject") == 1);
  request.operation = s3::Operation::kGetObject;
  log->OnFailure(request, {Code::kDenied, "GetObject: AccessDenied (403)"}, 1);
  CHECK_THAT(directory.Read("mnt.log"), Catch::Contains("/newest: GetObject"));
}

TEST_CASE("without --debug retries are not logged", "[log]") {
  const Directory directory;
  StillClock clock;
  const auto log = OpenIn(directory, clock);
  log->OnRetry({}, {Code::kUnavailable, "reset"}, 1, std::chrono::milliseconds(5));
  log->Debug("detail");
  CHECK(directory.Read("mnt.log").empty());
}

}  // namespace coffer::fs::log_test
