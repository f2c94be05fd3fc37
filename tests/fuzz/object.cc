// The head of an object: what GET and HEAD answer, dates, ranges and user metadata.

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <optional>

#include "s3client/date.h"
#include "s3client/object_info.h"
#include "s3client/s3_store.h"
#include "s3client/time_text.h"
#include "s3client/user_metadata.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/wire.h"

namespace coffer::test {
namespace {

void CheckDate(std::optional<std::int64_t> seconds) {
  constexpr std::int64_t kLatest_s = std::numeric_limits<std::int64_t>::max() / 1'000'000'000;
  if (!seconds || std::abs(*seconds) > kLatest_s) return;  // no moment that a clock shows
  const std::string written = s3::IsoTime(s3::WallTime(std::chrono::seconds(*seconds)));
  Must(s3::ParseIsoDate(written) == seconds, "a date there and back: " + written);
}

void CheckRange(const std::string& text) {
  const auto range = s3::ParseContentRange(text);
  if (!range) return;
  Must(range->first <= range->last && range->last < range->total, "a range lies in its object");
  Must("bytes " + std::to_string(range->first) + "-" + std::to_string(range->last) + "/" +
                   std::to_string(range->total) ==
               text ||
           text.find('0') != std::string::npos,
       "a range is spelled in one way, but for zeros");
}

void CheckMetadata(const s3::Metadata& metadata) {
  s3::Headers headers;
  if (!s3::AddUserMetadata(headers, metadata)) return;
  for (const auto& [name, value] : headers.fields()) {
    Must(std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; }),
         "metadata travels in printable ASCII");
  }
  Must(s3::ReadUserMetadata(headers) == metadata, "metadata there and back");
}

void CheckGet(const s3::Response& reply, s3::Range range) {
  s3::FakeTransport wire;
  wire.Then(reply);
  s3::S3Store store(wire, BucketTarget(), {});
  if (const auto got = store.Get("k", range, {})) {
    Must(!got->info.etag.empty(), "what was read has an ETag");
    const std::uint64_t there =
        got->info.size > range.offset ? got->info.size - range.offset : std::uint64_t{0};
    Must(got->body.size() == std::min(there, range.size), "a range is whole");
  }
  if (const auto head = store.Head("k", {.confirm_absence = false})) {
    Must(!head->etag.empty() && head->size <= 0x7fffffffffffffff, "an object has a size");
    Must(head->tag_count >= 0 && head->tag_count <= 50, "tags are counted");
  }
}

}  // namespace

void FuzzObject(ByteView input) {
  Pieces pieces(input);
  const s3::Range range{pieces.Byte(), 1u + pieces.Byte()};
  const s3::Response reply = ReadReply(pieces);
  for (const auto& [name, value] : reply.headers.fields()) {
    CheckDate(s3::ParseIsoDate(value));
    CheckDate(s3::ParseHttpDate(value));
    CheckRange(value);
    (void)s3::Unquoted(value);
  }
  CheckMetadata(s3::ReadUserMetadata(reply.headers));
  CheckGet(reply, range);
}

}  // namespace coffer::test
