#include "fs/lock_rules.h"

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <utility>

namespace coffer::fs {
namespace {

// Of the last component, as fnmatch(3) reads them.
constexpr std::array kTemporaryNames = {
    "*-tmp-*",                                             // restic
    ".*.??????",                                           // rsync
    ".*.sw[a-p]", ".*.swx",     "4913",      "*~",         // vim
    "tmp_obj_*",  "tmp_pack_*", "tmp_idx_*", "tmp_rev_*",  // git
    ".tmp-*",     "*.lock",
};

bool Longer(const LockTerm& a, const LockTerm& b) {
  if (a.period_s != b.period_s) return a.period_s > b.period_s;
  return a.mode == "COMPLIANCE" && b.mode != "COMPLIANCE";
}

Error AboutOption(std::string_view option, const std::string& complaint) {
  return {Code::kInvalid, std::string(option) + ": " + complaint};
}

Error About(std::string_view rule, const std::string& complaint) {
  return AboutOption("--lock-rule " + std::string(rule), complaint);
}

}  // namespace

Status CheckLockBounds(const LockTerm& term, const LockRuleBounds& bounds,
                       std::string_view option) {
  if (term.period_s > bounds.longest_s) {
    return AboutOption(option, "locks for more than " + PeriodInWords(bounds.longest_s) +
                                   ", and nobody can take it back: --lock-max allows more");
  }
  if (term.mode == "COMPLIANCE" && !bounds.allow_compliance) {
    return AboutOption(option,
                       "nobody can undo compliance, the owner of the account included: it takes "
                       "--allow-compliance");
  }
  return Ok();
}

Result<LockRule> ParseLockRule(std::string_view text) {
  const std::size_t equals = text.rfind('=');  // no term has one, and a pattern may
  if (equals == std::string_view::npos) {
    return About(text, "takes GLOB=MODE:DURATION or GLOB=none, such as 'data/**=governance:30d'");
  }
  const std::string_view pattern = text.substr(0, equals);
  const std::string_view term = text.substr(equals + 1);
  auto glob = PathGlob::Parse(pattern);
  if (!glob) return About(text, "the pattern " + glob.error().what);
  LockRule rule{.glob = *std::move(glob), .text = std::string(text)};
  if (term == "none") return rule;
  auto parsed = ParseLockTerm(term);
  if (!parsed) return About(text, "'" + std::string(term) + "' " + parsed.error().what);
  rule.term = *std::move(parsed);
  return rule;
}

Result<std::vector<LockRule>> ParseLockRules(const std::vector<std::string>& texts,
                                             const LockRuleBounds& bounds) {
  std::vector<LockRule> rules;
  for (const std::string& text : texts) {
    COFFER_ASSIGN(LockRule rule, ParseLockRule(text));
    if (rule.term) COFFER_TRY(CheckLockBounds(*rule.term, bounds, "--lock-rule " + text));
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<Autolock> ParseAutolock(std::string_view text, const LockRuleBounds& bounds) {
  const std::string option = "--autolock " + std::string(text);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return AboutOption(option, "takes IDLE=MODE:DURATION, such as 1h=governance:30d");
  }
  const auto idle_s = ParseLockPeriod(text.substr(0, equals));
  if (!idle_s) return AboutOption(option, "the time to rest " + idle_s.error().what);
  const auto term = ParseLockTerm(text.substr(equals + 1));
  if (!term) return AboutOption(option, "the lock " + term.error().what);
  COFFER_TRY(CheckLockBounds(*term, bounds, option));
  return Autolock{*idle_s, *term};
}

bool IsTemporaryName(std::string_view path) {
  const std::string name(path.substr(path.rfind('/') + 1));
  return std::any_of(kTemporaryNames.begin(), kTemporaryNames.end(),
                     [&](const char* pattern) { return fnmatch(pattern, name.c_str(), 0) == 0; });
}

LockRules::LockRules(std::vector<LockRule> rules, bool exempt_temporary)
    : rules_(std::move(rules)), exempt_temporary_(exempt_temporary) {
  for (const LockRule& rule : rules_) {
    if (rule.term && (!longest_ || Longer(*rule.term, *longest_))) longest_ = rule.term;
  }
}

const LockRule* LockRules::FirstRule(std::string_view path) const {
  const auto match = std::find_if(rules_.begin(), rules_.end(),
                                  [&](const LockRule& rule) { return rule.glob.Matches(path); });
  return match == rules_.end() ? nullptr : &*match;
}

std::optional<LockTerm> LockRules::FirstMatch(std::string_view path) const {
  const LockRule* const rule = FirstRule(path);
  return rule == nullptr ? std::nullopt : rule->term;
}

std::optional<LockTerm> LockRules::Find(std::string_view path) const {
  if (empty() || (exempt_temporary_ && IsTemporaryName(path))) return std::nullopt;
  return FirstMatch(path);
}

std::optional<LockTerm> LockRules::FindExempt(std::string_view path) const {
  if (empty() || !exempt_temporary_ || !IsTemporaryName(path)) return std::nullopt;
  return FirstMatch(path);
}

}  // namespace coffer::fs
