#include "crypto/encoding.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace coffer {
namespace {

constexpr char kBase64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::optional<unsigned> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<unsigned> Base64Digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return std::nullopt;
}

std::size_t Padding(std::string_view base64) {
  return base64.ends_with("==") ? 2 : base64.ends_with('=') ? 1 : 0;
}

// Not isalnum(): it asks the locale.
bool Unreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.' || c == '~';
}

}  // namespace

std::string HexEncode(ByteView bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out += kDigits[std::to_integer<unsigned>(b) >> 4];
    out += kDigits[std::to_integer<unsigned>(b) & 15];
  }
  return out;
}

Result<Bytes> HexDecode(std::string_view text) {
  if (text.size() % 2 != 0) return Error{Code::kInvalid, "hex text of odd length"};
  Bytes out(text.size() / 2);
  COFFER_TRY(HexDecodeTo(text, out));
  return out;
}

Status HexDecodeTo(std::string_view text, MutableByteView out) {
  if (text.size() != 2 * out.size()) return Error{Code::kInvalid, "hex text of a wrong length"};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto high = HexDigit(text[2 * i]);
    const auto low = HexDigit(text[2 * i + 1]);
    if (!high || !low) return Error{Code::kInvalid, "not a hex digit"};
    out[i] = static_cast<std::byte>(*high << 4 | *low);
  }
  return Ok();
}

std::string Base64Encode(ByteView bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group = group << 8 | (j < n ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += j <= n ? kBase64[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Result<std::size_t> Base64Size(std::string_view text) {
  if (text.size() % 4 != 0) return Error{Code::kInvalid, "base64 text of a wrong length"};
  return text.size() / 4 * 3 - Padding(text);
}

Result<Bytes> Base64Decode(std::string_view text) {
  COFFER_ASSIGN(const std::size_t size, Base64Size(text));
  Bytes out(size);
  COFFER_TRY(Base64DecodeTo(text, out));
  return out;
}

Status Base64DecodeTo(std::string_view text, MutableByteView out) {
  COFFER_ASSIGN(const std::size_t size, Base64Size(text));
  if (size != out.size()) return Error{Code::kInvalid, "base64 text of a wrong length"};
  const std::size_t padding = Padding(text);
  std::size_t filled = 0;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool pad = i >= text.size() - padding;
    const auto digit = pad ? std::optional<unsigned>(0) : Base64Digit(text[i]);
    if (!digit) return Error{Code::kInvalid, "not a base64 digit"};
    group = group << 6 | *digit;
    if (i % 4 != 3) continue;
    const std::size_t n = i + 1 == text.size() ? 3 - padding : 3;
    for (std::size_t j = 0; j < n; ++j) {
      out[filled++] = static_cast<std::byte>(group >> (16 - 8 * j) & 255);
    }
    if ((group & ((1u << 8 * (3 - n)) - 1)) != 0) {
      return Error{Code::kInvalid, "base64 text with stray bits"};
    }
    group = 0;
  }
  return Ok();
}

std::string UriEscape(std::string_view text, Slash slash) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  for (const char c : text) {
    if (Unreserved(c) || (c == '/' && slash == Slash::kKeep)) {
      out += c;
      continue;
    }
    out += '%';
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

Result<std::string> UriUnescape(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::kIsSpace) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return Error{Code::kInvalid, "percent-encoding cut short"};
      const auto high = HexDigit(text[i + 1]);
      const auto low = HexDigit(text[i + 2]);
      if (!high || !low) return Error{Code::kInvalid, "bad percent-encoding"};
      out += static_cast<char>(*high << 4 | *low);
      i += 2;
    }
  }
  return out;
}

}  // namespace coffer
