#include "fs/bucket_facts.h"

#include <catch2/catch.hpp>

#include "fs/cmd_share.h"

namespace coffer::fs::bucket_facts_test {

TEST_CASE("bucket_facts: the default retention is days or years, within what S3 takes") {
  const auto days = ParseLockDefault("governance:30d");
  REQUIRE(days);
  CHECK(days->enabled);
  CHECK(days->default_mode == "GOVERNANCE");
  CHECK(days->default_days == 30);
  CHECK(days->default_years == 0);
  CHECK(ParseLockDefault("compliance:100y")->default_years == 100);
  CHECK(ParseLockDefault("compliance:36500d")->default_days == 36'500);
  CHECK(ParseLockDefault("none")->default_mode.empty());
  for (const char* bad :
       {"", "none:", "governance", "governance:", "governance:d", "governance:30", "governance:0d",
        "governance:-1d", "governance:+1d", "governance:1.5d", "governance:1d ", "governance:1M",
        "governance:36501d", "governance:101y", "governance:99999999999d", "Governance:1d", ":1d"})
    CHECK(ParseLockDefault(bad).error().code == Code::kInvalid);
  CHECK(Describe(*days) == Json({{"object_lock", true}, {"default", "governance:30d"}}));
}

TEST_CASE("cmd_share: the name that a browser saves under can end neither quote nor header") {
  CHECK(AttachmentNamed("a b.txt").value() ==
        "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt");
  CHECK(AttachmentNamed("\"x\\").value() ==
        "attachment; filename=\"_x_\"; filename*=UTF-8''%22x%5C");
  CHECK(AttachmentNamed("\xc3\xa4").value() ==
        "attachment; filename=\"__\"; filename*=UTF-8''%C3%A4");
  for (const char* bad : {"a/b", "a\r\nb", "a\tb", "\x7f"})
    CHECK(AttachmentNamed(bad).error().code == Code::kInvalid);
}

}  // namespace coffer::fs::bucket_facts_test
