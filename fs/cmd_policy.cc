#include "fs/cmd_policy.h"

#include <memory>
#include <optional>
#include <utility>

#include "crypto/secret.h"
#include "fs/bucket_behind.h"
#include "fs/bucket_change.h"
#include "fs/connection.h"
#include "fs/control_door.h"
#include "fs/doctor_probes.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "fs/mounts_here.h"
#include "fs/policy_document.h"
#include "fs/policy_evaluator.h"
#include "fs/policy_request.h"
#include "fs/policy_rules.h"
#include "fs/policy_through.h"

namespace coffer::fs {
namespace {

class PolicyCommand {
 public:
  PolicyCommand(const PolicyOptions& options, const Environment& environment,
                Connection& connection, Console& console)
      : options_(options),
        environment_(environment),
        connection_(connection),
        console_(console),
        settings_(connection.MakeSettings()) {}

  Result<int> Run() {
    COFFER_ASSIGN(const Policy now, Read());
    if (options_.action == "show") return Show(now);
    if (options_.action == "test") return Test(now);
    return Change(now);
  }

 private:
  Result<Policy> Read() {
    COFFER_ASSIGN(const std::string text, settings_.Policy());
    return ParsePolicy(text);
  }
  const s3::Target& target() const { return connection_.target(); }

  // GetCallerIdentity, once.
  Result<StsCaller> Caller() {
    if (caller_) return *caller_;
    COFFER_ASSIGN(StsCaller found, ConnectionProbes(connection_, environment_).Identity());
    caller_ = found;
    return found;
  }
  Result<std::string> Owner() {
    // S3 was told that owner with every request, and refuses those to another's bucket.
    const std::string& named = connection_.options().expected_bucket_owner;
    if (!named.empty() && options_.action == "test") return named;
    auto caller = Caller();
    if (!named.empty()) {
      if (!caller || caller->account == named) return named;
      return Error{Code::kInvalid, "the account " + named + " is not that of your credentials, " +
                                       caller->account +
                                       ": only a bucket's own account changes its policy"};
    }
    if (!caller) {
      return std::move(caller).error().While("find the account of the bucket (or give --account)");
    }
    return caller->account;
  }

  int Show(const Policy& policy) {
    if (options_.json) {
      const Json json = policy.statements.empty() ? Json() : policy.json;
      console_.out << ToText(Json{{"bucket", target().name}, {"policy", json}}) << "\n";
      return kExitOk;
    }
    if (policy.statements.empty()) {
      console_.out << "there is no policy: IAM alone decides\n";
      return kExitOk;
    }
    for (const PolicyStatement& statement : policy.statements) {
      console_.out << Printable(InWords(statement)) << "\n";
    }
    // As JSON that a terminal only shows: who wrote it chose its characters.
    console_.out << policy.json.dump(2, ' ', true) << "\n";
    return kExitOk;
  }

  // By the bucket's own name, or through the access point that is asked about.
  Result<Decision> Decide(const Policy& policy, const PolicyRequest& request) {
    if (options_.through.empty()) return Evaluate(policy.statements, request);
    COFFER_ASSIGN(const PolicyDoor door,
                  FindPolicyDoor(options_.through, connection_, {environment_, options_.account}));
    return EvaluateThrough(door, policy.statements, request);
  }

