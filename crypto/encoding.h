// Bytes as text and back: hex, base64 and percent-encoding.
//
// Pure functions, safe from any thread. Decoders take untrusted input and refuse with kInvalid,
// without quoting it.

#pragma once

#include <string>
#include <string_view>

#include "crypto/bytes.h"
#include "crypto/result.h"

namespace coffer {

std::string HexEncode(ByteView bytes);  // lower case
Result<Bytes> HexDecode(std::string_view text);
// For secrets, straight to where they stay: fills `out`, whose size is half that of `text`, else
// kInvalid.
Status HexDecodeTo(std::string_view text, MutableByteView out);

// RFC 4648 section 4, padded. Decoding is strict: no white space, canonical padding only.
std::string Base64Encode(ByteView bytes);
Result<Bytes> Base64Decode(std::string_view text);
// How many bytes `text` stands for, by its length and padding alone.
Result<std::size_t> Base64Size(std::string_view text);
// For secrets, straight to where they stay: fills `out`, which has Base64Size bytes, else kInvalid.
Status Base64DecodeTo(std::string_view text, MutableByteView out);

enum class Slash { kKeep, kEscape };
// Every byte outside A-Z a-z 0-9 - _ . ~ becomes %XX (upper case), as SigV4 wants it; '/' stays in
// paths and is escaped in query strings.
std::string UriEscape(std::string_view text, Slash slash);

// S3 writes a space in a listing with encoding-type=url as '+'.
enum class Plus { kKeep, kIsSpace };
Result<std::string> UriUnescape(std::string_view text, Plus plus = Plus::kKeep);

}  // namespace coffer
