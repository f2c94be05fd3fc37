#include "crypto/raw_key_name.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::raw_key_name_test {

TEST_CASE("raw key names: neither empty, nor endless, nor another's") {
  CHECK(CheckRawKeyName({"coffer", "0123456789abcdef"}));
  CHECK(CheckRawKeyName({std::string(1024, 'p'), std::string(1024, 'n')}));
  const RawKeyName bad[] = {{"", "n"},
                            {"p", ""},
                            {"aws-kms", "n"},
                            {"aws-kms-hierarchy", "n"},
                            {"coffer-pad", "n"},
                            {std::string(1025, 'p'), "n"},
                            {"p", std::string(1025, 'n')}};
  for (const RawKeyName& name : bad) {
    CAPTURE(name.ToString());
    CHECK(CheckRawKeyName(name).error().code == Code::kInvalid);
  }
}

}  // namespace coffer::raw_key_name_test
