#include "fs/restore_run.h"

#include <catch2/catch.hpp>

#include "fs/archive_state.h"

namespace coffer::fs::restore_run_test {

constexpr std::int64_t kNow_s = 1'700'000'000;
constexpr std::int64_t kDay_s = 86'400;

s3::ObjectInfo Stored(bool archived, bool restoring, std::int64_t restored_until_s) {
  s3::ObjectInfo info;
  info.server_date_s = kNow_s;
  info.archived = archived;
  info.restoring = restoring;
  info.restored_until_s = restored_until_s;
  return info;
}

TEST_CASE("restore: what a file needs") {
  CHECK(PlanRestore(Stored(false, false, 0), 7) == Restoring::kNotArchived);
  CHECK(PlanRestore(Stored(true, false, 0), 7) == Restoring::kOrdered);
  CHECK(PlanRestore(Stored(true, true, 0), 7) == Restoring::kUnderWay);
  const auto until = [](std::int64_t days) { return Stored(false, false, kNow_s + days * kDay_s); };
  CHECK(PlanRestore(until(8), 7) == Restoring::kReadable);
  CHECK(PlanRestore(until(6), 7) == Restoring::kExtended);
}

TEST_CASE("restore: its state in words") {
  CHECK(ArchiveInWords(Stored(false, false, 0)) == "not archived");
  CHECK(ArchiveInWords(Stored(true, false, 0)) == "archived");
  CHECK(ArchiveInWords(Stored(true, true, 0)) == "in progress");
  CHECK(ArchiveInWords(Stored(false, false, 1'356'048'000)) ==
        "restored until 2012-12-21T00:00:00Z");
}

TEST_CASE("restore: the command line", "[options]") {
  const auto parse = [](std::vector<std::string> args) {
    return ParseCommandLine(args, {}, "/nonexistent/coffer.conf");
  };
  const auto line = parse({"restore", "a", "s3://b/c", "-r", "--days", "30", "--tier", "Bulk",
                           "--wait", "--json", "--region", "eu-west-1"});
  REQUIRE(line);
  const auto& restore = std::get<RestoreOptions>(line->command);
  CHECK(restore.names == std::vector<std::string>{"a", "s3://b/c"});
  CHECK(restore.volume.source.empty());
  CHECK(restore.volume.address.region == "eu-west-1");
  CHECK(restore.days == 30);
  CHECK(restore.tier == "Bulk");
  CHECK(restore.recursive);
  CHECK(restore.wait);
  CHECK(restore.json);
  CHECK_FALSE(restore.dry_run);
  const auto plain = parse({"restore", "a", "--version", "v"});
  REQUIRE(plain);
  CHECK(std::get<RestoreOptions>(plain->command).version == "v");
  CHECK(std::get<RestoreOptions>(plain->command).days == 7);
  CHECK(std::get<RestoreOptions>(plain->command).tier == "Standard");
  for (const auto& args :
       std::vector<std::vector<std::string>>{{"restore"},
                                             {"restore", "a", "--tier", "bulky"},
                                             {"restore", "a", "--days", "0"},
                                             {"restore", "a", "b", "--version", "v"},
                                             {"restore", "-r", "a", "--version", "v"},
                                             {"restore", "a", "--wait", "-n"}}) {
    const auto refused = parse(args);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::kInvalid);
  }
}

TEST_CASE("restore: what was done is counted") {
  RestoreTally tally;
  tally.Add({"a", "", "GLACIER", 5, Restoring::kOrdered});
  tally.Add({"b", "", "GLACIER", 7, Restoring::kUnderWay});
  tally.Add({"c", "", "STANDARD", 9, Restoring::kNotArchived});
  tally.NotArchived();
  const RestoreOutcome outcome = tally.Get();
  CHECK(outcome.ordered == 1);
  CHECK(outcome.bytes == 5);
  CHECK(outcome.under_way == 1);
  CHECK(outcome.not_archived == 2);
  CHECK(outcome.files.size() == 2);
}

}  // namespace coffer::fs::restore_run_test
