#include "s3client/xml.h"

#include <catch2/catch.hpp>
#include <string>

namespace coffer::s3::xml_test {

std::string Nested(int levels) {
  std::string text;
  for (int i = 0; i < levels; ++i) text += "<a>";
  for (int i = 0; i < levels; ++i) text += "</a>";
  return text;
}

std::string Many(int count, const std::string& element) {
  std::string text = "<r>";
  for (int i = 0; i < count; ++i) text += element;
  return text + "</r>";
}

TEST_CASE("xml: elements are found by local name, with and without a namespace") {
  for (const char* text : {
           "<R><C><K>a</K></C></R>",
           "<?xml version=\"1.0\"?><R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><C><K>a</K>"
           "</C></R>",
           "<s:R xmlns:s=\"x\"><s:C><s:K>a</s:K></s:C></s:R>",
           " \n  <?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R><!-- c --><C><K>a</K></C></R>\n ",
       }) {
    CAPTURE(text);
    const auto document = XmlDocument::Parse(text);
    REQUIRE(document);
    CHECK(document->root().name() == "R");
    CHECK(document->root().Child("C").TextOf("K").value() == "a");
    CHECK_FALSE(document->root().Child("X").Child("Y"));
    CHECK_FALSE(document->root().Child("X").Child("Y").Text());
  }
}

TEST_CASE("xml: what is not one whole document is refused") {
  const std::string whole = "<R><C><K>a</K></C><C><K>b</K></C></R>";
  for (std::size_t n = 0; n < whole.size(); ++n) {
    CAPTURE(n);
    CHECK_FALSE(XmlDocument::Parse(whole.substr(0, n)));
  }
  for (const std::string& text : {
           std::string(" \r\n"),
           std::string("<R/><R/>"),
           std::string("<R/>text"),
           std::string("text<R/>"),
           std::string("<!DOCTYPE R [<!ENTITY e \"x\">]><R>&e;</R>"),
           std::string("<R></R>\0<R/>", 12),
           std::string("<html><body>no</html>"),
           std::string("not found"),
           std::string("{\"error\": 1}"),
           Nested(25),
           Nested(5000),
           Many(100'001, "<a/>"),
           Many(60'000, "<a b=\"1\" c=\"2\"/>"),
           "<R>" + std::string(kMaxXmlBytes, 'x') + "</R>",
       }) {
    CAPTURE(text.substr(0, 60));
    const auto document = XmlDocument::Parse(text);
    REQUIRE_FALSE(document);
    CHECK(document.error().code == Code::kUnavailable);
  }
  CHECK(XmlDocument::Parse(Nested(24)));
}

TEST_CASE("xml: text is one text and nothing else") {
  const auto document = XmlDocument::Parse(
      "<R><Ok>a&amp;&#13;b&lt;</Ok><Empty/><Closed></Closed><Two>a<!-- -->b</Two><Deep><x/></Deep>"
      "<Cdata><![CDATA[<&]]></Cdata><Mixed>a<b/></Mixed></R>");
  REQUIRE(document);
  const XmlNode root = document->root();
  CHECK(root.TextOf("Ok").value() == "a&\rb<");
  CHECK(root.TextOf("Empty").value().empty());
  CHECK(root.TextOf("Closed").value().empty());
  CHECK(root.TextOf("Cdata").value() == "<&");
  CHECK_FALSE(root.TextOf("Two"));
  CHECK_FALSE(root.TextOf("Deep"));
  CHECK_FALSE(root.TextOf("Mixed"));
  CHECK_FALSE(root.TextOf("Missing"));
  CHECK(root.TextOr("Missing", "-") == "-");
}

TEST_CASE("xml: numbers are whole, decimal and below 2^63") {
  const auto document = XmlDocument::Parse(
      "<R><a>0</a><b>9223372036854775807</b><c>9223372036854775808</c><d>-1</d><e>1x</e><f/>"
      "<g> 1</g><h>1e3</h><i>99999999999999999999999</i></R>");
  REQUIRE(document);
  const XmlNode root = document->root();
  CHECK(root.NumberOf("a").value() == 0);
  CHECK(root.NumberOf("b").value() == 9223372036854775807u);
  for (const char* name : {"c", "d", "e", "f", "g", "h", "i", "missing"}) {
    CAPTURE(name);
    CHECK_FALSE(root.NumberOf(name));
  }
}

TEST_CASE("xml: true and false are said in full, or not said") {
  const auto document = XmlDocument::Parse("<R><a>true</a><b>false</b><c>TRUE</c><d>1</d><e/></R>");
  REQUIRE(document);
  const XmlNode root = document->root();
  CHECK(root.BoolOf("a").value());
  CHECK_FALSE(root.BoolOf("b").value());
  for (const char* name : {"c", "d", "e", "missing"}) {
    CAPTURE(name);
    CHECK_FALSE(root.BoolOf(name));
  }
}

TEST_CASE("xml: what is written is read back, CR included") {
  const std::string odd = "a<b>&c\r\nd\t\"e' ]]> \xC3\xA9";
  XmlWriter writer;
  writer.Open("Delete", "http://s3.amazonaws.com/doc/2006-03-01/");
  writer.Open("Object");
  writer.Text("Key", odd);
  writer.Close();
  writer.Close();
  const auto text = std::move(writer).Finish();
  REQUIRE(text);
  CHECK(text->find('\r') == std::string::npos);
  CHECK(text->find("&#13;") != std::string::npos);
  const auto document = XmlDocument::Parse(*text);
  REQUIRE(document);
  CHECK(document->root().Child("Object").TextOf("Key").value() == odd);
}

TEST_CASE("xml: a document over 4 MiB is not written") {
  XmlWriter writer;
  writer.Text("K", std::string(kMaxXmlBytes, 'x'));
  const auto text = std::move(writer).Finish();
  REQUIRE_FALSE(text);
  CHECK(text.error().code == Code::kTooLarge);
}

TEST_CASE("xml: which keys XML 1.0 can carry") {
  for (const char* key : {"", "a/b", "\t\n\r", "\xC3\xA9", "\xED\x9F\xBF", "\xEE\x80\x80",
                          "\xEF\xBF\xBD", "\xF0\x9F\x98\x80", "\xF4\x8F\xBF\xBF", "\x7F"}) {
    CAPTURE(key);
    CHECK(XmlCanCarry(key));
  }
  for (const std::string& key :
       {std::string("\x01"), std::string("a\0b", 3), std::string("\x1F"), std::string("\xFF\xFE"),
        std::string("\xC0\xAF"), std::string("\xED\xA0\x80"), std::string("\xEF\xBF\xBE"),
        std::string("\xEF\xBF\xBF"), std::string("\xF4\x90\x80\x80"), std::string("\xC3"),
        std::string("\x80"), std::string("a\xE2\x82")}) {
    CAPTURE(key);
    CHECK_FALSE(XmlCanCarry(key));
  }
}

}  // namespace coffer::s3::xml_test
