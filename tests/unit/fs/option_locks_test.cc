#include "fs/option_locks.h"

#include <catch2/catch.hpp>

namespace coffer::fs::option_locks_test {

Result<CommandLine> Parse(std::vector<std::string> args, const Environment& environment = {}) {
  return ParseCommandLine(args, environment, "/nonexistent/coffer.conf");
}

LockCommandOptions Locking(std::vector<std::string> args) {
  auto line = Parse(std::move(args));
  if (!line) FAIL(line.error().what);
  return std::get<LockCommandOptions>(line->command);
}

std::string Refusal(std::vector<std::string> args, const Environment& environment = {}) {
  const auto line = Parse(std::move(args), environment);
  REQUIRE_FALSE(line);
  CHECK(line.error().code == Code::kInvalid);
  return line.error().what;
}

constexpr std::int64_t kDay = 86'400;

TEST_CASE("option_locks: lock", "[options]") {
  const auto lock = Locking({"lock", "a", "s3://b/c", "--for", "30d", "--mode", "Compliance", "-r",
                             "-n", "-y", "--region", "eu-west-1"});
  CHECK(lock.action == LockAction::kLock);
  CHECK(lock.names == std::vector<std::string>{"a", "s3://b/c"});
  CHECK(lock.period_s == 30 * kDay);
  CHECK_FALSE(lock.until_s);
  CHECK(lock.mode == "COMPLIANCE");
  CHECK(lock.recursive);
  CHECK(lock.dry_run);
  CHECK(lock.yes);
  CHECK(lock.longest_s == 400 * kDay);
  CHECK(lock.volume.address.region == "eu-west-1");
  CHECK(Locking({"lock", "a", "--until", "1970-01-02"}).until_s == kDay);
  CHECK(Locking({"lock", "a", "--for", "7y", "--lock-max", "8y"}).period_s == 7 * 365 * kDay);
}

TEST_CASE("option_locks: the AWS CLI's names say the same", "[options]") {
  const auto lock =
      Locking({"lock", "a", "--object-lock-mode", "COMPLIANCE", "--object-lock-retain-until-date",
               "1970-01-02T00:00:00Z", "--object-lock-legal-hold-status", "OFF"});
  CHECK(lock.mode == "COMPLIANCE");
  CHECK(lock.until_s == kDay);
  CHECK(lock.hold == false);
  CHECK(Locking({"lock", "a", "--object-lock-legal-hold-status", "ON"}).hold == true);
  CHECK_THAT(Refusal({"lock", "a", "--until", "2030-01-01", "--object-lock-retain-until-date",
                      "2030-01-01T00:00:00Z"}),
             Catch::Contains("same as --until"));
}

TEST_CASE("option_locks: hold and unlock", "[options]") {
  const auto hold = Locking({"hold", "off", "a", "b"});
  CHECK(hold.action == LockAction::kHold);
  CHECK(hold.hold == false);
  CHECK(hold.names == std::vector<std::string>{"a", "b"});
  CHECK_THAT(Refusal({"hold", "a", "b"}), Catch::Contains("neither on nor off"));
  CHECK_THAT(Refusal({"hold", "on"}), Catch::Contains("usage"));
  CHECK(Locking({"unlock", "a", "--bypass-governance-retention"}).action == LockAction::kUnlock);
  CHECK_THAT(Refusal({"unlock", "a"}), Catch::Contains("--bypass-governance-retention"));
}

TEST_CASE("option_locks: what cannot be undone is typed", "[options]") {
  const Environment bypass = {{"COFFER_BYPASS_GOVERNANCE_RETENTION", "true"}};
  CHECK_THAT(Refusal({"unlock", "a"}, bypass), Catch::Contains("command line"));
  const Environment yes = {{"COFFER_YES", "true"}};
  CHECK_THAT(Refusal({"lock", "a", "--for", "1d"}, yes), Catch::Contains("command line"));
  CHECK(Parse({"lock", "a", "--for", "1d", "--yes"}, yes));
}

TEST_CASE("option_locks: extend", "[options]") {
  const auto extend = Locking({"lock", "/m/data/**", "--extend", "30d", "--if-less-than", "25d"});
  CHECK(extend.action == LockAction::kExtend);
  CHECK(extend.period_s == 30 * kDay);
  CHECK(extend.if_less_than_s == 25 * kDay);
  CHECK_THAT(Refusal({"lock", "a", "--extend", "30d"}), Catch::Contains("go together"));
  CHECK_THAT(Refusal({"lock", "a", "--if-less-than", "30d"}), Catch::Contains("go together"));
  CHECK_THAT(Refusal({"lock", "a", "--extend", "1d", "--if-less-than", "2d"}),
             Catch::Contains("longer than --extend"));
  CHECK_THAT(Refusal({"lock", "a", "--extend", "401d", "--if-less-than", "2d"}),
             Catch::Contains("--lock-max"));
  CHECK_THAT(Refusal({"lock", "a", "-r", "--extend", "3d", "--if-less-than", "2d"}),
             Catch::Contains("DIR/**"));
  CHECK_THAT(Refusal({"lock", "a", "--for", "4d", "--extend", "3d", "--if-less-than", "2d"}),
             Catch::Contains("leave out"));
}

TEST_CASE("option_locks: report", "[options]") {
  const auto report = Locking({"lock", "--report", "s3://b", "--csv"});
  CHECK(report.action == LockAction::kReport);
  CHECK(report.csv);
  const auto required = Locking({"lock", "s3://b", "--require", "a=b/**=compliance:7d"});
  CHECK(required.action == LockAction::kReport);
  REQUIRE(required.required.size() == 1);
  CHECK(required.required[0].text == "a=b/**=compliance:7d");
  CHECK(required.required[0].glob.text() == "a=b/**");
  CHECK(required.required[0].term == LockTerm{"COMPLIANCE", 7 * kDay});
  CHECK_THAT(Refusal({"lock", "--report", "a", "b"}), Catch::Contains("one SOURCE"));
  CHECK_THAT(Refusal({"lock", "a", "--for", "1d", "--csv"}), Catch::Contains("--report"));
  CHECK_THAT(Refusal({"lock", "--report", "a", "--csv", "--json"}), Catch::Contains("exclude"));
  CHECK_THAT(Refusal({"lock", "a", "--require", "data"}), Catch::Contains("GLOB=MODE:DURATION"));
  CHECK_THAT(Refusal({"lock", "a", "--require", "data/=compliance:1d"}),
             Catch::Contains("data/**"));
}

}  // namespace coffer::fs::option_locks_test
