#include "crypto/aes_key_file.h"

#include <catch2/catch.hpp>
#include <string>

#include "crypto/encoding.h"

namespace coffer::aes_key_file_test {

// The key in a file, in hex, or what is wrong with it.
std::string Parse(std::string_view content) {
  SecretArena arena(4);
  const auto key = ParseAesKeyFile(content, arena);
  return key ? HexEncode(key->view()) : key.error().what;
}

std::string Counting(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST_CASE("AES key file: raw, hex and base64, in three sizes") {
  for (const std::size_t size : {16, 24, 32}) {
    const std::string bytes = Counting(size);
    const std::string hex = HexEncode(AsBytes(bytes));
    CHECK(Parse(bytes) == hex);
    CHECK(Parse(hex) == hex);
    CHECK(Parse(" " + hex + "\r\n") == hex);
    CHECK(Parse(Base64Encode(AsBytes(bytes))) == hex);
    CHECK(Parse("\n" + Base64Encode(AsBytes(bytes)) + " \n") == hex);
  }
}

TEST_CASE("AES key file: white space at the ends of raw bytes is part of the key") {
  std::string bytes = Counting(32);
  bytes.front() = '\n';
  bytes.back() = ' ';
  CHECK(Parse(bytes) == HexEncode(AsBytes(bytes)));
}

TEST_CASE("AES key file: text that reads as a key in hex or base64 is that, not raw bytes") {
  CHECK(Parse("00112233445566778899aabbCCDDEEFF") == "00112233445566778899aabbccddeeff");
  CHECK(Parse("AAECAwQFBgcICQoLDA0ODw==") == HexEncode(AsBytes(Counting(16))));
  CHECK(Parse("correct horse battery staple 4 u") ==
        HexEncode(AsBytes("correct horse battery staple 4 u")));
}

TEST_CASE("AES key file: anything else is refused without being quoted") {
  for (const std::string_view content :
       {"", "\n", "secret", "0011", "00112233445566778899aabbccddeeff00"}) {
    CAPTURE(content);
    CHECK(Parse(content).starts_with("not an AES key"));
  }
  CHECK(Parse(Counting(33)).starts_with("not an AES key"));
  CHECK(Parse(std::string(40, 's')).find("ssss") == std::string::npos);
}

TEST_CASE("AES key id: 16 hex digits of its SHA-256") {
  SecretArena arena(1);
  CHECK(AesKeyId(*arena.Copy(AsBytes(Counting(32)))) == "630dcd2966c43366");
}

}  // namespace coffer::aes_key_file_test
