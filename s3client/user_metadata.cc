#include "s3client/user_metadata.h"

#include <algorithm>

#include "crypto/ascii.h"
#include "crypto/encoding.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kPrefix = "x-amz-meta-";
constexpr std::string_view kWordBegin = "=?UTF-8?B?";
constexpr std::size_t kMaxBytes = 2048;

bool IsHeaderName(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

bool TravelsAsItIs(std::string_view value) {
  if (value.substr(0, 2) == "=?") return false;
  if (!value.empty() && (value.front() == ' ' || value.back() == ' ')) return false;
  // Signers fold runs of blanks into one.
  if (value.find("  ") != std::string_view::npos) return false;
  return std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

std::string Encode(std::string_view value) {
  if (TravelsAsItIs(value)) return std::string(value);
  return std::string(kWordBegin) + Base64Encode(AsBytes(value)) + "?=";
}

// RFC 2047 4.2: "_" is a space, "=XX" a byte.
Result<std::string> DecodeQ(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '%') {
      escaped += "%25";
    } else {
      escaped += c == '_' ? ' ' : c == '=' ? '%' : c;
    }
  }
  return UriUnescape(escaped);
}

// One encoded word, without its "=?" and "?="; nothing when it is none that we know.
Result<std::string> DecodeWord(std::string_view word) {
  const auto charset_end = word.find('?');
  if (charset_end == std::string_view::npos || AsciiLower(word.substr(0, charset_end)) != "utf-8" ||
      word.size() < charset_end + 3 || word[charset_end + 2] != '?') {
    return Error{Code::kInvalid, "not an encoded word in UTF-8"};
  }
  const char encoding = word[charset_end + 1];
  const std::string_view text = word.substr(charset_end + 3);
  if (encoding == 'Q' || encoding == 'q') return DecodeQ(text);
  if (encoding != 'B' && encoding != 'b') return Error{Code::kInvalid, "unknown encoding"};
  COFFER_ASSIGN(const Bytes bytes, Base64Decode(text));
  return std::string(AsText(bytes));
}

// A value may be several encoded words with blanks between, which are not part of it; anything
// that is not made of encoded words throughout is what it looks like.
std::string Decode(std::string_view value) {
  std::string decoded;
  std::string_view rest = value;
  while (!rest.empty()) {
    const auto end = rest.find("?=", rest.find('?', rest.find('?', 2) + 1) + 1);
    if (rest.substr(0, 2) != "=?" || end == std::string_view::npos) return std::string(value);
    const auto word = DecodeWord(rest.substr(2, end - 2));
    if (!word) return std::string(value);
    decoded += *word;
    rest.remove_prefix(end + 2);
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  }
  return decoded;
}

}  // namespace

Status AddUserMetadata(Headers& headers, const Metadata& metadata) {
  std::size_t total = 0;
  for (const auto& [name, value] : metadata) {
    if (!IsHeaderName(name)) return Error{Code::kInvalid, "a metadata name that HTTP cannot carry"};
    std::string encoded = Encode(value);
    total += name.size() + encoded.size();
    headers.Add(std::string(kPrefix) + name, std::move(encoded));
  }
  if (total > kMaxBytes) {
    return Error{Code::kNoSpace,
                 "metadata of " + std::to_string(total) + " bytes: an object has room for 2048"};
  }
  return Ok();
}

Metadata ReadUserMetadata(const Headers& headers) {
  Metadata metadata;
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = AsciiLower(name);
    if (lower.substr(0, kPrefix.size()) != kPrefix) continue;
    const auto [it, is_new] = metadata.emplace(lower.substr(kPrefix.size()), value);
    if (!is_new) it->second += "," + value;
  }
  for (auto& [name, value] : metadata) value = Decode(value);
  return metadata;
}

}  // namespace coffer::s3
