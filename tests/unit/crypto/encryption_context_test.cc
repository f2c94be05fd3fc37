#include "crypto/encryption_context.h"

#include <catch2/catch.hpp>

#include "crypto/encoding.h"

namespace coffer::encryption_context_test {

TEST_CASE("encryption context: nothing for no pairs, else sorted by bytes") {
  CHECK(SerializeContext({})->empty());
  CHECK(HexEncode(*SerializeContext({{"b", "2"}, {"a", ""}, {"\xc3\xa4", "x"}, {"B", "1"}})) ==
        "0004"
        "0001"
        "42"
        "0001"
        "31"
        "0001"
        "61"
        "0000"
        "0001"
        "62"
        "0001"
        "32"
        "0002"
        "c3a4"
        "0001"
        "78");
}

TEST_CASE("encryption context: parsed in any order, and back") {
  const EncryptionContext pairs{{"a", "1"}, {"b", ""}, {"", "nameless"}};
  CHECK(ParseContext(*SerializeContext(pairs)).value() == pairs);
  CHECK(ParseContext({}).value().empty());
  CHECK(ParseContext(HexDecode("0002000162000132000161000131").value()).value() ==
        EncryptionContext{{"a", "1"}, {"b", "2"}});
}

TEST_CASE("encryption context: what is not exactly one is refused") {
  const auto rows = {
      "00",
      "0000",  // cut off; a count of none must be no bytes
      "0001",
      "00010001",                      // cut off
      "0001000161000231",              // cut off in a value
      "00010001610001310000",          // bytes behind the last pair
      "0002000161000131000161000132",  // one name twice
      "0002000161000131",              // a pair less than counted
      "0001000161000131000162000132",  // a pair more than counted
  };
  for (const auto* hex : rows) {
    CAPTURE(hex);
    CHECK(ParseContext(HexDecode(hex).value()).error().code == Code::kCorrupt);
  }
}

TEST_CASE("encryption context: 65,535 bytes, and no more") {
  const auto with = [](std::size_t bytes) {
    return EncryptionContext{{"n", std::string(bytes - 2 - 4 - 1, 'v')}};
  };
  CHECK(SerializeContext(with(65535))->size() == 65535);
  CHECK(SerializeContext(with(65536)).error().code == Code::kTooLarge);
  CHECK(CheckUserContext(with(65535)));
  CHECK(CheckUserContext(with(65536)).error().code == Code::kInvalid);
}

TEST_CASE("encryption context: users do not use the format's own names") {
  CHECK(CheckUserContext({{"purpose", "backup"}, {"aws", ""}}));
  CHECK(CheckUserContext({{"", "x"}}).error().code == Code::kInvalid);
  CHECK(CheckUserContext({{"aws-crypto-", "x"}}).error().code == Code::kInvalid);
  CHECK(CheckUserContext({{"aws-crypto-public-key", "x"}}).error().code == Code::kInvalid);
}

}  // namespace coffer::encryption_context_test
