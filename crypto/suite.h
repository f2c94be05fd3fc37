// The algorithm suites of the AWS Encryption SDK message format (coffer-format(5)): the one that is
// written, and those that are only read.
//
// Constant data; safe from any thread.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace coffer {

enum class Hash { kNone, kSha256, kSha384, kSha512 };
enum class Curve { kNone, kP256, kP384 };

// Content is always sealed with AES-GCM, 96-bit nonces and 128-bit tags.
struct Suite {
  std::uint16_t id;
  std::size_t key_size;  // of the data key and of the content key, in bytes
  Hash kdf;              // kNone: the data key is the content key, so it must never be cached
  bool commits;          // the header holds a commitment to the key: message format 2, else 1
  Curve signature;       // kP256 signs with SHA-256, kP384 with SHA-384

  bool signs() const { return signature != Curve::kNone; }
  int format_version() const { return commits ? 2 : 1; }
  std::size_t message_id_size() const { return commits ? 32 : 16; }
};

std::span<const Suite> AllSuites();

// Null when no suite has that id.
const Suite* FindSuite(std::uint16_t id);

// 0x0478: AES-256-GCM, HKDF-SHA512, key commitment, no signature. The only one that is written.
const Suite& SealingSuite();

}  // namespace coffer
