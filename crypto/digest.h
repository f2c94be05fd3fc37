// SHA-256 (whole and streaming), HMAC-SHA256, MD5, SHA-1 and CRC32.
//
// Functions are safe from any thread; a streaming object belongs to one thread at a time. SHA-256
// and HMAC cannot fail on a working OpenSSL (see OpenSslUnusable). MD5 and SHA-1 are names and
// transport checks here, never security, and an OpenSSL in FIPS mode may lack them: kUnsupported.

#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "crypto/bytes.h"
#include "crypto/openssl.h"
#include "crypto/result.h"

namespace coffer {

using Sha256Digest = std::array<std::byte, 32>;

Sha256Digest Sha256(ByteView bytes);
Sha256Digest HmacSha256(ByteView key, ByteView message);

// A digest of bytes that arrive in pieces.
class Sha256Stream {
 public:
  Sha256Stream();
  void Update(ByteView bytes);
  // The digest of everything so far; the stream begins anew.
  Sha256Digest Finish();

 private:
  MdContext context_;
};

Result<std::array<std::byte, 16>> Md5(ByteView bytes);
Result<std::array<std::byte, 20>> Sha1(ByteView bytes);

// The CRC32 of zlib and of x-amz-checksum-crc32; pass the value of the bytes before to go on.
std::uint32_t Crc32(ByteView bytes, std::uint32_t before = 0);
// The CRC32 of two runs of bytes joined, from that of each.
std::uint32_t Crc32Combine(std::uint32_t first, std::uint32_t second, std::uint64_t second_size);
// As x-amz-checksum-crc32 carries it: base64 of the big-endian value.
std::string Crc32Text(std::uint32_t crc);

}  // namespace coffer
