#include "fs/console.h"

#include <catch2/catch.hpp>
#include <sstream>

namespace coffer::fs::console_test {

TEST_CASE("what is printed can neither move the cursor nor pass for two lines", "[console]") {
  CHECK(Printable("plain/name.txt") == "plain/name.txt");
  CHECK(Printable("a\nb\x1b[31m\x7f") == "a\\x0ab\\x1b[31m\\x7f");
  CHECK(Printable("back\\slash") == "back\\\\slash");
  CHECK(Printable(std::string_view("\0", 1)) == "\\x00");
  CHECK(Printable("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80") ==
        "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
}

TEST_CASE("bytes that are not UTF-8 are shown as bytes", "[console]") {
  CHECK(Printable("\xff") == "\\xff");
  CHECK(Printable("\xc3") == "\\xc3");                           // cut off
  CHECK(Printable("\xc2\x9b") == "\\xc2\\x9b");                  // a C1 control character
  CHECK(Printable("\xc0\xaf") == "\\xc0\\xaf");                  // over-long
  CHECK(Printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");         // a surrogate
  CHECK(Printable("\xf4\x90\x80\x80").substr(0, 4) == "\\xf4");  // beyond Unicode
}

TEST_CASE("only a clear yes is one", "[console]") {
  for (const auto& [answer, yes] :
       {std::pair("y\n", true), std::pair("yes\n", true), std::pair("Y\n", true),
        std::pair("\n", false), std::pair("", false), std::pair("n\n", false),
        std::pair("yep\n", false)}) {
    std::istringstream in(answer);
    std::ostringstream out;
    Console console{in, out, out, true};
    CHECK(Confirm(console, "Go on?") == yes);
    CHECK(out.str() == "Go on? [y/N] ");
  }
  std::istringstream in("y\n");
  std::ostringstream out;
  Console script{in, out, out, false};
  CHECK_FALSE(Confirm(script, "Go on?"));
  CHECK(out.str().empty());
}

}  // namespace coffer::fs::console_test
