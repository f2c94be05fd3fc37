// Which lock a name gets: rules as people write them, in their order.

#include "fs/lock_rules.h"

#include <catch2/catch.hpp>
#include <utility>

namespace coffer::fs::lock_rules_test {

constexpr std::int64_t kDay = 86'400;

LockRules Rules(const std::vector<std::string>& texts, bool exempt = true) {
  auto rules = ParseLockRules(texts, {kLongestLockS, true});
  REQUIRE(rules);
  return {*std::move(rules), exempt};
}

// "GOVERNANCE 30", in days; "none".
std::string Words(const std::optional<LockTerm>& term) {
  return term ? term->mode + " " + std::to_string(term->period_s / kDay) : "none";
}

TEST_CASE("lock rules: the first that matches decides, and none exempts") {
  const LockRules rules = Rules(
      {"locks/**=none", "data/*/keep=compliance:7d", "data/**=governance:30d", "*=governance:1d"});
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"locks/a", "none"},
      {"locks/a/b", "none"},
      {"data/00/keep", "COMPLIANCE 7"},
      {"data/00", "GOVERNANCE 30"},
      {"data/0/1/keep", "GOVERNANCE 30"},
      {"config", "GOVERNANCE 1"},
      {"other/config", "none"},
      {"x/data/00", "none"},
      {"data", "GOVERNANCE 1"},
      {"datax/1", "none"},
  };
  for (const auto& [path, words] : rows) {
    INFO(path);
    CHECK(Words(rules.Find(path)) == words);
  }
  CHECK(Words(rules.longest()) == "GOVERNANCE 30");
  CHECK(Words(Rules({"a=governance:9d", "b=compliance:9d"}).longest()) == "COMPLIANCE 9");
}

TEST_CASE("lock rules: temporary names wait, unless they are to be locked as all others") {
  const std::vector<std::string> all = {"**=governance:1d"};
  for (const char* name :
       {"data/ab-tmp-123", ".file.txt.AbCd12", "d/.f.swp", "4913", "d/f~", "objects/tmp_obj_x1",
        "objects/pack/tmp_pack_1", "index.lock", ".tmp-4-pack-1.pack"}) {
    INFO(name);
    CHECK(Words(Rules(all).Find(name)) == "none");
    CHECK(Words(Rules(all).FindExempt(name)) == "GOVERNANCE 1");
    CHECK(Words(Rules(all, false).Find(name)) == "GOVERNANCE 1");
    CHECK(Words(Rules(all, false).FindExempt(name)) == "none");
  }
  for (const char* name :
       {"data/ab", "x-tmp-1/f", ".hidden", ".bashrc.orig", "locks", "a.locked"}) {
    INFO(name);
    CHECK(Words(Rules(all).Find(name)) == "GOVERNANCE 1");
    CHECK(Words(Rules(all).FindExempt(name)) == "none");
  }
  CHECK(Words(Rules({"a/**=none", "**=governance:1d"}).FindExempt("a/x-tmp-1")) == "none");
}

TEST_CASE("lock rules: without a term nothing is locked") {
  CHECK(LockRules().empty());
  CHECK(Rules({"**=none"}).empty());
  CHECK(Words(Rules({"**=none"}).Find("f")) == "none");
  CHECK_FALSE(Rules({"a=none", "b=governance:1s"}).empty());
}

TEST_CASE("lock rules: what is refused, and in which words") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"data/**", "takes GLOB=MODE:DURATION"},
      {"data/**=governance", "is MODE:DURATION"},
      {"data/**=30d", "is MODE:DURATION"},
      {"data/**=governance:30", "is no duration"},
      {"data/**=Governance:0d", "longer than nothing"},
      {"data/=governance:30d", "ends in '/'"},
      {"=governance:30d", "is empty"},
      {"{a,b}=governance:30d", "braces"},
      {"**=governance:401d", "--lock-max"},
      {"**=governance:2y", "--lock-max"},
      {"**=compliance:1d", "--allow-compliance"},
  };
  for (const auto& [text, words] : rows) {
    INFO(text);
    const auto rules = ParseLockRules({"x=governance:1d", text}, {});
    REQUIRE_FALSE(rules);
    CHECK(rules.error().code == Code::kInvalid);
    CHECK(rules.error().what.find("--lock-rule " + text) == 0);
    CHECK(rules.error().what.find(words) != std::string::npos);
  }
  CHECK(ParseLockRules({"a=b=governance:400d", "**=none"}, {}));
  CHECK(ParseLockRules({"**=compliance:3y"}, {4 * 365 * kDay, true}));
}

}  // namespace coffer::fs::lock_rules_test
