#include "fs/lock_report.h"

#include <catch2/catch.hpp>

#include "fs/json.h"

namespace coffer::fs::lock_report_test {

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::int64_t kDay = 86'400;

s3::ObjectInfo With(s3::Lock lock) {
  s3::ObjectInfo info;
  info.version_id = "v1";
  info.size = 7;
  info.last_modified_s = kNow - kDay;
  info.server_date_s = kNow;
  info.lock = std::move(lock);
  return info;
}

LockRequirement Required(const std::string& pattern, LockTerm term) {
  return {pattern, PathGlob::Parse(pattern).value(), std::move(term)};
}

TEST_CASE("lock_report: a requirement is a mode at least, for a time at least") {
  const LockTerm governance{"GOVERNANCE", kDay};
  const LockTerm compliance{"COMPLIANCE", kDay};
  CHECK(Meets({"GOVERNANCE", kNow + kDay, false}, kNow, governance));
  CHECK_FALSE(Meets({"GOVERNANCE", kNow + kDay - 1, false}, kNow, governance));
  CHECK_FALSE(Meets({"GOVERNANCE", kNow + kDay, false}, kNow, compliance));
  CHECK(Meets({"COMPLIANCE", kNow + kDay, false}, kNow, governance));
  CHECK(Meets({"COMPLIANCE", kNow + kDay, false}, kNow, compliance));
  CHECK_FALSE(Meets({"", 0, true}, kNow, governance));
  CHECK_FALSE(Meets({}, kNow, governance));
}

TEST_CASE("lock_report: all requirements that match a path count") {
  const std::vector<LockRequirement> required = {Required("data/**", {"GOVERNANCE", kDay}),
                                                 Required("**/x", {"COMPLIANCE", kDay}),
                                                 Required("other", {"COMPLIANCE", kDay})};
  const LockRow row = MakeLockRow("data/x", With({"GOVERNANCE", kNow + kDay, false}), required);
  CHECK(row.unmet == std::vector<std::string>{"**/x"});
  CHECK(MakeLockRow("data/x", With({}), required).unmet.size() == 2);
  CHECK(MakeLockRow("elsewhere", With({}), required).unmet.empty());
}

TEST_CASE("lock_report: rows for spreadsheets, programs and people") {
  const std::string key = "a \"b\", c";
  const LockRow locked = MakeLockRow("", With({"COMPLIANCE", kNow + kDay, true}), {});
  CHECK(
      RowLine(key, RowText(locked, LockFormat::kCsv), LockFormat::kCsv) ==
      "\"a \"\"b\"\", c\",v1,7,2023-11-13T22:13:20Z,yes,COMPLIANCE,2023-11-15T22:13:20Z,yes,yes,,");
  const Json json =
      Json::parse(RowLine(key, RowText(locked, LockFormat::kJson), LockFormat::kJson));
  CHECK(json["key"] == key);
  CHECK(json["locked"] == true);
  CHECK(json["retain_until"] == "2023-11-15T22:13:20Z");
  CHECK(RowLine("k\n", RowText(locked, LockFormat::kText), LockFormat::kText) ==
        "k\\x0a: COMPLIANCE until 2023-11-15T22:13:20Z, and legal hold");
}

TEST_CASE("lock_report: retention that has ended is told, and protects nothing") {
  const LockRow ended = MakeLockRow("", With({"GOVERNANCE", kNow - 1, false}), {});
  CHECK_FALSE(ended.retained);
  CHECK_THAT(RowText(ended, LockFormat::kText), Catch::StartsWith("not locked (GOVERNANCE ended"));
  CHECK_THAT(RowText(ended, LockFormat::kCsv), Catch::Contains(",no,GOVERNANCE,"));
}

TEST_CASE("lock_report: as many columns as the head has") {
  const auto columns = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
  LockRow unknown;
  unknown.error = "denied";
  CHECK(columns(RowLine("k", RowText(unknown, LockFormat::kCsv), LockFormat::kCsv)) ==
        columns(LockCsvHeader()));
  CHECK(columns(RowLine("k", RowText({}, LockFormat::kCsv), LockFormat::kCsv)) ==
        columns(LockCsvHeader()));
  CHECK(RowText(unknown, LockFormat::kText) == "unknown: denied");
}

}  // namespace coffer::fs::lock_report_test
