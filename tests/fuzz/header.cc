// The header of a message: what is parsed encodes to the same bytes, and every cut asks for more.

#include "crypto/header.h"

#include <algorithm>

#include "crypto/encryption_context.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

bool SameFields(const Header& a, const Header& b) {
  return a.suite.id == b.suite.id && a.message_id == b.message_id && a.context == b.context &&
         a.encrypted == b.encrypted && a.pad == b.pad && a.content == b.content &&
         a.frame_size == b.frame_size && a.commitment == b.commitment;
}

void CheckParsed(const Header& header, ByteView bytes) {
  Must(header.authenticated_size < header.size && header.size <= bytes.size(),
       "a header lies within its bytes");
  Must((header.frame_size == 0) == (header.content == ContentType::kWhole),
       "a frame length goes with frames");
  Must(!header.encrypted.empty(), "a message names a key");
  const auto encoded = EncodeHeader(header);
  Must(encoded.has_value(), "what was parsed can be encoded");
  // Whoever wrote it may have had another order of the context: then only the size is the same.
  Must(encoded->size() == header.authenticated_size, "an encoded header is as long as it was");
  Must(HeaderSize(header).value() == header.size, "the size of a header can be told beforehand");
  Bytes again = *encoded;
  again.resize(header.size, std::byte{0});
  const auto twice = ParseHeader(again, {});
  Must(twice && SameFields(*twice, header), "an encoded header is parsed to what it was");
  Must(EncodeHeader(*twice).value() == *encoded, "there is one way to encode a header");
}

}  // namespace

void FuzzHeader(ByteView input) {
  const auto header = ParseHeader(input, {});
  const auto limited = ParseHeader(input, {.max_encrypted_data_keys = 3});
  if (!header) {
    Must(!limited, "a limit refuses more, not less");
    Must(header.error().code == Code::kRange || header.error().code == Code::kCorrupt,
         "a header is cut off, or none");
    return;
  }
  CheckParsed(*header, input);
  const std::size_t keys = header->encrypted.size() + (header->pad > 0 ? 1 : 0);
  Must(limited.has_value() == (keys <= 3), "the limit counts every key");
  for (std::size_t size = 0; size < header->size; size += 1 + size / 64) {
    const auto cut = ParseHeader(input.first(size), {});
    Must(!cut && cut.error().code == Code::kRange, "a header that is cut off asks for more");
  }
  Header padded = *header;
  padded.pad = 0;
  constexpr std::size_t kSize = 4096;
  if (PadHeader(padded, kSize)) {
    Must(HeaderSize(padded).value() == kSize, "padding brings a header to its size");
  }
}

}  // namespace coffer::test
