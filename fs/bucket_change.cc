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

std::vector<std::string> LinesOf(const Json& json) {
  std::vector<std::string> lines;
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
Table CommonLines(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  Table table(a.size() + 1, std::vector<std::uint32_t>(b.size() + 1));
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      table[i][j] =
          a[i] == b[j] ? table[i + 1][j + 1] + 1 : std::max(table[i + 1][j], table[i][j + 1]);
    }
  }
  return table;
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
    for (const std::string& warning : change_.warnings) {
      console_.err << "coffer " << change_.command << ": " << Printable(warning) << "\n";
    }
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
    COFFER_TRY(change_.apply());
    COFFER_TRY(LookUntilThere());
    if (!change_.shared) return Ok();
    if (!clock_.Sleep(kPause)) return Error{Code::kInterrupted, "interrupted"};
    return LookUntilThere();
  }

  // A setting may take a moment to show.
  Status LookUntilThere() {
    Json found;
    for (int look = 0; look < kLooks; ++look) {
      if (look > 0 && !clock_.Sleep(kPause)) return Error{Code::kInterrupted, "interrupted"};
      COFFER_ASSIGN(found, change_.read());
      if (found == change_.after) return Ok();
    }
    return Error{Code::kUnsupported, change_.what +
                                         ": written, and read back as something else: "
                                         "somebody changed it at the same time, or the server "
                                         "does not keep what it is told:\n" +
                                         Difference(change_.after, found)};
  }

  int Done(bool changed) {
    if (options_.json) {
      Json json;
      json["what"] = change_.what;
      json["before"] = change_.before;
      json["after"] = change_.after;
      json["changed"] = changed;
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
};

}  // namespace

std::string Difference(const Json& before, const Json& after) {
  if (before == after) return "";
  const auto a = LinesOf(before);
  const auto b = LinesOf(after);
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

Result<int> MakeChange(const BucketChange& change, const ChangeOptions& options, s3::Clock& clock,
                       Console& console) {
  return Making(change, options, clock, console).Run();
}

}  // namespace coffer::fs
