// Words that are not Coffer's own: what mount(8) and fstab say to every filesystem, what a pasted
// mountpoint-s3 command line holds, and what users of other tools type out of habit. Pure
// functions over tables.

#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::fs {

// What to do with a word that is no option of ours.
struct ForeignWord {
  enum class Kind {
    kDrop,    // for mount(8), or true here anyway
    kNote,    // accepted, and said that it needs nothing
    kOption,  // means `text` here, "name" or "name=value"
    kRefuse,  // `text` says what to use instead
  };
  std::string_view word;
  Kind kind;
  bool takes_value;
  std::string_view text;
};

// For `-o word`, and for `--word`; names with '-' for '_'. Null when nobody knows it.
const ForeignWord* FindMountWord(std::string_view name);
const ForeignWord* FindForeignOption(std::string_view name);
std::span<const ForeignWord> ForeignOptions();

struct MountWord {
  std::string name;  // '_' turned into '-'
  std::optional<std::string> value;
};

// "a_b=c,d" taken apart at commas; a backslash or double quotes keep a comma inside a value.
// kInvalid when a quote does not end.
Result<std::vector<MountWord>> SplitMountWords(std::string_view text);

// The candidate that `word` was most likely meant to be; "" when none is close.
std::string Nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace coffer::fs
