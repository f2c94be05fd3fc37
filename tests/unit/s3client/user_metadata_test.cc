#include "s3client/user_metadata.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::s3::user_metadata_test {

TEST_CASE("user metadata: any bytes travel and come back") {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  for (const std::string& value :
       {std::string(), std::string("plain"), std::string(" edges "), std::string("two  blanks"),
        std::string("h\xC3\xA9"), std::string("\xFF\xFE"), std::string("a\r\nX-Evil: 1"),
        std::string("=?UTF-8?B?eA==?="), std::string("=?not a word"), std::string("a\0b", 3),
        every}) {
    CAPTURE(value);
    Headers headers;
    REQUIRE(AddUserMetadata(headers, {{"k", value}}));
    for (const char c : headers.Get("x-amz-meta-k")) CHECK((c >= 0x20 && c < 0x7F));
    CHECK(ReadUserMetadata(headers) == Metadata{{"k", value}});
  }
}

TEST_CASE("user metadata: what other tools and servers write") {
  const auto read = [](const char* value) {
    Headers headers;
    headers.Add("X-Amz-Meta-K", value);
    return ReadUserMetadata(headers).at("k");
  };
  CHECK(read("=?utf-8?q?h=C3=A9_100%?=") == "h\xC3\xA9 100%");
  CHECK(read("=?UTF-8?B?aMOp?= =?UTF-8?Q?_x?=") == "h\xC3\xA9 x");
  for (const char* as_it_is : {"=?latin1?B?aMOp?=", "=?UTF-8?B?!!?=", "=?UTF-8?X?a?=", "=?", "=??",
                               "=???", "=?UTF-8?B?aMOp?= tail", "?="}) {
    CAPTURE(as_it_is);
    CHECK(read(as_it_is) == as_it_is);
  }
  Headers twice;
  twice.Add("x-amz-meta-k", "1");
  twice.Add("X-AMZ-META-K", "2");
  CHECK(ReadUserMetadata(twice) == Metadata{{"k", "1,2"}});
}

TEST_CASE("user metadata: 2 KB, as it is sent") {
  Headers headers;
  CHECK(AddUserMetadata(headers, {{"k", std::string(2047, 'x')}}));
  const auto over = AddUserMetadata(headers, {{"k", std::string(2048, 'x')}});
  REQUIRE_FALSE(over);
  CHECK(over.error().code == Code::kNoSpace);
  // Base64 makes it larger.
  CHECK_FALSE(AddUserMetadata(headers, {{"k", std::string(1600, '\xFF')}}));
}

}  // namespace coffer::s3::user_metadata_test
