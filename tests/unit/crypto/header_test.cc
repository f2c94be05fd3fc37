#include "crypto/header.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "crypto/encoding.h"
#include "tests/support/sealed_message.h"

namespace coffer::header_test {

using test::BytesOf;

Header Example(std::uint16_t suite) {
  Header header;
  header.suite = *FindSuite(suite);
  header.message_id = Bytes(header.suite.message_id_size(), std::byte{0x1d});
  header.context = {{"b", "2"}, {"a", "1"}};
  if (header.suite.signs()) header.context[std::string(kPublicKeyName)] = "point";
  header.encrypted = {{"aws-kms", "arn", "blob"}};
  header.frame_size = 4096;
  if (header.suite.commits) header.commitment.fill(std::byte{0xcc});
  return header;
}

// With a nonce and a tag, which parsing does not check.
Bytes Whole(const Header& header) {
  Bytes bytes = EncodeHeader(header).value();
  bytes.resize(bytes.size() + (header.suite.commits ? 16 : 28), std::byte{0x77});
  return bytes;
}

Result<Header> Parse(const Bytes& bytes) { return ParseHeader(bytes, {}); }

Code Refusal(const Bytes& bytes) {
  const auto parsed = Parse(bytes);
  REQUIRE_FALSE(parsed);
  return parsed.error().code;
}

TEST_CASE("header: format 2, byte by byte") {
  Header header = Example(0x0478);
  header.pad = 2;
  CHECK(HexEncode(EncodeHeader(header).value()) ==
        "02"
        "0478" +
            HexEncode(header.message_id) +
            "000e"
            "0002"
            "000161000131"
            "000162000132"
            "0002"
            "0007"
            "6177732d6b6d73"
            "0003"
            "61726e"
            "0004"
            "626c6f62"
            "000a"
            "636f666665722d706164"
            "0002"
            "7631"
            "0002"
            "0000"
            "02"
            "00001000" +
            HexEncode(header.commitment));
}

TEST_CASE("header: format 1, byte by byte") {
  Header header = Example(0x0178);
  header.context.clear();
  CHECK(HexEncode(EncodeHeader(header).value()) ==
        "01"
        "80"
        "0178" +
            HexEncode(header.message_id) +
            "0000"
            "0001"
            "0007"
            "6177732d6b6d73"
            "0003"
            "61726e"
            "0004"
            "626c6f62"
            "02"
            "00000000"
            "0c"
            "00001000");
}

TEST_CASE("header: every suite, there and back") {
  for (const Suite& suite : AllSuites()) {
    for (const ContentType content : {ContentType::kFramed, ContentType::kWhole}) {
      CAPTURE(suite.id, static_cast<int>(content));
      Header header = Example(suite.id);
      header.content = content;
      if (content == ContentType::kWhole) header.frame_size = 0;
      Bytes bytes = Whole(header);
      const std::size_t size = bytes.size();
      bytes.resize(size + 5, std::byte{0});
      const auto parsed = Parse(bytes);
      REQUIRE(parsed);
      CHECK(parsed->suite.id == suite.id);
      CHECK(parsed->message_id == header.message_id);
      CHECK(parsed->context == header.context);
      CHECK(parsed->encrypted == header.encrypted);
      CHECK(parsed->pad == 0);
      CHECK(parsed->content == content);
      CHECK(parsed->frame_size == header.frame_size);
      CHECK(parsed->commitment == header.commitment);
      CHECK(parsed->nonce[3] == (suite.commits ? std::byte{0} : std::byte{0x77}));
      CHECK(parsed->size == size);
      CHECK(parsed->authenticated_size == EncodeHeader(header)->size());
      CHECK(HeaderSize(header).value() == size);
    }
  }
}

TEST_CASE("header: a beginning wants more, and is never taken for damage") {
  for (const std::uint16_t suite : {0x0478, 0x0178}) {
    Header header = Example(suite);
    header.pad = 9;
    const Bytes bytes = Whole(header);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CAPTURE(suite, size);
      CHECK(Refusal(Bytes(bytes.begin(), bytes.begin() + static_cast<long>(size))) == Code::kRange);
    }
    CHECK(Parse(bytes));
  }
}

TEST_CASE("header: what is no message, or contradicts itself, is refused") {
  const Bytes two = Whole(Example(0x0478));
  const Bytes one = Whole(Example(0x0178));
  const auto changed = [](Bytes bytes, std::size_t at, int value) {
    bytes.at(at) = static_cast<std::byte>(value);
    return bytes;
  };
  const std::size_t content2 = two.size() - 16 - 32 - 5;
  const std::size_t content1 = one.size() - 28 - 10;
  REQUIRE(two[content2] == std::byte{2});
  REQUIRE(one[content1] == std::byte{2});
  const std::pair<const char*, Bytes> rows[] = {
      {"text", BytesOf("{\"format\": 1}")},
      {"format 0", changed(two, 0, 0)},
      {"format 3", changed(two, 0, 3)},
      {"type", changed(one, 1, 0x81)},
      {"unknown suite", changed(two, 1, 0x07)},
      {"suite of format 1 in format 2", changed(two, 1, 0x01)},
      {"suite of format 2 in format 1", changed(one, 2, 0x04)},
      {"content type 0", changed(two, content2, 0)},
      {"content type 3", changed(two, content2, 3)},
      {"whole with a frame length", changed(two, content2, 1)},
      {"frames of length 0", changed(two, content2 + 3, 0)},
      {"reserved byte", changed(one, content1 + 4, 1)},
      {"nonce size", changed(one, content1 + 5, 13)},
      {"context one byte shorter", changed(two, 36, 13)},
      {"context count", changed(two, 38, 1)},
      {"no key", changed(two, 52, 0)},
  };
  for (const auto& [name, bytes] : rows) {
    CAPTURE(name);
    CHECK(Refusal(bytes) == Code::kCorrupt);
  }
}

