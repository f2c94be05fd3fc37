#include "s3client/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "crypto/encoding.h"
#include "crypto/openssl.h"

namespace coffer::s3 {

namespace {

constexpr std::string_view kBlank = " \t\r\n";

// The span of one string in JSON text, without its quotes.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The string that begins behind the quote before `begin`.
std::optional<Span> StringFrom(std::string_view text, std::size_t begin) {
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (text[i] == '"') return Span{begin, i};
    if (text[i] == '\\') ++i;
  }
  return std::nullopt;
}

// Where the value of a member begins whose name ends at `end`; nothing when that is no name.
std::optional<std::size_t> ValueAfter(std::string_view text, std::size_t end) {
  const auto colon = text.find_first_not_of(kBlank, end + 1);
  if (colon == std::string_view::npos || text[colon] != ':') return std::nullopt;
  const auto value = text.find_first_not_of(kBlank, colon + 1);
  if (value == std::string_view::npos) return std::nullopt;
  return value;
}

// The values of all string members of that name of the outermost object; nothing when the text
// cannot be followed.
std::optional<std::vector<Span>> StringMembers(std::string_view text, std::string_view name) {
  std::vector<Span> found;
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' || text[i] == '[') ++depth;
    if (text[i] == '}' || text[i] == ']') --depth;
    if (text[i] != '"') continue;
    const auto string = StringFrom(text, i + 1);
    if (!string) return std::nullopt;
    i = string->end;
    if (depth != 1 || text.substr(string->begin, string->end - string->begin) != name) continue;
    const auto value = ValueAfter(text, i);
    if (!value || text[*value] != '"') continue;
    const auto span = StringFrom(text, *value + 1);
    if (!span) return std::nullopt;
    found.push_back(*span);
    i = span->end;
  }
  return found;
}

// Some writers escape the slash, the plus and the equals sign. Unescaped in place; returns the new
// length, or nothing for an escape that base64 has no use for.
std::optional<std::size_t> Unescape(MutableByteView text) {
  const auto at = [&](std::size_t i) { return static_cast<char>(text[i]); };
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (at(i) != '\\') {
      text[length++] = text[i];
      continue;
    }
    if (i + 1 < text.size() && at(i + 1) == '/') {
      text[length++] = text[++i];
      continue;
    }
    std::byte code[2];
    if (i + 5 >= text.size() || at(i + 1) != 'u' ||
        !HexDecodeTo(AsText(text.subspan(i + 2, 4)), code) || code[0] != std::byte{0}) {
      return std::nullopt;
    }
    text[length++] = code[1];
    i += 5;
  }
  return length;
}

Result<Secret> DecodeKey(MutableByteView escaped, SecretArena& arena) {
  const Error none{Code::kInvalid, "not a key in base64"};
  const auto length = Unescape(escaped);
  if (!length) return none;
  const std::string_view base64 = AsText(escaped.first(*length));
  const auto size = Base64Size(base64);
  if (!size || *size == 0 || *size > kMaxSecret) return none;
  COFFER_ASSIGN(Secret key, arena.Make(*size));
  if (!Base64DecodeTo(base64, key.fill())) return none;
  return key;
}

}  // namespace

std::string JsonString(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00") += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    } else {
      out += c;
    }
  }
  return out += '"';
}

Result<Secret> TakeSecretMember(MutableByteView text, std::string_view name, SecretArena& arena) {
  const auto members = StringMembers(AsText(text), name);
  if (!members || members->empty()) return Error{Code::kInvalid, "the reply holds no key"};
  Result<Secret> key = Error{Code::kInvalid, "the reply holds a key twice"};
  if (members->size() == 1) {
    const Span span = members->front();
    key = DecodeKey(text.subspan(span.begin, span.end - span.begin), arena);
  }
  for (const Span& span : *members) {
    const MutableByteView value = text.subspan(span.begin, span.end - span.begin);
    Wipe(value);
    std::fill(value.begin(), value.end(), std::byte{' '});
  }
  return key;
}

namespace {

// Null unless it is exactly one object.
nlohmann::json ParseObject(std::string_view text) {
  // Nothing that is read here nests; a limit, since the library recurses on what it parsed.
  constexpr int kMaxDepth = 16;
  bool too_deep = false;
  const auto watch = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  nlohmann::json document = nlohmann::json::parse(text, watch, /*allow_exceptions=*/false);
  if (too_deep || !document.is_object()) return nullptr;
  return document;
}

Result<std::map<std::string, std::string>> MembersOf(const nlohmann::json& object) {
  if (!object.is_object()) return Error{Code::kInvalid, "not a JSON object"};
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : object.items()) {
    if (value.is_string()) {
      out[name] = value.get_ref<const std::string&>();
    } else if (value.is_number() || value.is_boolean()) {
      out[name] = value.dump();
    }
  }
  return out;
}

}  // namespace

Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text) {
  return MembersOf(ParseObject(text));
}

Result<std::map<std::string, std::string>> ParseJsonObject(std::string_view text,
                                                           std::string_view name) {
  const nlohmann::json document = ParseObject(text);
  const auto member = document.find(std::string(name));
  return MembersOf(member == document.end() ? nlohmann::json() : *member);
}

}  // namespace coffer::s3
