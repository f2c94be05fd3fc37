// What the headers of a reply say about an object. Replies are untrusted: what cannot be is refused
// as kUnavailable, and what is merely odd falls back to nothing. Pure functions.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/result.h"
#include "s3client/http.h"
#include "s3client/object_store.h"

namespace coffer::s3 {

// The name under which a write leaves its mark, so that it knows itself again (Upload::put_id).
inline constexpr std::string_view kPutIdName = "coffer-put-id";

// kUnavailable.
Error MalformedReply(std::string_view why);

// Whether objects of this class are archived, but for what was restored. Those of
// INTELLIGENT_TIERING may be: only a HEAD tells.
bool IsArchiveClass(std::string_view storage_class);

// Without the quotes around it and "&quot;"; a weak ETag's W/ is dropped.
std::string Unquoted(std::string_view etag);
// A decimal number in 0..2^63-1.
std::optional<std::uint64_t> ParseSize(std::string_view text);

struct ContentRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::uint64_t total = 0;
};
// "bytes 0-99/1000", nothing else.
std::optional<ContentRange> ParseContentRange(std::string_view text);

// The version that a HEAD or GET replied with, which has `size` bytes. kUnavailable without an ETag
// or a Date. Coffer's own mark is not part of the metadata.
Result<ObjectInfo> ReadObjectInfo(const Headers& headers, std::uint64_t size);

}  // namespace coffer::s3
