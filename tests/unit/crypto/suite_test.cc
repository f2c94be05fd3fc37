#include "crypto/suite.h"

#include <catch2/catch.hpp>
#include <set>

namespace coffer::suite_test {

TEST_CASE("suite: every suite is found by its id, and no other is") {
  std::set<std::uint16_t> ids;
  for (const Suite& suite : AllSuites()) {
    CAPTURE(suite.id);
    CHECK(FindSuite(suite.id) == &suite);
    ids.insert(suite.id);
  }
  CHECK(ids == std::set<std::uint16_t>{0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178, 0x0214,
                                       0x0346, 0x0378, 0x0478, 0x0578});
  CHECK(FindSuite(0) == nullptr);
  CHECK(FindSuite(0x0073) == nullptr);
  CHECK(FindSuite(0x7804) == nullptr);
}

TEST_CASE("suite: what is written commits, signs nothing and has the longest keys") {
  const Suite& suite = SealingSuite();
  CHECK(suite.id == 0x0478);
  CHECK(suite.key_size == 32);
  CHECK(suite.kdf == Hash::kSha512);
  CHECK(suite.format_version() == 2);
  CHECK(suite.message_id_size() == 32);
  CHECK_FALSE(suite.signs());
}

TEST_CASE("suite: format 2 is that of the suites that commit") {
  for (const Suite& suite : AllSuites()) {
    CAPTURE(suite.id);
    CHECK((suite.format_version() == 2) == (suite.id == 0x0478 || suite.id == 0x0578));
    CHECK(suite.signs() ==
          (suite.id == 0x0214 || suite.id == 0x0346 || suite.id == 0x0378 || suite.id == 0x0578));
    CHECK((suite.kdf == Hash::kNone) == (suite.id < 0x0100));
  }
}

}  // namespace coffer::suite_test