  Result<int> Test(const Policy& policy) {
    AskedRequest asked;
    COFFER_ASSIGN(asked.caller, ParseCaller(options_.principal));
    if (!target().key_prefix.empty()) {
      return Error{Code::kInvalid, "a test is of the whole bucket: leave out the prefix " +
                                       target().key_prefix + ", and give all of it by --key"};
    }
    COFFER_ASSIGN(asked.owner, Owner());
    asked.partition = target().partition;
    asked.bucket = target().name;
    asked.action = options_.s3_action;
    asked.key = options_.key;
    asked.tls = !options_.insecure;
    asked.headers = options_.header;
    COFFER_ASSIGN(const PolicyRequest request, MakePolicyRequest(asked, connection_.clock()));
    COFFER_ASSIGN(const Decision decision, Decide(policy, request));
    constexpr const char* kWords[] = {"allowed", "denied", "not decided here"};
    const char* word = kWords[static_cast<std::size_t>(decision.verdict)];
    if (options_.json) {
      console_.out << ToText(Json{{"verdict", word},
                                  {"statement", decision.statement},
                                  {"why", decision.why}})
                   << "\n";
    } else {
      console_.out << word;
      if (decision.verdict == PolicyVerdict::kDenied && !decision.statement.empty()) {
        console_.out << " by " << Printable(decision.statement) << "\n";
      } else {
        console_.out << ": " << Printable(decision.why) << "\n";
      }
    }
    constexpr int kCodes[] = {kExitOk, kExitAccess, kExitPartial};
    return kCodes[static_cast<std::size_t>(decision.verdict)];
  }

  Result<PolicyRule> Rule() {
    PolicyRule rule;
    rule.name = options_.rule;
    rule.bucket = target().name;
    rule.partition = target().partition;
    rule.prefix = target().key_prefix;
    rule.min = options_.min;
    rule.max = options_.max;
    rule.sse = options_.volume.sse;
    rule.kms_key = options_.volume.sse_kms_key_id;
    rule.except = options_.except;
    if (!rule.prefix.empty() && rule.name != "names") {
      return Error{Code::kInvalid, "the rule " + rule.name +
                                       " is for the whole bucket: leave out "
                                       "the prefix " +
                                       rule.prefix};
    }
    if (adds() && (rule.name == "delegate" || rule.name == "only-access-points")) {
      COFFER_ASSIGN(rule.owner, Owner());
    }
    return rule;
  }

  // Without versions there is nothing to keep, and the rule would keep them from being turned on.
  Status CheckVersioning(BucketChange& change) {
    const auto found = settings_.Versioning();
    if (!found) {
      change.warnings.push_back("whether the bucket has versions cannot be seen (" +
                                found.error().what +
                                "): where it has none, this rule protects nothing, and keeps "
                                "versioning from being turned on");
      return Ok();
    }
    if (found->status == "Enabled") return Ok();
    return Error{Code::kNotPermitted,
                 target().name +
                     " keeps no versions: this rule would protect nothing, and keep "
                     "versioning from being turned on; 'coffer versioning on " +
                     target().name + "' first"};
  }

  // The bucket's, where a mount may go through one of them.
  Result<std::vector<s3::AccessPoint>> AccessPointsFor(const std::vector<MountEntry>& mounts,
                                                       const std::string& owner) {
    if (!AnyThroughAccessPoints(mounts)) return std::vector<s3::AccessPoint>();
    COFFER_ASSIGN(const auto door, ControlDoor::Open(connection_.network(), connection_.options(),
                                                     environment_, target().region, owner));
    return door->control().List(target().name);
  }

  void WarnOfMounts(const Policy& before, const Policy& after, const PolicyRule& rule,
                    const std::string& owner, BucketChange& change) {
    const std::vector<MountEntry> mounts = CofferMounts();
    for (std::string& effect :
         EffectsOnMounts(mounts,
                         {before, after, target().name, target().partition, target().region, owner,
                          target().https, rule.prefix, AccessPointsFor(mounts, owner)},
                         connection_.clock())) {
      change.warnings.push_back(std::move(effect));
    }
  }

