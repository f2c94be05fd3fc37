#include "fs/option_locks.h"

#include <utility>

#include "fs/option_layers.h"

namespace coffer::fs {
namespace {

// One of two names for the same thing, or neither.
Result<std::string> EitherName(const std::string& ours, const std::string& theirs,
                               std::string_view name, std::string_view their_name) {
  if (ours.empty() || theirs.empty()) return ours.empty() ? theirs : ours;
  return Usage(std::string(their_name) + " says the same as " + std::string(name) +
               ": leave one of them out");
}

template <typename T>
Result<T> WithOption(std::string_view option, const std::string& text, Result<T> parsed) {
  if (parsed) return parsed;
  return Usage(std::string(option) + " " + parsed.error().what + ", not '" + text + "'");
}

Result<LockRequirement> ParseRequirement(const std::string& text) {
  // A pattern may hold '=', a term never does.
  const std::size_t equals = text.rfind('=');
  if (equals == std::string::npos) {
    return Usage("--require is GLOB=MODE:DURATION, such as 'data/**=compliance:7d', not '" + text +
                 "'");
  }
  const std::string pattern = text.substr(0, equals);
  const std::string term = text.substr(equals + 1);
  COFFER_ASSIGN(PathGlob glob,
                WithOption("--require: the pattern", pattern, PathGlob::Parse(pattern)));
  COFFER_ASSIGN(LockTerm wanted,
                WithOption("--require: what follows '='", term, ParseLockTerm(term)));
  return LockRequirement{text, std::move(glob), std::move(wanted)};
}

class LockBuilder {
 public:
  explicit LockBuilder(Draft& draft) : draft_(draft), words_(draft.lock) {}

  Result<LockCommandOptions> Lock() {
    COFFER_TRY(TakeTimes());
    if (words_.report || !words_.required.empty()) return Report();
    if (words_.csv) return Usage("--csv is for --report");
    if (!words_.extend.empty() || !words_.if_less_than.empty()) return Extend();
    if (made_.hold && !made_.until_s && !made_.period_s && made_.mode.empty()) return Done();
    if (made_.until_s.has_value() == made_.period_s.has_value()) {
      return Usage(
          "coffer lock needs one of --until DATE and --for DURATION (30d); --extend for locks that "
          "are there, --report to see them");
    }
    return Done();
  }

  Result<LockCommandOptions> Hold() {
    const std::string& word = draft_.positionals.front();
    if (word != "on" && word != "off") {
      return Usage("coffer hold: '" + word + "' is neither on nor off");
    }
    made_.action = LockAction::kHold;
    made_.hold = word == "on";
    draft_.positionals.erase(draft_.positionals.begin());
    return Done();
  }

  Result<LockCommandOptions> Unlock() {
    if (!words_.bypass) {
      return Usage(
          "coffer unlock takes governance retention off, and only with "
          "--bypass-governance-retention, so that it is never an accident; a legal hold goes by "
          "'coffer hold off', compliance by nothing but time");
    }
    made_.action = LockAction::kUnlock;
    return Done();
  }

 private:
  Status TakeTimes() {
    COFFER_ASSIGN(const std::string mode,
                  EitherName(words_.mode, words_.object_lock_mode, "--mode", "--object-lock-mode"));
    COFFER_ASSIGN(const std::string until,
                  EitherName(words_.until, words_.object_lock_until, "--until",
                             "--object-lock-retain-until-date"));
    if (!mode.empty()) {
      COFFER_ASSIGN(made_.mode, WithOption("--mode", mode, ParseLockMode(mode)));
    }
    if (!until.empty()) {
      COFFER_ASSIGN(made_.until_s, WithOption("--until", until, ParseLockDate(until)));
    }
    if (!words_.object_lock_hold.empty()) made_.hold = words_.object_lock_hold == "ON";
    made_.longest_s = draft_.mount.locks.longest_s;
    return TakePeriod("--for", words_.period);
  }

  Status TakePeriod(std::string_view option, const std::string& text) {
    if (text.empty()) return Ok();
    COFFER_ASSIGN(made_.period_s, WithOption(option, text, ParseLockPeriod(text)));
    if (*made_.period_s <= made_.longest_s) return Ok();
    return Usage(std::string(option) + " " + text + " is " + PeriodInWords(*made_.period_s) +
                 ", longer than --lock-max allows (" + PeriodInWords(made_.longest_s) +
                 "): if it is meant, add --lock-max " + text);
  }

  Result<LockCommandOptions> Report() {
    made_.action = LockAction::kReport;
    const bool changes = made_.until_s || made_.period_s || made_.hold || !made_.mode.empty() ||
                         !words_.extend.empty() || !words_.if_less_than.empty() || draft_.dry_run;
    if (changes) return Usage("--report and --require only look: leave out what locks");
    if (words_.csv && draft_.json) return Usage("--csv and --json exclude each other");
    for (const std::string& text : words_.required) {
      COFFER_ASSIGN(LockRequirement requirement, ParseRequirement(text));
      made_.required.push_back(std::move(requirement));
    }
    if (draft_.positionals.size() != 1) return Usage("--report takes one SOURCE");
    made_.csv = words_.csv;
    return Done();
  }

  Result<LockCommandOptions> Extend() {
    if (words_.extend.empty() || words_.if_less_than.empty()) {
      return Usage(
          "--extend DURATION and --if-less-than DURATION go together: 'data/**' --extend 30d "
          "--if-less-than 25d");
    }
    if (made_.until_s || made_.period_s || made_.hold) {
      return Usage("--extend says until when: leave out --until, --for and legal holds");
    }
    if (draft_.recursive) return Usage("--extend takes a pattern: 'DIR/**' in place of -r");
    made_.action = LockAction::kExtend;
    COFFER_TRY(TakePeriod("--extend", words_.extend));
    COFFER_ASSIGN(made_.if_less_than_s, WithOption("--if-less-than", words_.if_less_than,
                                                   ParseLockPeriod(words_.if_less_than)));
    if (made_.if_less_than_s > *made_.period_s) {
      return Usage("--if-less-than is longer than --extend: every run would find all files again");
    }
    return Done();
  }

  Result<LockCommandOptions> Done() {
    made_.volume = std::move(draft_.mount.volume);
    made_.names = std::move(draft_.positionals);
    made_.recursive = draft_.recursive;
    made_.dry_run = draft_.dry_run;
    made_.yes = draft_.yes;
    made_.json = draft_.json;
    return std::move(made_);
  }

  Draft& draft_;
  const LockDraft& words_;
  LockCommandOptions made_;
};

}  // namespace

Result<LockCommandOptions> BuildLockCommand(const CommandSpec& command, Draft draft) {
  draft.mount.volume.source.clear();
  LockBuilder builder(draft);
  if (command.bit == kForHold) return builder.Hold();
  if (command.bit == kForUnlock) return builder.Unlock();
  return builder.Lock();
}

}  // namespace coffer::fs
