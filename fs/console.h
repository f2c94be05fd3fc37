// Where a command talks to people: its streams, and whether a person sits there.
//
// Object keys are any bytes, chosen by whoever writes into the bucket: they go to a terminal
// through Printable() only.

#pragma once

#include <istream>
#include <ostream>
#include <string>
#include <string_view>

namespace coffer::fs {

// Borrowed by one command, used by its main thread only.
struct Console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  bool interactive = false;  // a terminal on `in` and `err`: may ask, and show progress
};

// `text` with control characters and what is not UTF-8 as \xNN (and '\' as "\\"), so that a key can
// neither move the cursor nor pass for two lines.
std::string Printable(std::string_view text);

// Asks a yes-or-no question; no is the default, and the answer when nobody can be asked.
bool Confirm(Console& console, std::string_view question);

}  // namespace coffer::fs
