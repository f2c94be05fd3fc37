// A pattern for paths below a volume's root: "data/**", "*.iso", "snap-????/[!.]*".
//
// It is anchored at the root and must match the whole path; '/' at its begin says nothing more. '*'
// is any text and '?' any one character, neither with a '/'; '**' is any text with slashes, and
// "**/" also nothing, so that "**/x" means x at the root too. [abc], [a-z] and [!abc] are one
// character of some; '\' takes the next as it is. Names that begin with a dot are names like any
// other. Braces are refused unless '\' stands before them: a reader may take them for alternatives,
// and a pattern that silently matches nothing would leave files unlocked.
//
// An immutable value, safe from any thread. Matching takes time in proportion to pattern times
// path, whatever they are.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::fs {

class PathGlob {
 public:
  // kInvalid with a complaint that goes after the pattern: "ends in '/': ...".
  static Result<PathGlob> Parse(std::string_view pattern);

  // `path` is below the root, without '/' at its begin. Bytes that are no UTF-8 are characters of
  // their own.
  bool Matches(std::string_view path) const;

  // What every path that matches begins with: what a listing can be narrowed to.
  const std::string& literal_prefix() const { return literal_prefix_; }
  // Nothing but literal text: it can match one path alone.
  bool literal() const { return literal_; }
  const std::string& text() const { return text_; }

 private:
  friend class PathGlobParser;
  // kOptional: what follows it may be left out. kDeepSlash: any text that ends in '/'.
  enum class Kind { kOne, kAny, kSet, kStar, kDeep, kOptional, kDeepSlash };
  struct Range {
    char32_t first;
    char32_t last;
  };
  struct Token {
    Kind kind;
    char32_t one = 0;                // kOne
    bool negated = false;            // kSet
    std::vector<Range> ranges = {};  // kSet
  };

  PathGlob() = default;
  static bool TakesOne(const Token& token, char32_t c);
  void Follow(std::vector<bool>& states) const;

  std::string text_;
  std::string literal_prefix_;
  bool literal_ = false;
  std::vector<Token> tokens_;
};

}  // namespace coffer::fs
