// The header of an AWS Encryption SDK message, formats 1 and 2 (coffer-format(5)).
//
// Parsing proves nothing: until VerifyHeader (crypto/header_tag.h) has found the tag to fit, every
// field is what somebody wrote there. Values; pure functions, safe from any thread.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "crypto/aead.h"
#include "crypto/bytes.h"
#include "crypto/encryption_context.h"
#include "crypto/kdf.h"
#include "crypto/key_source.h"
#include "crypto/result.h"
#include "crypto/suite.h"

namespace coffer {

// The provider of the encrypted data key that is none: the last one, which brings all headers of a
// volume to one size. Its info is "v1", and its ciphertext zero bytes. Other tools pass it over.
inline constexpr std::string_view kPadProvider = "coffer-pad";

enum class ContentType : std::uint8_t { kWhole = 1, kFramed = 2 };

struct Header {
  Suite suite = SealingSuite();
  Bytes message_id;  // suite.message_id_size() bytes
  EncryptionContext context;
  std::vector<EncryptedDataKey> encrypted;  // as they stand, without coffer-pad
  std::uint16_t pad = 0;                    // bytes of ciphertext in coffer-pad; 0: there is none
  ContentType content = ContentType::kFramed;
  std::uint32_t frame_size = 0;  // 0 for kWhole, and for nothing else
  Commitment commitment{};       // of suites that commit
  Nonce nonce{};                 // of the tag; zero in format 2, which does not store it

  // What ParseHeader adds: where the authenticated bytes end, and where the body begins.
  std::size_t authenticated_size = 0;
  std::size_t size = 0;
};

struct HeaderLimits {
  // Each of them may cost a call to KMS. coffer-pad counts, as it does for other tools. 0: no
  // limit.
  std::size_t max_encrypted_data_keys = 0;
};

// The header that `bytes` begin with. kRange when they end inside it: come back with more. kCorrupt
// when they are no header; kNotPermitted over a limit.
Result<Header> ParseHeader(ByteView bytes, const HeaderLimits& limits);

// The bytes of `header` that its tag authenticates: all but the tag and, in format 1, the nonce. In
// order, they are what ParseHeader takes apart. kInvalid when the fields contradict each other,
// kTooLarge when one is too long for the format.
Result<Bytes> EncodeHeader(const Header& header);

// The whole header's size, coffer-pad included.
Result<std::size_t> HeaderSize(const Header& header);

// Adds the coffer-pad with which the whole header has `size` bytes. kTooLarge, saying by how much,
// when it does not fit: a volume with such keys needs larger headers.
Status PadHeader(Header& header, std::size_t size);

}  // namespace coffer
