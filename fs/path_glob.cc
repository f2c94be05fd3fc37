#include "fs/path_glob.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

namespace coffer::fs {
namespace {

// Beyond all characters: bytes that are no UTF-8.
constexpr char32_t kRawByte = 0x110000;

bool IsContinuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

// How many bytes the character that begins at `at` has, as far as its bytes go together.
std::size_t SizeAt(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  std::size_t size = 1;
  if (first >= 0xc2 && first < 0xe0) size = 2;
  if (first >= 0xe0 && first < 0xf0) size = 3;
  if (first >= 0xf0 && first < 0xf5) size = 4;
  for (std::size_t i = 1; i < size; ++i) {
    if (!IsContinuation(text, at + i)) return 1;
  }
  return size;
}

// Takes one character from the front of what is left after `at`.
char32_t TakeCharacter(std::string_view text, std::size_t& at) {
  const std::size_t size = SizeAt(text, at);
  const auto first = static_cast<unsigned char>(text[at]);
  char32_t c = size == 1 ? first : first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3fu);
  }
  at += size;
  return size == 1 && first >= 0x80 ? kRawByte + first : c;
}

Error PatternComplaint(std::string what) { return {Code::kInvalid, std::move(what)}; }

}  // namespace

class PathGlobParser {
 public:
  explicit PathGlobParser(std::string_view pattern) : pattern_(pattern) {}

  Result<PathGlob> Parse() {
    glob_.text_ = pattern_;
    glob_.literal_ = true;
    if (pattern_.starts_with('/')) pattern_.remove_prefix(1);
    if (pattern_.empty()) return PatternComplaint("is empty: '**' means every file");
    while (at_ < pattern_.size()) COFFER_TRY(TakeToken());
    COFFER_TRY(CheckComponents());
    return std::move(glob_);
  }

 private:
  using Kind = PathGlob::Kind;
  using Token = PathGlob::Token;

  Status TakeToken() {
    const char c = pattern_[at_];
    if (c == '*') return TakeStars();
    if (c == '[') return TakeSet();
    if (c == '?') {
      ++at_;
      AddWild({Kind::kAny});
      return Ok();
    }
    if (c == '{' || c == '}') {
      return PatternComplaint(
          "has braces, which are no alternatives here: one pattern for each, or '\\" +
          std::string(1, c) + "' for the character");
    }
    if (c == '\\' && ++at_ == pattern_.size()) return PatternComplaint("ends in '\\'");
    const std::size_t begin = at_;
    const char32_t one = TakeCharacter(pattern_, at_);
    if (one == 0) return PatternComplaint("has a NUL, which no path has");
    glob_.tokens_.push_back({Kind::kOne, one});
    if (glob_.literal_) glob_.literal_prefix_ += pattern_.substr(begin, at_ - begin);
    return Ok();
  }

  Status TakeStars() {
    const std::size_t begin = at_;
    at_ = std::min(pattern_.find_first_not_of('*', at_), pattern_.size());
    if (at_ - begin == 1) {
      AddWild({Kind::kStar});
      return Ok();
    }
    const bool whole_component = begin == 0 || pattern_[begin - 1] == '/';
    if (whole_component && at_ < pattern_.size() && pattern_[at_] == '/') {
      ++at_;
      AddWild({Kind::kOptional});
      AddWild({Kind::kDeepSlash});
    } else {
      AddWild({Kind::kDeep});
    }
    return Ok();
  }

  Status TakeSet() {
    Token set{Kind::kSet};
    ++at_;
    set.negated = Next() == '!' || Next() == '^';
    if (set.negated) ++at_;
    do {
      COFFER_ASSIGN(const char32_t first, TakeMember());
      char32_t last = first;
      if (Next() == '-' && at_ + 1 < pattern_.size() && pattern_[at_ + 1] != ']') {
        ++at_;
        COFFER_ASSIGN(last, TakeMember());
      }
      if (last < first) return PatternComplaint("has a range that ends before it begins");
      set.ranges.push_back({first, last});
    } while (Next() != ']');
    ++at_;
    AddWild(std::move(set));
    return Ok();
  }

  Result<char32_t> TakeMember() {
    if (Next() == '\\') ++at_;
    if (at_ >= pattern_.size())
      return PatternComplaint("has a '[' without its ']': '\\[' is the character");
    return TakeCharacter(pattern_, at_);
  }

  char Next() const { return at_ < pattern_.size() ? pattern_[at_] : '\0'; }

  void AddWild(Token token) {
    glob_.literal_ = false;
    glob_.tokens_.push_back(std::move(token));
  }

  // What no path below a root has, so that the pattern would match nothing.
  Status CheckComponents() const {
    if (pattern_.ends_with('/')) {
      return PatternComplaint(
          "ends in '/': files are locked, not directories; all below one are '" +
          std::string(pattern_) + "**'");
    }
    for (std::size_t at = 0; at <= pattern_.size();) {
      const std::size_t end = std::min(pattern_.find('/', at), pattern_.size());
      const std::string_view component = pattern_.substr(at, end - at);
      if (component.empty() || component == "." || component == "..") {
        return PatternComplaint("has a component that no path has: '" + std::string(component) +
                                "'");
      }
      at = end + 1;
    }
    return Ok();
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  PathGlob glob_;
};

Result<PathGlob> PathGlob::Parse(std::string_view pattern) {
  return PathGlobParser(pattern).Parse();
}

bool PathGlob::HasRange(const Token& token, char32_t c) {
  return std::any_of(token.ranges.begin(), token.ranges.end(),
                     [c](Range range) { return c >= range.first && c <= range.last; });
}

bool PathGlob::TakesOne(const Token& token, char32_t c) {
  switch (token.kind) {
    case Kind::kOne:
      return c == token.one;
    case Kind::kAny:
      return c != U'/';
    case Kind::kSet:
      return c != U'/' && HasRange(token, c) != token.negated;
    case Kind::kDeepSlash:
      return c == U'/';
    default:
      return false;
  }
}

// Adds the states that are reached without a character.
void PathGlob::Follow(std::vector<bool>& states) const {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (!states[i]) continue;
    const Kind kind = tokens_[i].kind;
    if (kind == Kind::kStar || kind == Kind::kDeep) states[i + 1] = true;
    if (kind == Kind::kOptional) states[i + 1] = states[i + 2] = true;
  }
}

// State i: tokens before i have matched.
bool PathGlob::Matches(std::string_view path) const {
  std::vector<bool> states(tokens_.size() + 1, false);
  states[0] = true;
  Follow(states);
  for (std::size_t at = 0; at < path.size();) {
    const char32_t c = TakeCharacter(path, at);
    std::vector<bool> next(tokens_.size() + 1, false);
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (!states[i]) continue;
      const Kind kind = tokens_[i].kind;
      const bool stays =
          kind == Kind::kDeep || kind == Kind::kDeepSlash || (kind == Kind::kStar && c != U'/');
      if (stays) next[i] = true;
      if (TakesOne(tokens_[i], c)) next[i + 1] = true;
    }
    Follow(next);
    states = std::move(next);
  }
  return states.back();
}

}  // namespace coffer::fs