  // What the change takes from the caller, and from the mounts of this machine.
  Status CheckCaller(const Policy& before, const Policy& after, const PolicyRule& rule,
                     BucketChange& change) {
    auto caller = Caller();
    if (!caller && options_.lock_me_out) {
      const auto account = Owner();
      if (account) WarnOfMounts(before, after, rule, *account, change);
      if (!account)
        change.warnings.push_back("what this does to mounts is not known without --account");
      return Ok();
    }
    if (!caller) {
      return std::move(caller).error().While(
          "find out whether this would lock you out (--lock-me-out does not ask)");
    }
    COFFER_ASSIGN(const std::string owner, Owner());
    COFFER_ASSIGN(const PolicyCaller who, ParseCaller(caller->arn));
    AskedRequest asked{
        who, owner, target().partition, target().name, "", rule.prefix + "file", target().https,
        {}};
    COFFER_ASSIGN(const auto lost,
                  Lost(before.statements, after.statements, asked, connection_.clock()));
    if (!lost.also.empty()) {
      change.warnings.push_back(caller->arn + " (you) is then denied " + lost.also);
    }
    WarnOfMounts(before, after, rule, owner, change);
    if (lost.needed.empty()) return Ok();
    const std::string words = caller->arn + " (you) would " + (lost.certain ? "" : "perhaps ") +
                              "be denied " + lost.needed + " on the bucket itself";
    if (options_.lock_me_out || options_.dry_run) {
      change.warnings.push_back(words);
      return Ok();
    }
    return Error{Code::kNotPermitted,
                 words + "; nothing was changed. --lock-me-out does it all the same" +
                     (options_.rule == "only-access-points"
                          ? "; --except ARN keeps the bucket open for one principal"
                          : "")};
  }

  bool adds() const { return options_.action == "add"; }
  Result<Policy> Changed(const Policy& policy, const PolicyRule& rule) const {
    return adds() ? AddRule(policy, rule) : RemoveRule(policy, rule);
  }

  Result<int> Change(const Policy& before) {
    COFFER_ASSIGN(const PolicyRule rule, Rule());
    COFFER_ASSIGN(Policy after, Changed(before, rule));
    BucketChange change;
    change.command = "policy " + options_.action;
    change.what = "the policy of " + target().name;
    change.before = Meaning(before);
    change.after = Meaning(after);
    if (adds()) {
      change.warnings = CautionsOf(rule);
      if (rule.name == "versions") COFFER_TRY(CheckVersioning(change));
      COFFER_TRY(CheckCaller(before, after, rule, change));
    } else {
      if (!rule.prefix.empty() && change.before == change.after) {
        return Error{Code::kInvalid, "there is no rule " + rule.name + " of the prefix " +
                                         rule.prefix + " ('coffer policy show' lists all)"};
      }
      change.warnings = CautionsOfRemoving(rule);
    }
    Policy now;
    change.read = [&]() -> Result<Json> {
      COFFER_ASSIGN(now, Read());
      return Meaning(now);
    };
    change.merge = [&]() -> Result<Json> {
      COFFER_ASSIGN(after, Changed(now, rule));
      return Meaning(after);
    };
    // The last statement takes the document with it.
    change.apply = [&] {
      return settings_.SetPolicy(after.statements.empty() ? std::string() : after.json.dump());
    };
    return MakeChange(change, {options_.dry_run, options_.yes, options_.json}, connection_.clock(),
                      console_);
  }

  const PolicyOptions& options_;
  const Environment& environment_;
  Connection& connection_;
  Console& console_;
  s3::BucketSettings settings_;
  std::optional<StsCaller> caller_;
};

Result<int> RunPolicyWith(const PolicyOptions& options, const Environment& environment,
                          Console& console) {
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  VolumeOptions volume = options.volume;
  if (!options.account.empty()) volume.expected_bucket_owner = options.account;
  COFFER_ASSIGN(const auto connection, OpenBucketBehind(std::move(volume), options.account,
                                                        environment, clock, *log, console));
  return PolicyCommand(options, environment, *connection, console).Run();
}

}  // namespace

int RunPolicy(const PolicyOptions& options, const Environment& environment, Console& console) {
  const auto code = RunPolicyWith(options, environment, console);
  if (code) return *code;
  console.err << "coffer policy " << options.action << ": " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
