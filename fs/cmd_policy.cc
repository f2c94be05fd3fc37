#include "fs/cmd_policy.h"

#include <memory>
#include <optional>
#include <utility>

#include "crypto/secret.h"
#include "fs/bucket_behind.h"
#include "fs/bucket_change.h"
#include "fs/connection.h"
#include "fs/doctor_probes.h"
#include "fs/exit_code.h"
#include "fs/json.h"
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
    if (!options_.account.empty()) return options_.account;
    if (!options_.volume.expected_bucket_owner.empty())
      return options_.volume.expected_bucket_owner;
    auto caller = Caller();
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
    console_.out << ToText(policy.json) << "\n";
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
      if (decision.verdict == Verdict::kDenied && !decision.statement.empty()) {
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
    if (rule.name == "delegate" || rule.name == "only-access-points") {
      COFFER_ASSIGN(rule.owner, Owner());
    }
    return rule;
  }

  // What the change takes from the caller.
  Status CheckCaller(const Policy& before, const Policy& after, BucketChange& change) {
    auto caller = Caller();
    if (!caller && options_.lock_me_out) return Ok();
    if (!caller) {
      return std::move(caller).error().While(
          "find out whether this would lock you out (--lock-me-out does not ask)");
    }
    COFFER_ASSIGN(const std::string owner, Owner());
    COFFER_ASSIGN(const PolicyCaller who, ParseCaller(caller->arn));
    AskedRequest asked{who, owner, target().partition, target().name, "", "", target().https, {}};
    COFFER_ASSIGN(const auto lost,
                  Lost(before.statements, after.statements, asked, connection_.clock()));
    if (!lost.also.empty()) {
      change.warnings.push_back(caller->arn + " (you) is then denied " + lost.also);
    }
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

  Result<int> Change(const Policy& before) {
    BucketChange change;
    change.command = "policy " + options_.action;
    change.what = "the policy of " + target().name;
    change.shared = true;
    Policy after;
    if (options_.action == "add") {
      COFFER_ASSIGN(const PolicyRule rule, Rule());
      COFFER_ASSIGN(after, AddRule(before, rule));
      change.warnings = CautionsOf(rule);
      COFFER_TRY(CheckCaller(before, after, change));
    } else {
      COFFER_ASSIGN(after, RemoveRule(before, options_.rule));
    }
    change.before = Meaning(before);
    change.after = Meaning(after);
    change.read = [this]() -> Result<Json> {
      COFFER_ASSIGN(const Policy found, Read());
      return Meaning(found);
    };
    // The last statement takes the document with it.
    const std::string text = after.statements.empty() ? std::string() : after.json.dump();
    change.apply = [this, &text] { return settings_.SetPolicy(text); };
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

Result<int> Run(const PolicyOptions& options, const Environment& environment, Console& console) {
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  COFFER_ASSIGN(const auto connection, OpenBucketBehind(options.volume, options.account,
                                                        environment, clock, *log, console));
  return PolicyCommand(options, environment, *connection, console).Run();
}

}  // namespace

int RunPolicy(const PolicyOptions& options, const Environment& environment, Console& console) {
  const auto code = Run(options, environment, console);
  if (code) return *code;
  console.err << "coffer policy " << options.action << ": " << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
