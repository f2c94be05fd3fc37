// Which lock a file gets with its final name: what --lock-rule says, and the descriptor of a sealed
// volume. The one place that answers it; fs/locking_store.h is the one place that asks.
//
// The first rule whose pattern matches decides; "none" stands for no lock. Before all of them come
// the exemptions: names that restic, rsync, vim and git give to what they are still writing, by the
// last component alone. An immutable value, safe from any thread.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/lock_duration.h"
#include "fs/path_glob.h"

namespace coffer::fs {

// How far a typo may reach: 400 days.
inline constexpr std::int64_t kLongestLockS = std::int64_t{400} * 86'400;

struct LockRule {
  PathGlob glob;
  std::optional<LockTerm> term = {};  // nothing: "none"
  std::string text = {};              // as it was written
};

struct LockRuleBounds {
  std::int64_t longest_s = kLongestLockS;
  bool allow_compliance = false;
};

// "GLOB=MODE:DURATION" or "GLOB=none". kInvalid with what is wrong and what to write instead.
Result<LockRule> ParseLockRule(std::string_view text);
// Each of `texts`, in their order; refuses what is beyond the bounds: kInvalid.
Result<std::vector<LockRule>> ParseLockRules(const std::vector<std::string>& texts,
                                             const LockRuleBounds& bounds);

// --autolock: files that no rule decides on are locked once they have rested.
struct Autolock {
  std::int64_t idle_s = 0;
  LockTerm term = {};
};
// "IDLE=MODE:DURATION"; kInvalid as above.
Result<Autolock> ParseAutolock(std::string_view text, const LockRuleBounds& bounds);

// kInvalid for a term that is beyond the bounds, with the name of what asked for it.
Status CheckLockBounds(const LockTerm& term, const LockRuleBounds& bounds, std::string_view option);

// Has the last component of `path` the form of a name that a tool gives to a file on its way?
bool IsTemporaryName(std::string_view path);

class LockRules {
 public:
  LockRules() = default;
  LockRules(std::vector<LockRule> rules, bool exempt_temporary);

  // No file is ever locked by them.
  bool empty() const { return !longest_; }
  // The term of a file made under `path`, which is below the volume's root. Nothing: not locked.
  std::optional<LockTerm> Find(std::string_view path) const;
  // The term that an exempt temporary name would have otherwise; nothing for all other names.
  std::optional<LockTerm> FindExempt(std::string_view path) const;
  // Does a rule match, be it "none"?
  bool Decides(std::string_view path) const { return FirstRule(path) != nullptr; }
  // Of all terms that with the longest period, compliance before governance.
  const std::optional<LockTerm>& longest() const { return longest_; }
  const std::vector<LockRule>& rules() const { return rules_; }

 private:
  const LockRule* FirstRule(std::string_view path) const;
  std::optional<LockTerm> FirstMatch(std::string_view path) const;

  std::vector<LockRule> rules_;
  bool exempt_temporary_ = true;
  std::optional<LockTerm> longest_;
};

}  // namespace coffer::fs
