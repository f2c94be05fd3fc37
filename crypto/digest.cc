#include "crypto/digest.h"

#include <zlib.h>

#include <new>

#include "crypto/encoding.h"

namespace coffer {
namespace {

// Fetched once: looking an algorithm up costs more than hashing a short message. Immutable, and
// never freed, so that a thread that still hashes while the program exits is safe.
EVP_MD* Sha256Algorithm() {
  static EVP_MD* const algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (algorithm == nullptr) OpenSslUnusable("no SHA-256");
  return algorithm;
}

EVP_MAC* HmacAlgorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  if (algorithm == nullptr) OpenSslUnusable("no HMAC");
  return algorithm;
}

template <std::size_t N>
Result<std::array<std::byte, N>> Legacy(const char* name, ByteView bytes) {
  std::array<std::byte, N> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, name, nullptr, bytes.data(), bytes.size(), Raw(digest.data()), &size) !=
          1 ||
      size != N) {
    return OpenSslError(std::string("no ") + name);
  }
  return digest;
}

}  // namespace

Sha256Digest Sha256(ByteView bytes) {
  Sha256Digest digest{};
  if (EVP_Digest(bytes.data(), bytes.size(), Raw(digest.data()), nullptr, Sha256Algorithm(),
                 nullptr) != 1) {
    OpenSslUnusable("SHA-256 failed");
  }
  return digest;
}

Sha256Digest HmacSha256(ByteView key, ByteView message) {
  const MacContext context(EVP_MAC_CTX_new(HmacAlgorithm()));
  if (!context) throw std::bad_alloc();
  char name[] = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, sizeof name - 1),
      OSSL_PARAM_construct_end()};
  // An empty key must not look like "keep the old one", which a null pointer means.
  const unsigned char* key_bytes = key.empty() ? Raw(AsBytes("x").data()) : Raw(key.data());
  Sha256Digest digest{};
  if (EVP_MAC_init(context.get(), key_bytes, key.size(), params) != 1 ||
      EVP_MAC_update(context.get(), Raw(message.data()), message.size()) != 1 ||
      EVP_MAC_final(context.get(), Raw(digest.data()), nullptr, digest.size()) != 1) {
    OpenSslUnusable("HMAC failed");
  }
  return digest;
}

Sha256Stream::Sha256Stream() : context_(EVP_MD_CTX_new()) {
  if (!context_) throw std::bad_alloc();
  if (EVP_DigestInit_ex2(context_.get(), Sha256Algorithm(), nullptr) != 1) {
    OpenSslUnusable("SHA-256 failed");
  }
}

void Sha256Stream::Update(ByteView bytes) {
  if (EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) != 1) {
    OpenSslUnusable("SHA-256 failed");
  }
}

Sha256Digest Sha256Stream::Finish() {
  Sha256Digest digest{};
  if (EVP_DigestFinal_ex(context_.get(), Raw(digest.data()), nullptr) != 1 ||
      EVP_DigestInit_ex2(context_.get(), Sha256Algorithm(), nullptr) != 1) {
    OpenSslUnusable("SHA-256 failed");
  }
  return digest;
}

Result<std::array<std::byte, 16>> Md5(ByteView bytes) { return Legacy<16>("MD5", bytes); }
Result<std::array<std::byte, 20>> Sha1(ByteView bytes) { return Legacy<20>("SHA1", bytes); }

std::uint32_t Crc32(ByteView bytes, std::uint32_t before) {
  // zlib takes a null pointer for "the initial value, please".
  if (bytes.empty()) return before;
  return static_cast<std::uint32_t>(crc32_z(before, Raw(bytes.data()), bytes.size()));
}

std::uint32_t Crc32Combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size) {
  return static_cast<std::uint32_t>(
      crc32_combine64(first, second, static_cast<z_off64_t>(second_size)));
}

std::string Crc32Text(std::uint32_t crc) {
  const std::array<std::byte, 4> bytes{
      static_cast<std::byte>(crc >> 24), static_cast<std::byte>(crc >> 16),
      static_cast<std::byte>(crc >> 8), static_cast<std::byte>(crc)};
  return Base64Encode(bytes);
}

}  // namespace coffer
