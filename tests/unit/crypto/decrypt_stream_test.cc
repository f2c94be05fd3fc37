#include "crypto/decrypt_stream.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::decrypt_stream_test {

const std::string kKey(32, 'k');

std::string Sealed(std::string_view plain, std::string_view authenticated = "") {
  auto cipher = AesGcm::ForSealing(AsBytes(kKey)).value();
  Bytes out(plain.size() + kTagSize);
  REQUIRE(cipher.Seal(Nonce{}, AsBytes(authenticated), AsBytes(plain), out));
  return std::string(AsText(out));
}

// What comes out of pieces of that size; an Error when anything failed.
Result<std::string> Opened(std::string_view sealed, std::size_t piece, std::size_t size,
                           std::string_view authenticated = "") {
  COFFER_ASSIGN(DecryptStream stream,
                DecryptStream::Gcm(AsBytes(kKey), Nonce{}, AsBytes(authenticated), size));
  std::string plain;
  Bytes out(piece + DecryptStream::kSpare);
  while (!sealed.empty()) {
    const auto part = sealed.substr(0, piece);
    COFFER_ASSIGN(const std::size_t got, stream.Update(AsBytes(part), out));
    plain += AsText(ByteView(out).first(got));
    sealed.remove_prefix(part.size());
  }
  COFFER_ASSIGN(const std::size_t got, stream.Finish(out));
  return plain + std::string(AsText(ByteView(out).first(got)));
}

TEST_CASE("decrypt stream: in pieces of any size") {
  for (const std::size_t size : {0, 1, 15, 16, 17, 100}) {
    const std::string plain(size, 'p');
    const std::string sealed = Sealed(plain, "aad");
    for (std::size_t piece = 1; piece <= sealed.size(); ++piece) {
      CHECK(*Opened(sealed, piece, sealed.size(), "aad") == plain);
    }
  }
}

TEST_CASE("decrypt stream: any other bit, length or context is refused, in the same words") {
  const std::string sealed = Sealed(std::string(40, 'p'), "aad");
  std::string said;
  const auto refused = [&](const Result<std::string>& opened) {
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code == Code::kCorrupt);
    if (said.empty()) said = opened.error().what;
    CHECK(opened.error().what == said);
  };
  for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string bad = sealed;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
    refused(Opened(bad, 7, bad.size(), "aad"));
  }
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    refused(Opened(sealed.substr(0, size), 7, size, "aad"));
    refused(Opened(sealed.substr(0, size), 7, sealed.size(), "aad"));
    refused(Opened(sealed, 7, size, "aad"));
  }
  refused(Opened(sealed + "x", 7, sealed.size() + 1, "aad"));
  refused(Opened(sealed, 7, sealed.size(), "aae"));
}

TEST_CASE("decrypt stream: a size that cannot be is refused at once") {
  CHECK_FALSE(DecryptStream::Gcm(AsBytes(kKey), Nonce{}, {}, 15));
  CHECK_FALSE(
      DecryptStream::Gcm(AsBytes(kKey), Nonce{}, {}, DecryptStream::kMaxGcm + kTagSize + 1));
  const std::string iv(16, 'i');
  for (const std::uint64_t size : {0, 1, 15, 17}) {
    CHECK_FALSE(DecryptStream::Cbc(AsBytes(kKey), AsBytes(iv), size));
  }
  CHECK_FALSE(DecryptStream::Cbc(AsBytes(kKey), AsBytes("short"), 16));
  CHECK_FALSE(DecryptStream::Cbc(AsBytes("short"), AsBytes(iv), 16));
}

}  // namespace coffer::decrypt_stream_test
