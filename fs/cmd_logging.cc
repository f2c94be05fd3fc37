#include "fs/cmd_logging.h"

#include <memory>
#include <optional>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/bucket_change.h"
#include "fs/bucket_facts.h"
#include "fs/doctor_probes.h"
#include "fs/exit_code.h"
#include "fs/policy_document.h"
#include "fs/policy_evaluator.h"
#include "fs/policy_request.h"
#include "fs/policy_rules.h"
#include "s3client/xml.h"

namespace coffer::fs {
namespace {

constexpr const char* kLogService = "logging.s3.amazonaws.com";

class Logging {
 public:
  Logging(const LoggingRequest& request, Connection& connection, Console& console)
      : request_(request),
        options_(request.options),
        connection_(connection),
        console_(console),
        settings_(connection.MakeSettings()) {}

  Result<int> Run();

 private:
  Status LookAtTarget(s3::AccessLog& wanted);
  Status CheckTarget(Connection& target);
  Status CheckPolicy(Connection& target, const std::string& prefix);
  void SayMissing(bool addable);
  Result<int> LetIn();
  Result<int> AddMissing(const std::string& prefix);
  template <typename T>
  std::optional<T> Known(const Result<T>& answer, const std::string& question);
  Error Refused(const std::string& why) const {
    return {Code::kNotPermitted, options_.to + " cannot keep the log: " + why};
  }

  // What the policy of the log's bucket lacks.
  struct Missing {
    std::string why;
    Json statement;
    std::optional<Policy> policy;  // as it is; nothing when it cannot be seen
  };

