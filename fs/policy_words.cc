#include "fs/policy_words.h"

#include <utility>

#include "fs/option_layers.h"

namespace coffer::fs {
namespace {

Status CheckTest(const Draft& draft) {
  const PolicyOptions& policy = draft.policy;
  if (policy.principal.empty() || policy.s3_action.empty())
    return Usage("coffer policy test needs --principal ARN and --action s3:ACTION");
  if (!policy.s3_action.starts_with("s3:") || policy.s3_action.find('*') != std::string::npos)
    return Usage("--action is one action, such as s3:GetObject");
  for (const std::string& header : draft.setting.header)
    if (header.find('=') == std::string::npos) return Usage("--header of a test is NAME=VALUE");
  return Ok();
}

// An option that the rule does not know would be ignored.
Status CheckRuleOptions(const Draft& draft, const std::string& rule, bool adds) {
  const PolicyOptions& policy = draft.policy;
  const bool bounds = adds && rule == "retention-bounds";
  if (!policy.min.empty() && !bounds && !(adds && rule == "tls"))
    return Usage("--min is for the rules tls and retention-bounds");
  if (!policy.max.empty() && !bounds) return Usage("--max is for the rule retention-bounds");
  if (!policy.except.empty() && !(adds && rule == "only-access-points"))
    return Usage("--except is for the rule only-access-points");
  if (!draft.mount.volume.sse.empty() && !(adds && rule == "encryption"))
    return Usage("--sse is for the rule encryption");
  if (!draft.mount.volume.address.prefix.empty() && rule != "names")
    return Usage("--prefix is for the rule names");
  return Ok();
}

}  // namespace

Status CheckAccount(const std::string& account) {
  const bool digits = account.find_first_not_of("0123456789") == std::string::npos;
  if (account.empty() || (account.size() == 12 && digits)) return Ok();
  return Usage("--account takes the 12 digits of an account");
}

Status CheckPolicyWords(const Draft& draft) {
  const std::string& action = draft.positionals.front();
  const PolicyOptions& policy = draft.policy;
  const bool changes = action == "add" || action == "remove";
  if (!changes && action != "show" && action != "test")
    return Usage("coffer policy: '" + action + "' is none of show, add, remove, test");
  if (changes != (draft.positionals.size() == 3)) {
    return Usage("usage: coffer policy " + action + " [OPTIONS] SOURCE" + (changes ? " RULE" : ""));
  }
  if (!changes && (draft.yes || draft.dry_run || policy.lock_me_out))
    return Usage("coffer policy " + action +
                 " changes nothing: leave out --yes, --dry-run and --lock-me-out");
  const bool tests = !policy.principal.empty() || !policy.s3_action.empty() ||
                     !policy.key.empty() || policy.insecure || !draft.setting.header.empty();
  if (action != "test" && tests)
    return Usage(
        "--principal, --action, --key, --insecure and --header are for coffer policy test");
  COFFER_TRY(CheckAccount(policy.account));
  if (action != "test" && !policy.through.empty())
    return Usage("--through is for coffer policy test");
  const std::string& owner = draft.mount.volume.expected_bucket_owner;
  if (!policy.account.empty() && !owner.empty() && policy.account != owner)
    return Usage("--account and --expected-bucket-owner are of one bucket: they differ");
  COFFER_TRY(CheckRuleOptions(draft, changes ? draft.positionals[2] : "", action == "add"));
  return action == "test" ? CheckTest(draft) : Ok();
}

Command BuildPolicy(Draft draft) {
  PolicyOptions policy = std::move(draft.policy);
  policy.volume = std::move(draft.mount.volume);
  policy.action = draft.positionals[0];
  policy.volume.source = draft.positionals[1];
  if (draft.positionals.size() > 2) policy.rule = draft.positionals[2];
  policy.header = std::move(draft.setting.header);
  policy.dry_run = draft.dry_run;
  policy.yes = draft.yes;
  policy.json = draft.json;
  return policy;
}

}  // namespace coffer::fs
