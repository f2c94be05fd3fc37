#include "fs/bucket_change.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "fs/exit_code.h"

namespace coffer::fs {
namespace {

constexpr int kLooks = 3;  // at what was written, until it shows
constexpr std::chrono::milliseconds kPause{1000};
constexpr std::size_t kMostCompared = 1u << 22;  // pairs of lines, of 4 bytes each

using TextLines = std::vector<std::string>;

TextLines LinesOf(const Json& json) {
  TextLines lines;
  const std::string text = ToText(json);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// The longest common run of lines from each place on.
using Table = std::vector<std::vector<std::uint32_t>>;
Table CommonLines(const TextLines& a, const TextLines& b) {
  Table table(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      table[i][j] =
          a[i] == b[j] ? table[i + 1][j + 1] + 1 : std::max(table[i + 1][j], table[i][j + 1]);
    }
  }
  return table;
}

std::string Marked(const char* mark, const TextLines& lines) {
  std::string text;
  for (const std::string& line : lines) text += mark + Printable(line) + "\n";
  return text;
}

std::string Compared(const TextLines& a, const TextLines& b) {
  const Table common = CommonLines(a, b);
  std::string text;
  for (std::size_t i = 0, j = 0; i < a.size() || j < b.size();) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      text += "  " + Printable(a[i++]) + "\n";
      ++j;
    } else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1])) {
      text += "- " + Printable(a[i++]) + "\n";
    } else {
      text += "+ " + Printable(b[j++]) + "\n";
    }
  }
  return text;
}

class Making {
 public:
  Making(const BucketChange& change, const ChangeOptions& options, s3::Clock& clock,
         Console& console)
      : change_(change),
        options_(options),
        clock_(clock),
        console_(console),
        // With --json standard output is for one document.
        words_(options.json ? console.err : console.out) {}

  Result<int> Run() {
    const std::string difference = Difference(change_.before, change_.after);
    if (difference.empty()) {
      words_ << change_.what << ": nothing to change\n";
      return Done(false);
    }
    words_ << change_.what << ":\n" << difference;
    for (const std::string& warning : change_.warnings) Say(warning);
    if (options_.dry_run) return Done(false);
    if (!options_.yes && !console_.interactive) {
      console_.err << "coffer " << change_.command << ": nothing was changed: nobody can be asked "
                   << "here; --yes does it without asking\n";
      return kExitUsage;
    }
    if (!Agreed()) {
      console_.err << "coffer " << change_.command << ": nothing was changed\n";
      return kExitFailed;
    }
    COFFER_TRY(Make());
    return Done(true);
  }

 private:
  bool Agreed() {
    if (options_.yes) return true;
    for (const std::string& question : change_.questions) {
      if (!Confirm(console_, question)) return false;
    }
    return Confirm(console_, "Change it?");
  }

  Status Make() {
    COFFER_ASSIGN(const Json now, change_.read());
    if (now != change_.before) {
      return Error{Code::kChanged,
                   change_.what + ": somebody else changed it meanwhile; look again"};
    }
    COFFER_TRY(Write());
    COFFER_ASSIGN(bool there, Stays());
    if (!there && change_.merge) {
      Say("it was written, and is not there: somebody else wrote at the same time. It is written "
          "once more");
      COFFER_TRY(Write());
      COFFER_ASSIGN(there, Stays());
    }
    if (there) return Ok();
    console_.err << Difference(wanted_, found_);
    return Error{Code::kUnsupported, change_.what +
                                         ": written, and read back as something else (- is what "
                                         "was written): somebody changed it at the same time, or "
                                         "the server does not keep what it is told"};
  }

  // A request that got no answer may have been obeyed.
  Status Write() {
    auto applied = change_.apply();
    if (applied) return Ok();
    const Code code = applied.error().code;
    if (code != Code::kUnavailable && code != Code::kTimeout && code != Code::kInterrupted)
      return applied;
    return std::move(applied).error().While(change_.what +
                                            ": whether it was written is not known; look again");
  }

  // Whether what was written is there, and is so a second later where others write, too.
  Result<bool> Stays() {
    auto there = LookUntilThere();
    if (there && *there && change_.merge) {
      there = Pause();
      if (there) there = LookUntilThere();
    }
    if (there) return there;
    return std::move(there).error().While(change_.what + ": it was written, but not read back");
  }

  // A setting may take a moment to show.
  Result<bool> LookUntilThere() {
    for (int look = 0; look < kLooks; ++look) {
      if (look > 0) COFFER_TRY(Pause());
      COFFER_ASSIGN(found_, change_.read());
      wanted_ = change_.after;
      if (change_.merge) {
        COFFER_ASSIGN(wanted_, change_.merge());
      }
      if (found_ == wanted_) return true;
    }
    return false;
  }

  Result<bool> Pause() {
    if (!clock_.Sleep(kPause)) return Error{Code::kInterrupted, "interrupted"};
    return true;
  }

  void Say(const std::string& text) {
    console_.err << "coffer " << change_.command << ": " << Printable(text) << "\n";
  }

  int Done(bool changed) {
    if (options_.json) {
      Json json;
      json["what"] = change_.what;
      json["before"] = change_.before;
      json["after"] = change_.after;
      json["changed"] = changed;
      if (change_.also) json.update(change_.also());
      console_.out << ToText(json) << "\n";
    } else if (changed) {
      words_ << "changed, and read back\n";
    }
    return kExitOk;
  }

  const BucketChange& change_;
  const ChangeOptions& options_;
  s3::Clock& clock_;
  Console& console_;
  std::ostream& words_;
  Json found_;   // when it was looked at last,
  Json wanted_;  // and what should have been there
};

}  // namespace

std::string Difference(const Json& before, const Json& after) {
  if (before == after) return "";
  TextLines a = LinesOf(before);
  TextLines b = LinesOf(after);
  const auto head = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  const TextLines first(a.begin(), head.first);
  a.erase(a.begin(), head.first);
  b.erase(b.begin(), head.second);
  const auto tail = std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  const TextLines last(tail.first.base(), a.end());
  a.erase(tail.first.base(), a.end());
  b.erase(tail.second.base(), b.end());
  std::string text = Marked("  ", first);
  text += a.size() * b.size() > kMostCompared ? Marked("- ", a) + Marked("+ ", b) : Compared(a, b);
  return text + Marked("  ", last);
}

Result<int> MakeChange(const BucketChange& change, const ChangeOptions& options, s3::Clock& clock,
                       Console& console) {
  return Making(change, options, clock, console).Run();
}

}  // namespace coffer::fs
