#include "s3client/credentials_process.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <thread>

#include "s3client/child_process.h"

namespace coffer::s3::credentials_process_test {

using namespace std::chrono_literals;
using Words = std::vector<std::string>;

Result<Credentials> Run(const std::string& script) {
  return RunCredentialProcess("/bin/sh -c '" + script + "'", "credential_process of profile p",
                              10s);
}

std::string Complaint(const std::string& script) {
  const auto got = Run(script);
  REQUIRE_FALSE(got);
  CHECK(got.error().code == Code::kDenied);
  CHECK(got.error().what.find("profile p") != std::string::npos);
  CHECK(got.error().what.find("SECRET") == std::string::npos);
  return got.error().what;
}

bool Contains(const std::string& text, const std::string& part) {
  CAPTURE(text, part);
  return text.find(part) != std::string::npos;
}

TEST_CASE("commands split as a shell splits them, with nothing expanded") {
  const std::pair<std::string_view, Words> rows[] = {
      {"", {}},
      {"  a\tb  ", {"a", "b"}},
      {"a 'b c' \"d e\"", {"a", "b c", "d e"}},
      {"a'b'\"c\"d", {"abcd"}},
      {"'' \"\"", {"", ""}},
      {R"(a\ b \'c)", {"a b", "'c"}},
      {R"("a\"b\\c\d\$")", {R"(a"b\c\d$)"}},
      {R"('a\b"')", {R"(a\b")"}},
      {"$HOME `x` *|;>", {"$HOME", "`x`", "*|;>"}},
  };
  for (const auto& [command, words] : rows) {
    CAPTURE(command);
    const auto split = SplitCommand(command);
    REQUIRE(split);
    CHECK(*split == words);
  }
  for (const auto command : {"'a", "\"a", "a\\", "\"a\\"}) {
    CHECK(SplitCommand(command).error().code == Code::kInvalid);
  }
}

TEST_CASE("credential_process: what a program may print") {
  const auto all = Run(
      R"(echo "{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\",)"
      R"(\"SessionToken\":\"T\",\"Expiration\":\"2026-01-02T03:04:05Z\",\"AccountId\":\"123\"}")");
  REQUIRE(all);
  CHECK(all->access_key_id == "AK");
  CHECK(all->secret_access_key == "SK");
  CHECK(all->session_token == "T");
  CHECK(all->account_id == "123");
  CHECK(all->expires_at == WallTime(std::chrono::seconds(1767323045)));
  CHECK(all->source == "credential_process of profile p");
  const auto least =
      Run(R"(echo "{\"Version\":1,\"AccessKeyId\":\"AK\",\"SecretAccessKey\":\"SK\"}")");
  REQUIRE(least);
  CHECK_FALSE(least->expires_at);
}

TEST_CASE("credential_process: every failure says what to look at, and never what was printed") {
  CHECK(Contains(Complaint("echo SECRET; echo first >&2; echo second >&2; exit 3"),
                 "failed with status 3: first"));
  CHECK_FALSE(Contains(Complaint("echo first >&2; echo second >&2; exit 3"), "second"));
  CHECK(Contains(Complaint("exit 4"), "said nothing on stderr"));
  CHECK(Contains(Complaint("kill -9 $$"), "failed with status 137"));
  CHECK(Contains(Complaint("echo SECRET"), "not one JSON object"));
  CHECK(Contains(Complaint("echo {}"), "Version"));
  CHECK(Contains(Complaint(R"(echo "{\"Version\":2}")"), "Version"));
  CHECK(Contains(Complaint(R"(echo "{\"Version\":1,\"SecretAccessKey\":\"SECRET\"}")"),
                 "no AccessKeyId"));
  CHECK(Contains(Complaint(R"(echo "{\"Version\":1,\"AccessKeyId\":\"A\",)"
                           R"(\"SecretAccessKey\":\"SECRET\",\"Expiration\":\"soon\"}")"),
                 "ISO 8601"));
  const auto missing = RunCredentialProcess("/no/such/program", "it", 1s);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == Code::kDenied);
  CHECK(Contains(missing.error().what, "/no/such/program"));
  CHECK(RunCredentialProcess("'", "it", 1s).error().code == Code::kDenied);
  CHECK(RunCredentialProcess(" ", "it", 1s).error().code == Code::kDenied);
}

TEST_CASE("a program that does not end is killed, with what it started") {
  const auto begun = std::chrono::steady_clock::now();
  const auto run = RunProcess({"/bin/sh", "-c", "sleep 61.25 & echo $!; sleep 61.25"}, 200ms);
  REQUIRE_FALSE(run);
  CHECK(run.error().code == Code::kTimeout);
  CHECK(std::chrono::steady_clock::now() - begun < 10s);
}

TEST_CASE("a program that leaves a child behind is not waited for any longer than itself") {
  const auto begun = std::chrono::steady_clock::now();
  const auto run = RunProcess({"/bin/sh", "-c", "sleep 5 & echo done; exit 7"}, 60s);
  REQUIRE(run);
  CHECK(run->status == 7);
  CHECK(run->out == "done\n");
  CHECK(std::chrono::steady_clock::now() - begun < 4s);
}

TEST_CASE("a program gets no input, no blocked signals, and is cut when it prints too much") {
  CHECK(RunProcess({"/bin/cat"}, 10s).value().out.empty());
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const auto mask = RunProcess({"/bin/grep", "SigBlk", "/proc/self/status"}, 10s);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(mask);
  CHECK(mask->out == "SigBlk:\t0000000000000000\n");
  const auto flood = RunProcess({"/bin/sh", "-c", "while :; do echo xxxxxxxxxxxxxxxx; done"}, 10s);
  REQUIRE_FALSE(flood);
  CHECK(flood.error().code == Code::kTooLarge);
  CHECK(RunProcess({}, 1s).error().code == Code::kDenied);
}

}  // namespace coffer::s3::credentials_process_test
