#include "s3client/xml.h"

#include <tinyxml2.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

namespace coffer::s3 {
namespace {

constexpr int kMaxDepth = 24;
// A listing of 1,000 keys has about 25,000 tags. A document of nothing but tags grows to a hundred
// times its size in memory, so tags (and attributes) are counted before anything is built.
constexpr std::ptrdiff_t kMaxTags = 100'000;

Error MalformedXml(std::string_view why) {
  return {Code::kUnavailable, "the reply is not the XML it should be: " + std::string(why)};
}

std::string_view LocalName(const char* qualified) {
  const std::string_view name = qualified;
  const auto colon = name.rfind(':');
  return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool TooDeep(const tinyxml2::XMLElement* element, int levels_left) {
  if (levels_left == 0) return true;
  for (auto* child = element->FirstChildElement(); child; child = child->NextSiblingElement()) {
    if (TooDeep(child, levels_left - 1)) return true;
  }
  return false;
}

// tinyxml2 takes several roots, bare text and DTDs as they come; a reply has none of these.
Status CheckShape(const tinyxml2::XMLDocument& document) {
  int roots = 0;
  for (auto* node = document.FirstChild(); node; node = node->NextSibling()) {
    if (node->ToElement()) {
      ++roots;
    } else if (!node->ToDeclaration() && !node->ToComment()) {
      return MalformedXml("something stands beside the root element");
    }
  }
  if (roots != 1)
    return MalformedXml(roots == 0 ? "no root element" : "more than one root element");
  if (TooDeep(document.RootElement(), kMaxDepth)) return MalformedXml("nested too deeply");
  return Ok();
}

// Reads one UTF-8 character from the front of `text`; 0 when it is not valid.
char32_t TakeCharacter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80             ? 1
                             : (lead & 0xE0) == 0xC0 ? 2
                             : (lead & 0xF0) == 0xE0 ? 3
                             : (lead & 0xF8) == 0xF0 ? 4
                                                     : 0;
  if (length == 0 || text.size() < length) return 0;
  char32_t c = length == 1 ? lead : lead & (0xFF >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return 0;
    c = (c << 6) | (next & 0x3F);
  }
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (c < kSmallest[length]) return 0;
  text.remove_prefix(length);
  return c;
}

void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '\r':
        out += "&#13;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

std::string_view XmlNode::name() const { return element_ ? LocalName(element_->Name()) : ""; }

XmlNode XmlNode::Child(std::string_view name) const {
  XmlNode child = FirstChild();
  while (child && child.name() != name) child = child.Next();
  return child;
}

std::vector<XmlNode> XmlNode::Children(std::string_view name) const {
  std::vector<XmlNode> children;
  for (XmlNode child = FirstChild(); child; child = child.Next()) {
    if (child.name() == name) children.push_back(child);
  }
  return children;
}

XmlNode XmlNode::FirstChild() const {
  return element_ ? XmlNode(element_->FirstChildElement()) : XmlNode();
}

XmlNode XmlNode::Next() const {
  return element_ ? XmlNode(element_->NextSiblingElement()) : XmlNode();
}

Result<std::string> XmlNode::Text() const {
  if (!element_) return MalformedXml("an element is missing");
  const tinyxml2::XMLNode* only = element_->FirstChild();
  if (!only) return std::string();
  if (!only->ToText() || only->NextSibling()) {
    return MalformedXml("<" + std::string(name()) + "> holds more than text");
  }
  return std::string(only->Value());
}

std::string XmlNode::TextOr(std::string_view child, std::string_view otherwise) const {
  auto text = Child(child).Text();
  return text ? std::move(text).value() : std::string(otherwise);
}

Result<std::string> XmlNode::TextOf(std::string_view child) const {
  const XmlNode node = Child(child);
  if (!node) return MalformedXml("<" + std::string(child) + "> is missing");
  return node.Text();
}

Result<std::uint64_t> XmlNode::NumberOf(std::string_view child) const {
  COFFER_ASSIGN(const std::string text, TextOf(child));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (error != std::errc() || end != text.data() + text.size() || number > kMax) {
    return MalformedXml("<" + std::string(child) + "> is not a number");
  }
  return number;
}

Result<bool> XmlNode::BoolOf(std::string_view child) const {
  COFFER_ASSIGN(const std::string text, TextOf(child));
  const std::string_view said = text;
  if (said == "true") return true;
  if (said == "false") return false;
  return MalformedXml("<" + std::string(child) + "> is neither true nor false");
}

XmlDocument::XmlDocument(std::unique_ptr<tinyxml2::XMLDocument> document)
    : document_(std::move(document)) {}
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;

Result<XmlDocument> XmlDocument::Parse(std::string_view text) {
  // Servers keep a slow reply alive with blanks, also before the declaration.
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return MalformedXml("it is empty");
  text.remove_prefix(begin);
  if (text.size() > kMaxXmlBytes) return MalformedXml("larger than 4 MiB");
  if (text.find('\0') != std::string_view::npos) return MalformedXml("it holds a NUL byte");
  if (std::count(text.begin(), text.end(), '<') > kMaxTags ||
      std::count(text.begin(), text.end(), '=') > kMaxTags) {
    return MalformedXml("too many elements");
  }
  auto document = std::make_unique<tinyxml2::XMLDocument>();
  if (document->Parse(text.data(), text.size()) != tinyxml2::XML_SUCCESS) {
    return MalformedXml(document->ErrorName());
  }
  COFFER_TRY(CheckShape(*document));
  return XmlDocument(std::move(document));
}

XmlNode XmlDocument::root() const { return XmlNode(document_->RootElement()); }

bool XmlCanCarry(std::string_view text) {
  while (!text.empty()) {
    const char32_t c = TakeCharacter(text);
    if (c < 0x20 && c != '\t' && c != '\n' && c != '\r') return false;
    if (c >= 0xD800 && c <= 0xDFFF) return false;
    if (c == 0xFFFE || c == 0xFFFF || c > 0x10FFFF) return false;
  }
  return true;
}

void XmlWriter::Open(std::string_view name, std::string_view xmlns) {
  out_ += '<';
  out_ += name;
  if (!xmlns.empty()) {
    out_ += " xmlns=\"";
    out_ += xmlns;
    out_ += '"';
  }
  out_ += '>';
  open_.emplace_back(name);
}

void XmlWriter::Close() {
  assert(!open_.empty());
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
}

void XmlWriter::Text(std::string_view name, std::string_view value) {
  Open(name);
  AppendEscaped(out_, value);
  Close();
}

Result<std::string> XmlWriter::Finish() && {
  assert(open_.empty());
  if (out_.size() > kMaxXmlBytes) {
    return Error{Code::kTooLarge, "a request body of more than 4 MiB of XML"};
  }
  return std::move(out_);
}

}  // namespace coffer::s3
