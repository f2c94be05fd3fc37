// XML as the services speak it: the only door to tinyxml2.
//
// A document is read by local names (servers disagree about namespaces) and is whole or refused:
// truncation, a second root, a DTD, text outside the root, NUL bytes and anything over the limits
// are errors. Values; a document is owned by one thread, and its nodes are borrowed from it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace tinyxml2 {
class XMLDocument;
class XMLElement;
}  // namespace tinyxml2

namespace coffer::s3 {

// Of what is sent to S3 itself.
inline constexpr std::string_view kS3Namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// One element of a document, or nothing: a missing child is an empty node, and so are its children,
// so that a path can be followed without a check at every step. Borrowed from its XmlDocument.
class XmlNode {
 public:
  XmlNode() = default;
  explicit XmlNode(const tinyxml2::XMLElement* element) : element_(element) {}

  explicit operator bool() const { return element_ != nullptr; }
  // Without its namespace prefix.
  std::string_view name() const;
  // The first child of that local name.
  XmlNode Child(std::string_view name) const;
  // Every child of that local name, in order.
  std::vector<XmlNode> Children(std::string_view name) const;
  // The next sibling of any name, and the first child of any name.
  XmlNode FirstChild() const;
  XmlNode Next() const;

  // The text of an element that holds text alone; "" for an empty one. An element that is missing,
  // or holds elements, comments or several texts, is kUnavailable: the reply is not what it should
  // be. Text of white space alone reads as "" (the library loses it): ask for encoding-type=url.
  Result<std::string> Text() const;
  // The text of the child, or `otherwise` when there is no such child or its shape is wrong: for
  // what a person reads, never for what is acted upon.
  std::string TextOr(std::string_view child, std::string_view otherwise = "") const;
  // Child(name).Text(); a child that is missing is an error.
  Result<std::string> TextOf(std::string_view child) const;
  // A decimal number in 0..2^63-1, nothing else around it.
  Result<std::uint64_t> NumberOf(std::string_view child) const;
  // "true" or "false"; anything else is an error.
  Result<bool> BoolOf(std::string_view child) const;

 private:
  const tinyxml2::XMLElement* element_ = nullptr;
};

class XmlDocument {
 public:
  // kUnavailable when `text` is not one whole document within the limits (4 MiB, 24 levels,
  // 100,000 tags), for it is a server's or the network's fault; blanks before it are skipped.
  static Result<XmlDocument> Parse(std::string_view text);

  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();

  XmlNode root() const;

 private:
  explicit XmlDocument(std::unique_ptr<tinyxml2::XMLDocument> document);
  std::unique_ptr<tinyxml2::XMLDocument> document_;
};

inline constexpr std::size_t kMaxXmlBytes = 4u << 20;

// Whether XML 1.0 has a spelling for every character of `text`: valid UTF-8 without most control
// characters, surrogates, U+FFFE and U+FFFF.
bool XmlCanCarry(std::string_view text);

// Writes one document, element by element. CR is written as &#13;, since a parser would turn a raw
// one into LF: another name.
class XmlWriter {
 public:
  void Open(std::string_view name, std::string_view xmlns = "");
  void Close();
  void Text(std::string_view name, std::string_view value);

  std::size_t size_bytes() const { return out_.size(); }
  // The document, once every element was closed. kTooLarge above kMaxXmlBytes.
  Result<std::string> Finish() &&;

 private:
  std::string out_;
  std::vector<std::string> open_;
};

}  // namespace coffer::s3
