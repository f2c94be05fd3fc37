#include "fs/status_report.h"

#include <catch2/catch.hpp>

namespace coffer::fs::status_report_test {

StatusFacts Facts() {
  StatusFacts facts;
  facts.version = "0.1.0";
  facts.source = "s3://bucket";
  facts.address_kind = "bucket";
  facts.mount_point = "/mnt";
  facts.pid = 42;
  facts.uptime_s = 7300;
  auto& gets = facts.requests.operations[static_cast<std::size_t>(s3::Operation::kGetObject)];
  gets.requests = 7;
  gets.retries = 2;
  gets.received_bytes = 3u << 20;
  return facts;
}

TEST_CASE("report: every operation is there, zero or not", "[status]") {
  const Json report = StatusReport(Facts());
  CHECK(report["state"] == "healthy");
  CHECK(report["requests"]["GetObject"]["count"] == 7);
  CHECK(report["requests"]["GetObject"]["bytes_in"] == 3u << 20);
  CHECK(report["requests"]["PutObject"]["count"] == 0);
  CHECK(report["requests"].size() == s3::kOperationCount);
  CHECK(report["total"]["count"] == 7);
  CHECK(report["pid"] == 42);
  CHECK_FALSE(report.contains("last_failure"));
}

TEST_CASE("report: what this kind of address cannot do, only where there is something",
          "[status]") {
  StatusFacts facts = Facts();
  CHECK(StatusForPeople(StatusReport(facts)).find("lacks") == std::string::npos);
  facts.missing = "writing, listing versions";
  facts.capabilities = {{"write", false}};
  const Json report = StatusReport(facts);
  CHECK(report["capabilities"]["write"] == false);
  CHECK(StatusForPeople(report).find("writing, listing versions") != std::string::npos);
}

TEST_CASE("report: what makes a mount degraded", "[status]") {
  StatusFacts facts = Facts();
  facts.files.unsent_bytes = 100;  // of a file that is being written: nothing is wrong
  CHECK(DegradedReasons(facts).empty());
  facts.files.failed_commits = 1;
  facts.files.rescued_files = 1;
  facts.files.deferred_attribute_failures = 3;
  facts.recent_failure = {"no credentials", 30};
  const auto reasons = DegradedReasons(facts);
  REQUIRE(reasons.size() == 3);
  CHECK_THAT(reasons[0], Catch::Contains("1 file was not stored") && Catch::Contains("rescue"));
  CHECK_THAT(reasons[1], Catch::Contains("3 changes of attributes"));
  CHECK_THAT(reasons[2], Catch::Contains("no credentials"));
  CHECK(StatusReport(facts)["state"] == "degraded");
  facts.recent_failure.seconds_ago = 61;
  CHECK(DegradedReasons(facts).size() == 2);
  facts.draining = true;
  CHECK(StatusReport(facts)["state"] == "draining");
}

TEST_CASE("report: keys that are not text survive", "[status]") {
  StatusFacts facts = Facts();
  facts.files.hidden_keys = 1;
  facts.files.hidden_examples = {"bad\xff//\x1bkey"};
  const std::string text = ToText(StatusReport(facts));
  const Json parsed = Json::parse(text);
  CHECK(parsed["files"]["hidden_keys"] == 1);
  const std::string people = StatusForPeople(parsed);
  CHECK_THAT(people, Catch::Contains("1 key that cannot be file names"));
  CHECK(people.find('\x1b') == std::string::npos);
}

TEST_CASE("report: for people", "[status]") {
  const std::string text = StatusForPeople(StatusReport(Facts()));
  CHECK_THAT(text, Catch::StartsWith("/mnt: healthy\n"));
  CHECK_THAT(text, Catch::Contains("42, up 2 h 1 min"));
  CHECK_THAT(text, Catch::Contains("GetObject") && Catch::Contains("retries 2") &&
                       Catch::Contains("in 3.0 MiB"));
  CHECK(text.find("PutObject") == std::string::npos);
  // The report of a version that knows less.
  CHECK_THAT(StatusForPeople(Json::parse(R"({"state": "healthy", "requests": {"X": 1}})")),
             Catch::Contains("healthy") && !Catch::Contains("0 B"));
}

TEST_CASE("bytes for people", "[status]") {
  CHECK(HumanBytes(0) == "0 B");
  CHECK(HumanBytes(1023) == "1023 B");
  CHECK(HumanBytes(1536) == "1.5 KiB");
  CHECK(HumanBytes(256u << 20) == "256 MiB");
  CHECK(HumanBytes(1ull << 50) == "1.0 PiB");
}

TEST_CASE("this process has memory", "[status]") {
  const MemoryUse use = ProcessMemory();
  CHECK(use.resident > 0);
  CHECK(use.resident_max >= use.resident);
}

}  // namespace coffer::fs::status_report_test
