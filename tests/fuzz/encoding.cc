// Bytes as text and back: hex, base64, percent-encoding, JSON strings and serialized contexts.

#include "crypto/encoding.h"

#include "crypto/encryption_context.h"
#include "s3client/json.h"
#include "s3client/xml.h"
#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

// Encoded and decoded again, and what decodes is encoded the same way but for the case of letters.
void CheckDecoders(std::string_view text) {
  if (const auto bytes = HexDecode(text)) {
    Must(bytes->size() * 2 == text.size(), "two digits are a byte");
    Must(HexDecode(HexEncode(*bytes)).value() == *bytes, "hex of what hex gave");
  }
  if (const auto bytes = Base64Decode(text)) {
    Must(Base64Encode(*bytes) == text, "base64 has one form");
    Must(Base64Size(text).value() == bytes->size(), "its size is told by its length");
  }
  for (const Plus plus : {Plus::kKeep, Plus::kIsSpace}) {
    const auto plain = UriUnescape(text, plus);
    if (!plain) continue;
    Must(plain->size() <= text.size(), "unescaping does not grow");
    Must(UriUnescape(UriEscape(*plain, Slash::kEscape), plus).value() == *plain,
         "what was unescaped can be escaped");
  }
}

void CheckEncoders(std::string_view text) {
  Must(AsText(HexDecode(HexEncode(AsBytes(text))).value()) == text, "hex there and back");
  Must(AsText(Base64Decode(Base64Encode(AsBytes(text))).value()) == text, "base64 there and back");
  for (const Slash slash : {Slash::kKeep, Slash::kEscape}) {
    Must(UriUnescape(UriEscape(text, slash)).value() == text, "escaped there and back");
  }
  if (!s3::XmlCanCarry(text)) return;
  const auto object = s3::ParseJsonObject("{\"a\":" + s3::JsonString(text) + "}");
  Must(object && object->at("a") == text, "a JSON string there and back");
  s3::XmlWriter writer;
  writer.Open("r");
  writer.Text("t", text);
  writer.Close();
  const auto document = s3::XmlDocument::Parse(std::move(writer).Finish().value());
  Must(document.has_value(), "XML that we write is XML");
  const auto read = document->root().TextOf("t");
  // White space alone is lost by the library, and CR LF by the language: CR is escaped.
  if (text.find_first_not_of(" \t\r\n") != std::string_view::npos) {
    Must(read && *read == text, "text in XML there and back");
  }
}

}  // namespace

void FuzzEncoding(ByteView input) {
  const std::string_view text = AsText(input);
  CheckDecoders(text);
  CheckEncoders(text);
  (void)s3::ParseJsonObject(text).has_value();
  const auto context = ParseContext(input);
  if (!context) return;
  const auto serialized = SerializeContext(*context);
  Must(serialized && serialized->size() == input.size(), "a context is serialized as it was");
  Must(ParseContext(*serialized).value() == *context, "and parsed again");
}

}  // namespace coffer::test