  const LoggingRequest& request_;
  const SettingOptions& options_;
  Connection& connection_;
  Console& console_;
  s3::BucketSettings settings_;
  std::vector<std::string> warnings_;
  std::unique_ptr<Connection> target_;  // the log's bucket
  std::optional<Missing> missing_;
};

// What could not be found out is a warning; the log may come all the same.
template <typename T>
std::optional<T> Logging::Known(const Result<T>& answer, const std::string& question) {
  if (answer) return *answer;
  warnings_.push_back("whether " + question + " cannot be seen (" + answer.error().what + ")");
  return std::nullopt;
}

Status Logging::CheckTarget(Connection& target) {
  const auto preflight = target.Check();
  if (!preflight && preflight.error().code != Code::kDenied) {
    return Error(preflight.error()).While("look at " + options_.to);
  }
  const s3::Target& log = target.target();
  const s3::Target& from = connection_.target();
  if (!log.capabilities.bucket_queries || log.alias || !log.arn.empty()) {
    return Refused("it is no bucket, and a log goes to a bucket by its name");
  }
  if (log.name == from.name) {
    return Refused("it is the bucket itself: every line of the log would make another");
  }
  if (log.region != from.region) {
    return Refused("it is in " + log.region + ", and the bucket in " + from.region);
  }
  const auto lock = Known(target.MakeBucket().ObjectLock(), "it has Object Lock");
  if (lock && lock->enabled) return Refused("it has Object Lock");
  s3::BucketSettings settings = target.MakeSettings();
  if (Known(settings.RequesterPays(), "requesters pay for it").value_or(false)) {
    return Refused("requesters pay for it");
  }
  const auto encryption = Known(settings.Encryption(), "it is encrypted with KMS by default");
  if (encryption && encryption->sse.starts_with("aws:kms")) {
    return Refused("its default encryption is " + encryption->sse +
                   ", and only AES256 is written by the log: 'coffer encryption set " + log.name +
                   " --sse AES256'");
  }
  return Ok();
}

void Logging::SayMissing(bool addable) {
  warnings_.push_back(missing_->why + "; this statement lets the log in" +
                      (addable ? " (--add-statement adds it)" : "") + ": " +
                      ToText(missing_->statement, -1));
}

// A change of its own, of another bucket: shown, asked for and read back as every other. Standard
// output is for the log's.
Result<int> Logging::LetIn() {
  s3::BucketSettings settings = target_->MakeSettings();
  Policy now = *missing_->policy;
  COFFER_ASSIGN(Policy after, AddStatement(now, missing_->statement));
  BucketChange change;
  change.command = "logging set";
  change.what = "the policy of " + target_->target().name + ", where the log is to go";
  change.before = Meaning(now);
  change.after = Meaning(after);
  change.warnings = {missing_->why};
  change.read = [&]() -> Result<Json> {
    COFFER_ASSIGN(const std::string text, settings.Policy());
    COFFER_ASSIGN(now, ParsePolicy(text));
    return Meaning(now);
  };
  change.merge = [&]() -> Result<Json> {
    COFFER_ASSIGN(after, AddStatement(now, missing_->statement));
    return Meaning(after);
  };
  change.apply = [&] { return settings.SetPolicy(after.json.dump()); };
  Console aside{console_.in, console_.err, console_.err, console_.interactive};
  return MakeChange(change, {options_.dry_run, options_.yes, false}, connection_.clock(), aside);
}

// What the log service may not write it leaves out, in silence.
Status Logging::CheckPolicy(Connection& target, const std::string& prefix) {
  const std::string& name = target.target().name;
  const auto caller = ConnectionProbes(connection_, request_.environment).Identity();
  const std::string account = caller ? caller->account : std::string();
  const Json statement =
      LogDeliveryStatement(target.target(), prefix, connection_.target(), account);
  const auto text = target.MakeSettings().Policy();
  const auto policy = text ? ParsePolicy(*text) : Result<Policy>(text.error());
  if (!policy) {
    missing_ = {"what the policy of " + name + " says cannot be seen (" + policy.error().what + ")",
                statement, std::nullopt};
    return Ok();
  }
  AskedRequest asked;
  asked.caller.service = kLogService;
  asked.owner = account;
  asked.partition = target.target().partition;
  asked.bucket = name;
  asked.action = "s3:PutObject";
  asked.key = prefix + "log";
  asked.headers = {"aws:SourceArn=arn:" + asked.partition + ":s3:::" + connection_.target().name};
  if (!account.empty()) asked.headers.push_back("aws:SourceAccount=" + account);
  COFFER_ASSIGN(const PolicyRequest request, MakePolicyRequest(asked, connection_.clock()));
  const Decision decision = Evaluate(policy->statements, request);
  if (decision.verdict == PolicyVerdict::kAllowed) return Ok();
  if (decision.verdict == PolicyVerdict::kNotDecided) {
    missing_ = {
        "whether the policy of " + name + " lets the log in is not decided here: " + decision.why,
        statement, *policy};
  } else if (decision.statement.empty()) {
    missing_ = {"the policy of " + name + " does not let the log in", statement, *policy};
  } else {
    return Refused("its policy denies that to the log service, by " + decision.statement);
  }
  return Ok();
}

// Added where that was asked for, offered to a person, said otherwise. Who declines sets the log
// all the same, and is told.
Result<int> Logging::AddMissing(const std::string& prefix) {
  const bool seen = missing_->policy.has_value();
  const bool offered = seen && console_.interactive && !options_.yes && !options_.dry_run;
  if (options_.add_statement && !seen) return Refused(missing_->why);
  if (options_.add_statement || offered) {
    COFFER_ASSIGN(const int code, LetIn());
    if (code != kExitOk && options_.add_statement) return code;
    if (code == kExitOk && options_.dry_run) return code;
    if (code != kExitOk) {
      SayMissing(seen);
      return kExitOk;
    }
    missing_.reset();  // what is left to be said is what the policy says now
    COFFER_TRY(CheckPolicy(*target_, prefix));
  }
  if (missing_) SayMissing(seen);
  return kExitOk;
}

Status Logging::LookAtTarget(s3::AccessLog& wanted) {
  VolumeOptions volume = options_.volume;
  volume.source = options_.to;
  volume.requester_pays = true;  // or a bucket where they do would only say no
  COFFER_ASSIGN(target_, Connection::Open(std::move(volume), request_.environment, request_.clock,
                                          request_.log));
  COFFER_TRY(CheckTarget(*target_));
  wanted.bucket = target_->target().name;
  wanted.prefix = target_->target().key_prefix;
  if (!s3::XmlCanCarry(wanted.prefix)) return Refused("its prefix is not text in UTF-8");
  return CheckPolicy(*target_, wanted.prefix);
}

Result<int> Logging::Run() {
  COFFER_ASSIGN(const s3::AccessLog now, settings_.Logging());
  if (options_.action == "show") {
    if (options_.json) {
      console_.out << ToText(Describe(now)) << "\n";
    } else {
      console_.out << Printable(InWords(now)) << "\n";
    }
    return kExitOk;
  }
  s3::AccessLog wanted;
  if (options_.action == "set") {
    if (!now.others.empty()) {
      return Error{Code::kUnsupported,
                   "the log there is holds " + now.others.front() +
                       ", which is not written here and would be lost: 'coffer logging off " +
                       connection_.target().name + "' takes all of it away first"};
    }
    wanted.partition_by = now.partition_by;
    COFFER_TRY(LookAtTarget(wanted));
    if (missing_) {
      COFFER_ASSIGN(const int code, AddMissing(wanted.prefix));
      if (code != kExitOk) return code;
    }
  }
  BucketChange change;
  change.command = "logging " + options_.action;
  change.what = "the access log of " + connection_.target().name;
  change.before = Describe(now);
  change.after = Describe(wanted);
  change.warnings = std::move(warnings_);
  change.read = [this]() -> Result<Json> {
    COFFER_ASSIGN(const s3::AccessLog found, settings_.Logging());
    return Describe(found);
  };
  change.apply = [&] { return settings_.SetLogging(wanted); };
  return MakeChange(change, {options_.dry_run, options_.yes, options_.json}, connection_.clock(),
                    console_);
}

}  // namespace

Json LogDeliveryStatement(const s3::Target& log_bucket, const std::string& prefix,
                          const s3::Target& bucket, const std::string& account) {
  const std::string arn = "arn:" + log_bucket.partition + ":s3:::";
  Json statement;
  // One policy may let in the logs of many buckets, and a Sid is there once.
  const std::string whose = bucket.name + "/" + prefix;
  statement["Sid"] = "CofferAccessLog" + HexEncode(Sha256(AsBytes(whose))).substr(0, 8);
  statement["Effect"] = "Allow";
  statement["Principal"]["Service"] = kLogService;
  statement["Action"] = "s3:PutObject";
  statement["Resource"] = arn + log_bucket.name + "/" + prefix + "*";
  statement["Condition"]["ArnLike"]["aws:SourceArn"] = arn + bucket.name;
  if (!account.empty()) statement["Condition"]["StringEquals"]["aws:SourceAccount"] = account;
  return statement;
}

Result<int> RunLogging(const LoggingRequest& request, Connection& connection, Console& console) {
  return Logging(request, connection, console).Run();
}

}  // namespace coffer::fs