TEST_CASE("header: the key of a signature goes with suites that sign") {
  Header unsigned_suite = Example(0x0478);
  unsigned_suite.context["aws-crypto-public-key"] = "point";
  CHECK(EncodeHeader(unsigned_suite).error().code == Code::kInvalid);
  Header signing = Example(0x0578);
  signing.context.erase("aws-crypto-public-key");
  CHECK(EncodeHeader(signing).error().code == Code::kInvalid);

  Bytes bytes = Whole(Example(0x0578));
  bytes[1] = std::byte{4};  // 0x0478
  CHECK(Refusal(bytes) == Code::kCorrupt);
  bytes = Whole(Example(0x0478));
  bytes[1] = std::byte{5};
  CHECK(Refusal(bytes) == Code::kCorrupt);
}

TEST_CASE("header: encrypted data keys are counted before they are read") {
  Header header = Example(0x0478);
  for (int i = 0; i < 8; ++i) header.encrypted.push_back({"aws-kms", "arn", std::to_string(i)});
  const Bytes bytes = Whole(header);
  CHECK(ParseHeader(bytes, {})->encrypted.size() == 9);
  CHECK(ParseHeader(bytes, {.max_encrypted_data_keys = 9}));
  CHECK(ParseHeader(bytes, {.max_encrypted_data_keys = 8}).error().code == Code::kNotPermitted);
  header.encrypted.clear();
  CHECK(EncodeHeader(header).error().code == Code::kInvalid);
}

TEST_CASE("header: padding to a size, exactly") {
  Header header = Example(0x0478);
  const std::size_t bare = HeaderSize(header).value();
  for (const std::size_t size : {bare + 19, bare + 20, std::size_t{1024}, std::size_t{8192}}) {
    CAPTURE(size);
    REQUIRE(PadHeader(header, size));
    CHECK(HeaderSize(header).value() == size);
    const auto parsed = Parse(Whole(header));
    REQUIRE(parsed);
    CHECK(parsed->size == size);
    CHECK(parsed->pad == size - bare - 18);
    CHECK(parsed->encrypted == header.encrypted);
  }
  const Status tight = PadHeader(header, bare + 18);
  REQUIRE_FALSE(tight);
  CHECK(tight.error().code == Code::kTooLarge);
  CHECK(tight.error().what.find(" 1 bytes too long") != std::string::npos);
  CHECK(header.pad == 0);
  CHECK(PadHeader(header, 16).error().code == Code::kTooLarge);
  CHECK(PadHeader(header, bare + 18 + 65535));
  CHECK(PadHeader(header, bare + 18 + 65536).error().code == Code::kInvalid);
}

TEST_CASE("header: padding that is not as it is written is refused") {
  Header header = Example(0x0478);
  REQUIRE(PadHeader(header, 1024));
  const Bytes good = Whole(header);
  const auto name = test::BytesOf("coffer-pad");
  const std::size_t at = static_cast<std::size_t>(
      std::search(good.begin(), good.end(), name.begin(), name.end()) - good.begin());
  for (const std::size_t offset : {12, 13, 16, 100}) {  // "v1", first zero, another
    CAPTURE(offset);
    Bytes bytes = good;
    bytes.at(at + offset) ^= std::byte{3};
    CHECK(Refusal(bytes) == Code::kCorrupt);
  }
  // Before another key, twice, or alone.
  const EncryptedDataKey real{"aws-kms", "arn", "blob"};
  const EncryptedDataKey pad{"tmpxer-pad", "v1", std::string(2, '\0')};
  for (const auto& keys : {std::vector{pad, real}, std::vector{real, pad, pad}, std::vector{pad}}) {
    Header forged = Example(0x0478);
    forged.encrypted = keys;
    Bytes bytes = Whole(forged);
    CHECK(Parse(bytes));
    const auto decoy = test::BytesOf("tmpxer-pad");
    for (auto found = bytes.begin();;) {
      found = std::search(found, bytes.end(), decoy.begin(), decoy.end());
      if (found == bytes.end()) break;
      std::copy(name.begin(), name.end(), found);
    }
    CHECK(Refusal(bytes) == Code::kCorrupt);
  }
  header.encrypted.push_back({"coffer-pad", "v1", "x"});
  CHECK(EncodeHeader(header).error().code == Code::kInvalid);
}

TEST_CASE("header: what is too long for the format is refused when it is written") {
  Header header = Example(0x0478);
  header.encrypted = {{"aws-kms", "arn", std::string(65536, 'x')}};
  CHECK(EncodeHeader(header).error().code == Code::kTooLarge);
  header = Example(0x0478);
  header.context["long"] = std::string(65536, 'x');
  CHECK(EncodeHeader(header).error().code == Code::kTooLarge);
  header = Example(0x0478);
  header.encrypted.resize(65536, header.encrypted.front());
  CHECK(EncodeHeader(header).error().code == Code::kTooLarge);
  header = Example(0x0478);
  header.message_id.resize(16);
  CHECK(EncodeHeader(header).error().code == Code::kInvalid);
}

}  // namespace coffer::header_test
