#include "fs/access_point_words.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "fs/option_layers.h"
#include "fs/policy_words.h"

namespace coffer::fs {
namespace {

struct CommandWords {
  std::string_view action;
  bool named;    // takes a NAME
  bool changes;  // what it is called on
};
constexpr std::array<CommandWords, 7> kCommandWords = {{{"create", true, true},
                                                        {"list", false, false},
                                                        {"show", true, false},
                                                        {"delete", true, true},
                                                        {"grant", true, true},
                                                        {"revoke", true, true},
                                                        {"policy", true, true}}};

// An option that the action does not know would be ignored.
Status CheckOptions(const Draft& draft, std::string_view action) {
  const AccessPointOptions& point = draft.access_point;
  const auto one_of = [&](std::initializer_list<std::string_view> actions) {
    return std::find(actions.begin(), actions.end(), action) != actions.end();
  };
  if (point.bucket.empty() == one_of({"create", "list"})) {
    return Usage(point.bucket.empty()
                     ? "coffer access-point " + std::string(action) + " needs --bucket BUCKET"
                     : "--bucket is for coffer access-point create and list: another access "
                       "point knows its bucket");
  }
  if (action != "create" && (!point.vpc.empty() || !point.block.empty()))
    return Usage("--vpc and --block-public-access are fixed by coffer access-point create");
  if (draft.policy.principal.empty() == one_of({"grant", "revoke"}))
    return Usage(draft.policy.principal.empty()
                     ? "coffer access-point " + std::string(action) + " needs --principal ARN"
                     : "--principal is for coffer access-point grant and revoke");
  if (action == "grant" && point.allow.empty())
    return Usage("coffer access-point grant needs --allow read, write, list, delete or lock");
  const bool narrows = !point.allow.empty() || !draft.mount.volume.address.prefix.empty();
  if (!one_of({"grant", "revoke"}) && narrows)
    return Usage("--allow and --prefix are for coffer access-point grant and revoke");
  if (action != "policy" && !point.set.empty())
    return Usage("--set is for coffer access-point policy");
  if (point.set.empty() && draft.policy.lock_me_out)
    return Usage("--lock-me-out is for coffer access-point policy --set");
  return Ok();
}

}  // namespace

Status CheckAccessPointWords(const Draft& draft) {
  const std::string& action = draft.positionals.front();
  const auto words = std::find_if(kCommandWords.begin(), kCommandWords.end(),
                                  [&](const CommandWords& one) { return one.action == action; });
  if (words == kCommandWords.end())
    return Usage("coffer access-point: '" + action +
                 "' is none of create, list, show, delete, grant, revoke, policy");
  if (words->named != (draft.positionals.size() == 2)) {
    return Usage("usage: coffer access-point " + action + " [OPTIONS]" +
                 (words->named ? " NAME" : " --bucket BUCKET"));
  }
  const bool changes = words->changes && (action != "policy" || !draft.access_point.set.empty());
  if (!changes && (draft.yes || draft.dry_run))
    return Usage("coffer access-point " + action +
                 " changes nothing here: leave out --yes and --dry-run");
  COFFER_TRY(CheckAccount(draft.policy.account));
  return CheckOptions(draft, action);
}

Command BuildAccessPoint(Draft draft) {
  AccessPointOptions point = std::move(draft.access_point);
  point.volume = std::move(draft.mount.volume);
  point.action = draft.positionals[0];
  if (draft.positionals.size() > 1) point.name = draft.positionals[1];
  point.account = std::move(draft.policy.account);
  point.principal = std::move(draft.policy.principal);
  point.prefix = std::exchange(point.volume.address.prefix, "");
  point.lock_me_out = draft.policy.lock_me_out;
  point.dry_run = draft.dry_run;
  point.yes = draft.yes;
  point.json = draft.json;
  return point;
}

}  // namespace coffer::fs
