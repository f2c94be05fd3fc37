#include "s3client/object_info.h"

#include <charconv>
#include <limits>

#include "s3client/date.h"
#include "s3client/user_metadata.h"

namespace coffer::s3 {
namespace {

// Some servers keep the transfer's own coding as if it were the content's.
std::string WithoutAwsChunked(std::string_view encoding) {
  std::string kept;
  while (!encoding.empty()) {
    const auto comma = encoding.find(',');
    std::string_view word = encoding.substr(0, comma);
    encoding.remove_prefix(comma == std::string_view::npos ? encoding.size() : comma + 1);
    while (!word.empty() && word.front() == ' ') word.remove_prefix(1);
    if (word.empty() || word == "aws-chunked") continue;
    if (!kept.empty()) kept += ", ";
    kept += word;
  }
  return kept;
}

// x-amz-restore: 'ongoing-request="true"', or
// 'ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"'; of Intelligent-Tiering,
// which keeps what was restored, without a date.
void ReadArchive(const Headers& headers, ObjectInfo& info) {
  const std::string_view restore = headers.Get("x-amz-restore");
  const auto says = [&](std::string_view words) {
    return restore.find(words) != std::string_view::npos;
  };
  const bool cold = IsArchiveClass(info.storage_class) || headers.Has("x-amz-archive-status");
  info.archived = cold && !says("ongoing-request=\"false\"");
  info.restoring = info.archived && says("ongoing-request=\"true\"");
  constexpr std::string_view kExpiry = "expiry-date=\"";
  const auto begin = restore.find(kExpiry);
  if (info.archived || begin == std::string_view::npos) return;
  std::string_view date = restore.substr(begin + kExpiry.size());
  date = date.substr(0, date.find('"'));
  info.restored_until_s = ParseHttpDate(date).value_or(0);
}

ContentHeaders ReadContentHeaders(const Headers& headers) {
  ContentHeaders content;
  content.content_type = headers.Get("Content-Type");
  content.content_encoding = WithoutAwsChunked(headers.Get("Content-Encoding"));
  content.content_language = headers.Get("Content-Language");
  content.content_disposition = headers.Get("Content-Disposition");
  content.cache_control = headers.Get("Cache-Control");
  content.expires = headers.Get("Expires");
  content.website_redirect = headers.Get("x-amz-website-redirect-location");
  return content;
}

}  // namespace

Error MalformedReply(std::string_view why) {
  return {Code::kUnavailable, "the reply is not what it should be: " + std::string(why)};
}

bool IsArchiveClass(std::string_view storage_class) {
  return storage_class == "GLACIER" || storage_class == "DEEP_ARCHIVE";
}

std::string Unquoted(std::string_view etag) {
  if (etag.substr(0, 2) == "W/") etag.remove_prefix(2);
  for (const std::string_view quote : {"\"", "&quot;"}) {
    const auto n = quote.size();
    if (etag.size() >= 2 * n && etag.substr(0, n) == quote &&
        etag.substr(etag.size() - n) == quote) {
      etag = etag.substr(n, etag.size() - 2 * n);
    }
  }
  return std::string(etag);
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || size > kMax) {
    return std::nullopt;
  }
  return size;
}

std::optional<ContentRange> ParseContentRange(std::string_view text) {
  constexpr std::string_view kUnit = "bytes ";
  if (text.substr(0, kUnit.size()) != kUnit) return std::nullopt;
  text.remove_prefix(kUnit.size());
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || dash > slash) {
    return std::nullopt;
  }
  const auto first = ParseSize(text.substr(0, dash));
  const auto last = ParseSize(text.substr(dash + 1, slash - dash - 1));
  const auto total = ParseSize(text.substr(slash + 1));
  if (!first || !last || !total || *first > *last || *last >= *total) return std::nullopt;
  return ContentRange{*first, *last, *total};
}

Result<ObjectInfo> ReadObjectInfo(const Headers& headers, std::uint64_t size) {
  ObjectInfo info;
  info.size = size;
  info.etag = Unquoted(headers.Get("ETag"));
  if (info.etag.empty()) return MalformedReply("it has no ETag");
  const auto date = ParseHttpDate(headers.Get("Date"));
  if (!date) return MalformedReply("it has no Date");
  info.server_date_s = *date;
  // A hostile or missing time is the epoch: shown, never acted upon.
  info.last_modified_s = ParseHttpDate(headers.Get("Last-Modified")).value_or(0);
  info.version_id = headers.Get("x-amz-version-id");
  if (headers.Has("x-amz-storage-class")) info.storage_class = headers.Get("x-amz-storage-class");
  ReadArchive(headers, info);
  info.metadata = ReadUserMetadata(headers);
  info.metadata.erase(std::string(kPutIdName));
  info.headers = ReadContentHeaders(headers);
  info.lock.mode = headers.Get("x-amz-object-lock-mode");
  info.lock.retain_until_s =
      ParseIsoDate(headers.Get("x-amz-object-lock-retain-until-date")).value_or(0);
  info.lock.legal_hold = headers.Get("x-amz-object-lock-legal-hold") == "ON";
  // A lock whose end cannot be read is a lock all the same: it never ends.
  if (!info.lock.mode.empty() && info.lock.retain_until_s == 0) {
    info.lock.retain_until_s = std::numeric_limits<std::int64_t>::max();
  }
  info.sse = headers.Get("x-amz-server-side-encryption");
  info.sse_kms_key_id = headers.Get("x-amz-server-side-encryption-aws-kms-key-id");
  info.bucket_key = headers.Get("x-amz-server-side-encryption-bucket-key-enabled") == "true";
  const auto tags = ParseSize(headers.Get("x-amz-tagging-count"));
  if (tags && *tags <= 50) info.tag_count = static_cast<int>(*tags);
  return info;
}

}  // namespace coffer::s3
