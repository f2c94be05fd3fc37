#include "s3client/ini.h"

#include "crypto/ascii.h"

namespace coffer::s3 {
namespace {

constexpr std::string_view kBlanks = " \t\r\f\v";

std::string_view WithoutComment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool mark = line[i] == '#' || line[i] == ';';
    if (mark && (i == 0 || kBlanks.find(line[i - 1]) != std::string_view::npos)) {
      return line.substr(0, i);
    }
  }
  return line;
}

std::string FoldBlanks(std::string_view text) {
  std::string out;
  for (const char c : Trimmed(text)) {
    const bool blank = kBlanks.find(c) != std::string_view::npos;
    if (blank && out.ends_with(' ')) continue;
    out += blank ? ' ' : c;
  }
  return out;
}

class Parser {
 public:
  Status Line(std::string_view raw) {
    ++number_;
    const std::string_view line = WithoutComment(raw);
    const std::string_view text = Trimmed(line);
    if (text.empty()) return Ok();
    const bool indented = kBlanks.find(line.front()) != std::string_view::npos;
    if (text.front() == '[') return Section(text);
    if (section_ == nullptr) return Wrong("a setting before the first [section]");
    if (indented && !key_.empty()) return Continue(text);
    return Setting(text);
  }
  IniFile Take() && { return std::move(file_); }

 private:
  Error Wrong(const char* what) const {
    return {Code::kInvalid, "line " + std::to_string(number_) + ": " + what};
  }

  Status Section(std::string_view text) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return Wrong("a section without its closing ]");
    section_ = &file_[FoldBlanks(text.substr(1, end - 1))];
    key_.clear();
    return Ok();
  }

  Status Setting(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return Wrong("neither a section nor `key = value`");
    key_ = AsciiLower(Trimmed(text.substr(0, equals)));
    if (key_.empty()) return Wrong("a value without a key");
    nested_ = Trimmed(text.substr(equals + 1)).empty();
    (*section_)[key_] = Trimmed(text.substr(equals + 1));
    return Ok();
  }

  Status Continue(std::string_view text) {
    if (!nested_) {
      (*section_)[key_] += "\n" + std::string(text);
      return Ok();
    }
    const auto equals = text.find('=');
    if (equals == std::string_view::npos) return Wrong("an indented line without `key = value`");
    const std::string sub_key = AsciiLower(Trimmed(text.substr(0, equals)));
    if (sub_key.empty()) return Wrong("a value without a key");
    (*section_)[key_ + "." + sub_key] = Trimmed(text.substr(equals + 1));
    return Ok();
  }

  IniFile file_;
  IniValues* section_ = nullptr;  // into file_, whose nodes do not move
  std::string key_;               // the last one that was not indented
  bool nested_ = false;           // ... and had an empty value
  int number_ = 0;
};

}  // namespace

Result<IniFile> ParseIni(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Parser parser;
  while (!text.empty()) {
    const auto end = text.find('\n');
    COFFER_TRY(parser.Line(text.substr(0, end)));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return std::move(parser).Take();
}

}  // namespace coffer::s3
