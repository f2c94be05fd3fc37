#include "fs/setting_words.h"

#include <catch2/catch.hpp>

#include "fs/options.h"

namespace coffer::fs::setting_words_test {

Result<CommandLine> Parse(std::vector<std::string> args, const Environment& environment = {}) {
  return ParseCommandLine(args, environment, "/nonexistent/coffer.conf");
}

template <typename T>
T Parsed(std::vector<std::string> args) {
  auto line = Parse(std::move(args));
  if (!line) FAIL(line.error().what);
  return std::get<T>(line->command);
}

TEST_CASE("setting_words: share", "[options]") {
  const auto plain = Parsed<ShareOptions>({"share", "s3://b/k"});
  CHECK(plain.path == "s3://b/k");
  CHECK(plain.method == "GET");
  CHECK(plain.expires == std::chrono::hours(1));
  const auto put = Parsed<ShareOptions>({"share", "--method", "PUT", "--expires", "7d", "f"});
  CHECK(put.method == "PUT");
  CHECK(put.expires == std::chrono::days(7));
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {"share", "--expires", "169h", "f"},
           {"share", "--expires", "200ms", "f"},
           {"share", "--method", "POST", "f"},
           {"share", "--method", "GET", "--method", "PUT", "f"},
           {"share", "--method", "PUT", "--download-as", "x", "f"},
           {"share", "--no-sign-request", "f"},
           {"share", "--yes", "f"}}) {
    CHECK(Parse(bad).error().code == Code::kInvalid);
  }
}

TEST_CASE("setting_words: which options go with which setting", "[options]") {
  const auto cors = Parsed<SettingOptions>(
      {"cors", "allow", "s3://b", "--origin", "https://a", "--max-age", "1h", "-y"});
  CHECK(cors.setting == BucketSetting::kCors);
  CHECK(cors.action == "allow");
  CHECK(cors.volume.source == "s3://b");
  CHECK(cors.max_age == std::chrono::hours(1));
  CHECK(cors.yes);
  const auto lock = Parsed<SettingOptions>({"lock-default", "set", "b", "governance:1d"});
  CHECK(lock.setting == BucketSetting::kLockDefault);
  CHECK(lock.retention == "governance:1d");
  const auto sse = Parsed<SettingOptions>(
      {"encryption", "set", "b", "--sse", "aws:kms", "--bucket-key", "--dry-run"});
  CHECK(sse.volume.sse == "aws:kms");
  CHECK(sse.bucket_key);
  CHECK(sse.dry_run);
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {"cors", "set", "b"},
           {"cors", "allow", "b"},
           {"cors", "show", "b", "--origin", "https://a"},
           {"cors", "show", "b", "--yes"},
           {"cors", "check", "b", "--origin", "https://a", "--dry-run"},
           {"cors", "check", "b", "--origin", "https://a", "--origin", "https://b"},
           {"cors", "remove", "b", "--header", "range"},
           {"cors", "check", "b", "--origin", "https://a", "--expose", "ETag"},
           {"cors", "allow", "b", "--origin", "https://a", "--method", "PATCH"},
           {"encryption", "set", "b"},
           {"encryption", "show", "b", "--sse", "AES256"},
           {"encryption", "set", "b", "--sse", "aws:kms:dsse", "--bucket-key"},
           {"logging", "set", "b"},
           {"logging", "off", "b", "--to", "s3://c"},
           {"versioning", "off", "b"},
           {"versioning", "on", "b", "--prefix", "p"},
           {"lock-default", "set", "b"},
           {"lock-default", "show", "b", "governance:1d"},
           {"lifecycle", "set", "b"},
           {"lifecycle", "suggest", "b", "--yes"}}) {
    CHECK(Parse(bad).error().code == Code::kInvalid);
  }
}

TEST_CASE("setting_words: consent is typed, and comes from no variable and no file", "[options]") {
  const Environment yes = {{"COFFER_YES", "true"}};
  for (const std::vector<std::string>& command :
       std::vector<std::vector<std::string>>{{"lock-default", "set", "b", "compliance:10y"},
                                             {"versioning", "on", "b"},
                                             {"logging", "off", "b"},
                                             {"encryption", "set", "b", "--sse", "AES256"},
                                             {"cors", "remove", "b"},
                                             {"policy", "add", "b", "tls"}}) {
    INFO(command.front());
    const auto refused = Parse(command, yes);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().what.find("on the command line") != std::string::npos);
    auto typed = command;
    typed.emplace_back("--yes");
    CHECK(Parse(typed, yes));
  }
  CHECK_FALSE(Parse({"policy", "add", "b", "tls"}, {{"COFFER_LOCK_ME_OUT", "true"}}));
  CHECK_FALSE(Parse({"lock-default", "set", "b", "governance:1d"},
                    {{"COFFER_ENABLE_OBJECT_LOCK", "true"}}));
}

TEST_CASE("setting_words: an account is said once, and what a removal does not look at not at all",
          "[options]") {
  CHECK_FALSE(Parse({"policy", "add", "b", "delegate", "--account", "123456789012",
                     "--expected-bucket-owner", "999988887777"}));
  CHECK_FALSE(Parse({"policy", "remove", "b", "tls", "--min", "1.2"}));
  CHECK(Parse({"policy", "remove", "b", "names", "--prefix", "team"}));
}

}  // namespace coffer::fs::setting_words_test
