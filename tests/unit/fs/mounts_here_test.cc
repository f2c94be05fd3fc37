#include "fs/mounts_here.h"

#include <catch2/catch.hpp>

#include "fs/policy_rules.h"
#include "tests/support/fake_clock.h"

namespace coffer::fs::mounts_here_test {

constexpr const char* kPointArn = "arn:aws:s3:us-east-1:123456789012:accesspoint/team";

MountEntry At(const std::string& directory, const std::string& source) {
  MountEntry entry;
  entry.directory = directory;
  entry.source = source;
  return entry;
}

std::vector<std::string> Effects(const std::vector<MountEntry>& mounts, const std::string& rule,
                                 bool tls = true) {
  const s3::FakeClock clock;
  const Policy none = *ParsePolicy("");
  PolicyRule added;
  added.name = rule;
  added.bucket = "b";
  added.owner = "123456789012";
  added.sse = "aws:kms";
  const Policy after = *AddRule(none, added);
  return EffectsOnMounts(mounts, {none, after, "b", "aws", "123456789012", tls}, clock);
}

TEST_CASE("what a rule does to the mounts of this machine", "[policy]") {
  const std::vector<MountEntry> mounts = {At("/mnt/a", "s3://b"), At("/mnt/c", "s3://b/team"),
                                          At("/mnt/other", "s3://b-2/team"),
                                          At("/mnt/p", kPointArn)};
  const auto closed = Effects(mounts, "only-access-points");
  REQUIRE(closed.size() == 2);
  CHECK(closed[0].starts_with("the mount at /mnt/a (s3://b) is then denied s3:GetObject, "));
  CHECK(closed[0].find("s3:PutObject") != std::string::npos);
  CHECK(closed[1].starts_with("the mount at /mnt/c (s3://b/team) is then denied "));
  CHECK(Effects(mounts, "tls").empty());
  CHECK(Effects(mounts, "tls", false).size() == 2);
  CHECK(Effects(mounts, "delegate").empty());
  const auto encrypted = Effects(mounts, "encryption");
  REQUIRE(encrypted.size() == 2);
  CHECK(encrypted[0].find("denied s3:PutObject, unless") != std::string::npos);
  CHECK(Effects({}, "only-access-points").empty());
}

TEST_CASE("which mounts go through an access point", "[policy]") {
  const std::string arn = kPointArn;
  CHECK(MountsThrough({At("/mnt/a", arn), At("/mnt/b", "s3://" + arn + "/d"),
                       At("/mnt/c", arn + "-b"), At("/mnt/d", "s3://team")},
                      arn) ==
        std::vector<std::string>{"on this machine /mnt/a, /mnt/b are mounted through it"});
  CHECK(MountsThrough({At("/mnt/d", "s3://team")}, arn).empty());
}

}  // namespace coffer::fs::mounts_here_test
