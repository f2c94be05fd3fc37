#include "fs/cmd_access_point.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "crypto/secret.h"
#include "fs/access_point_facts.h"
#include "fs/bucket_change.h"
#include "fs/caller.h"
#include "fs/connection.h"
#include "fs/control_door.h"
#include "fs/exit_code.h"
#include "fs/mounts_here.h"
#include "fs/policy_request.h"
#include "s3client/local_file.h"

namespace coffer::fs {
namespace {

class AccessPointCommand {
 public:
  AccessPointCommand(const AccessPointOptions& options, const Environment& environment,
                     s3::SystemClock& clock, Log& log, Console& console)
      : options_(options),
        environment_(environment),
        clock_(clock),
        log_(log),
        console_(console),
        words_(options.json ? console.err : console.out) {}

  Result<int> Run() {
    const std::string& action = options_.action;
    if (action == "list") return List();
    COFFER_ASSIGN(const AccessPointName name, ParseAccessPointName(options_.name));
    if (action == "create") return Create(name);
    COFFER_TRY(Open(name));
    COFFER_ASSIGN(point_, door_->Get(name.name));
    if (action == "show") return Show();
    if (action == "delete") return Delete();
    COFFER_ASSIGN(const Policy policy, ReadPolicy());
    if (action == "grant") return GrantTo(policy);
    if (action == "revoke") return Revoke(policy);
    return options_.set.empty() ? ShowPolicy(policy) : SetPolicy(policy);
  }

 private:
  // S3 Control where the access point is.
  Status Open(const AccessPointName& name) {
    std::string region = name.region.empty() ? options_.volume.address.region : name.region;
    if (region.empty()) {
      return Error{Code::kInvalid,
                   "the name of an access point does not say its Region: give "
                   "--region (or AWS_REGION), or its ARN"};
    }
    network_ = std::make_unique<Network>(options_.volume, environment_, clock_, log_);
    COFFER_ASSIGN(door_, ControlDoor::Open(*network_, options_.volume, environment_, region,
                                           name.account.empty() ? options_.account : name.account));
    return Ok();
  }

  // S3 Control where the bucket of --bucket is.
  Status OpenOfBucket(std::string account) {
    VolumeOptions volume = options_.volume;
    volume.source = options_.bucket;
    COFFER_ASSIGN(bucket_, Connection::Open(std::move(volume), environment_, clock_, log_));
    const s3::Target& target = bucket_->target();
    if (target.kind != s3::TargetKind::kBucket || target.alias || !target.key_prefix.empty()) {
      return Error{Code::kInvalid,
                   "--bucket takes the name of a bucket, not '" + options_.bucket + "'"};
    }
    COFFER_ASSIGN(door_, ControlDoor::Open(bucket_->network(), bucket_->options(), environment_,
                                           target.region, std::move(account)));
    return Ok();
  }

  s3::S3Control& control() { return door_->control(); }
  Result<Policy> ReadPolicy() {
    COFFER_ASSIGN(const std::string text, control().Policy(point_.name));
    return ParsePolicy(text);
  }
  // The policy of the bucket behind; the reason why it is not known.
  Result<Policy> ReadBucketPolicy() {
    VolumeOptions volume = options_.volume;
    volume.source = "s3://" + point_.bucket;
    volume.address.region = control().address().region;
    COFFER_ASSIGN(bucket_, Connection::Open(std::move(volume), environment_, clock_, log_));
    COFFER_ASSIGN(const std::string text, bucket_->MakeSettings().Policy());
    return ParsePolicy(text);
  }
  std::string BucketOwner() const {
    return point_.bucket_account.empty() ? door_->account() : point_.bucket_account;
  }

  Result<int> Make(const BucketChange& change) {
    return MakeChange(change, {options_.dry_run, options_.yes, options_.json}, clock_, console_);
  }

  // Describes what is there now, which then is point_; null where there is nothing.
  std::function<Result<Json>()> Reader(const std::string& name) {
    return [this, name]() -> Result<Json> {
      COFFER_ASSIGN(const auto found, control().Find(name));
      if (!found) return Json();
      point_ = *found;
      return Describe(*found);
    };
  }

  Result<int> Create(const AccessPointName& name) {
    if (!name.region.empty()) {
      return Error{Code::kInvalid, "create takes a name: its ARN comes from the bucket's Region"};
    }
    COFFER_TRY(OpenOfBucket(options_.account));
    s3::AccessPoint wanted;
    wanted.name = name.name;
    wanted.bucket = bucket_->target().name;
    wanted.arn = control().ArnOf(name.name);
    wanted.vpc = options_.vpc;
    COFFER_ASSIGN(wanted.block, ParsePublicAccessBlock(options_.block));
    BucketChange change;
    change.command = "access-point create";
    change.what = "the access point " + name.name;
    change.read = Reader(name.name);
    COFFER_ASSIGN(change.before, change.read());
    change.after = Describe(wanted);
    if (!change.before.is_null() && change.before != change.after) {
      return Error{Code::kNotPermitted,
                   "there is an access point " + name.name +
                       " already, made otherwise, and what is fixed at its making cannot be "
                       "changed: " +
                       ToText(change.before, -1)};
    }
    change.warnings = {"fixed for ever: its bucket, its network (" +
                       (wanted.vpc.empty() ? std::string("the Internet") : wanted.vpc + " alone") +
                       ") and its block of public access; only its policy can be changed later"};
    change.apply = [this, &wanted] { return control().Create(wanted); };
    // Made up by the service, and so known only now.
    change.also = [this] {
      return Json{{"alias", point_.alias.empty() ? Json() : Json(point_.alias)}};
    };
    COFFER_ASSIGN(const int code, Make(change));
    if (code != kExitOk || options_.dry_run || options_.json) return code;
    words_ << InWords(point_) << "policy:        none yet: 'coffer access-point grant " << name.name
           << "' lets somebody in; IAM may have done so already\n";
    return code;
  }

  Result<int> List() {
    COFFER_TRY(OpenOfBucket(options_.account));
    COFFER_ASSIGN(const std::vector<s3::AccessPoint> points,
                  control().List(bucket_->target().name));
    if (options_.json) {
      Json json = Json::array();
      for (const s3::AccessPoint& point : points) {
        json.push_back(Describe(point));
        json.back()["alias"] = point.alias;
      }
      console_.out << ToText(json) << "\n";
      return kExitOk;
    }
    if (points.empty()) console_.out << "there is no access point of this account\n";
    for (const s3::AccessPoint& point : points) {
      console_.out << Printable(point.name) << "  "
                   << (point.vpc.empty() ? "Internet" : Printable(point.vpc)) << "  "
                   << Printable(point.arn) << "  " << Printable(point.alias) << "\n";
    }
    return kExitOk;
  }

  void PrintPolicy(const Policy& policy) {
    const auto grants = GrantsOf(policy, point_.arn);
    if (policy.statements.empty()) console_.out << "policy:        none: IAM alone decides\n";
    if (!grants.empty()) console_.out << GrantTable(grants);
    for (const PolicyStatement& statement : WithoutGrants(policy, point_.arn)) {
      console_.out << Printable(InWords(statement)) << "\n";
    }
  }

  Result<int> Show() {
    const auto policy = ReadPolicy();
    const auto is_public = control().IsPublic(point_.name);
    if (!policy) {
      console_.err << "coffer access-point show: its policy is not known: "
                   << Printable(policy.error().what) << "\n";
    }
    if (options_.json) {
      Json json = Describe(point_);
      json["alias"] = point_.alias;
      json["policy"] = policy && !policy->statements.empty() ? policy->json : Json();
      json["public"] = is_public ? Json(*is_public) : Json();
      json["grants"] = Json::array();
      for (const Grant& grant : policy ? GrantsOf(*policy, point_.arn) : std::vector<Grant>()) {
        json["grants"].push_back(
            {{"principal", grant.principal}, {"allow", grant.kinds}, {"prefix", grant.prefix}});
      }
      console_.out << ToText(json) << "\n";
    } else {
      console_.out << InWords(point_);
      if (is_public && *is_public) console_.out << "the policy lets everybody in: it is public\n";
      if (policy) PrintPolicy(*policy);
    }
    return policy ? kExitOk : kExitPartial;
  }

  Result<int> Delete() {
    BucketChange change;
    change.command = "access-point delete";
    change.what = "the access point " + point_.name;
    change.before = Describe(point_);
    change.warnings = {
        "its policy goes with it, and whoever works through it loses access at "
        "once; the bucket and what is in it stay"};
    NameMounts(change.warnings);
    change.read = Reader(point_.name);
    change.apply = [this] { return control().Remove(point_.name); };
    return Make(change);
  }

  // Whose credentials they have, and so what the change does to them, nobody tells.
  void NameMounts(std::vector<std::string>& warnings) const {
    for (std::string& mounts : MountsThrough(CofferMounts(), point_)) {
      warnings.push_back(std::move(mounts));
    }
  }

  using Edit = std::function<Result<Policy>(const Policy&)>;

  // As every change of the policy is made: `edit` to `before`, and to what others made of it since.
  Result<int> ChangePolicy(const std::string& command, const Policy& before, const Edit& edit,
                           std::vector<std::string> warnings) {
    COFFER_ASSIGN(Policy after, edit(before));
    BucketChange change;
    change.command = "access-point " + command;
    change.what = "the policy of the access point " + point_.name;
    change.before = Meaning(before);
    change.after = Meaning(after);
    change.warnings = std::move(warnings);
    Policy now;
    change.read = [&]() -> Result<Json> {
      COFFER_ASSIGN(now, ReadPolicy());
      return Meaning(now);
    };
    change.merge = [&]() -> Result<Json> {
      COFFER_ASSIGN(after, edit(now));
      return Meaning(after);
    };
    // The last statement takes the document with it.
    change.apply = [&] {
      return control().SetPolicy(point_.name,
                                 after.statements.empty() ? std::string() : after.json.dump());
    };
    COFFER_ASSIGN(const int code, Make(change));
    if (code == kExitOk && !options_.json && command != "policy") {
      const auto grants = GrantsOf(after, point_.arn);
      words_ << (grants.empty() ? "nobody is granted anything\n" : GrantTable(grants));
    }
    return code;
  }

  Result<int> GrantTo(const Policy& policy) {
    Grant grant{options_.principal, "", {}};
    COFFER_ASSIGN(grant.prefix, ParseGrantPrefix(options_.prefix));
    COFFER_ASSIGN(grant.kinds, ParseGrantKinds(options_.allow));
    const Edit add = [&](const Policy& to) { return AddGrant(to, grant, point_.arn); };
    COFFER_ASSIGN(const Policy after, add(policy));
    const auto bucket_policy = ReadBucketPolicy();
    const PolicyDoor door = DoorOf(point_, door_->account(), after);
    const GrantCheck check{door, point_.bucket, BucketOwner(), control().address().partition,
                           bucket_policy};
    COFFER_ASSIGN(auto warnings, StillNeeded(grant, check, clock_));
    return ChangePolicy("grant", policy, add, std::move(warnings));
  }

  Result<int> Revoke(const Policy& policy) {
    std::optional<std::string> prefix;
    if (!options_.prefix.empty()) {
      COFFER_ASSIGN(prefix, ParseGrantPrefix(options_.prefix));
    }
    std::vector<std::string> kinds;
    if (!options_.allow.empty()) {
      COFFER_ASSIGN(kinds, ParseGrantKinds(options_.allow));
    }
    const Edit remove = [&](const Policy& from) {
      return RemoveGrant(from, options_.principal, prefix, kinds, point_.arn);
    };
    std::vector<std::string> warnings = {
        "what IAM, or a statement that is no grant, allows goes on"};
    NameMounts(warnings);
    return ChangePolicy("revoke", policy, remove, std::move(warnings));
  }

  Result<int> ShowPolicy(const Policy& policy) {
    if (options_.json) {
      const Json json = policy.statements.empty() ? Json() : policy.json;
      console_.out << ToText(Json{{"access_point", point_.arn}, {"policy", json}}) << "\n";
      return kExitOk;
    }
    PrintPolicy(policy);
    if (!policy.statements.empty()) console_.out << ToText(policy.json) << "\n";
    return kExitOk;
  }

  // Refuses what would keep the caller out.
  Status CheckCaller(const Policy& before, const Policy& after,
                     std::vector<std::string>& warnings) {
    COFFER_ASSIGN(const bool aws, SpeaksToAws(options_.volume));
    auto caller =
        AskCaller(*network_, options_.volume, environment_, control().address().region, aws);
    if (!caller && options_.lock_me_out) return Ok();
    if (!caller) {
      return std::move(caller).error().While(
          "find out whether this would lock you out (--lock-me-out does not ask)");
    }
    COFFER_ASSIGN(PolicyCaller who, ParseCaller(caller->arn));
    const AskedRequest asked{std::move(who),
                             BucketOwner(),
                             control().address().partition,
                             point_.bucket,
                             "",
                             "",
                             true,
                             {}};
    COFFER_ASSIGN(const LostRights lost,
                  LostThrough(DoorOf(point_, door_->account(), before),
                              DoorOf(point_, door_->account(), after), asked, clock_));
    if (lost.needed.empty()) return Ok();
    const std::string words = caller->arn + " (you) would " + (lost.certain ? "" : "perhaps ") +
                              "be denied " + lost.needed + " through this access point";
    if (!options_.lock_me_out && !options_.dry_run) {
      return Error{Code::kNotPermitted,
                   words + "; nothing was changed. --lock-me-out does it all the same"};
    }
    warnings.push_back(words);
    return Ok();
  }

  Result<int> SetPolicy(const Policy& before) {
    COFFER_ASSIGN(const auto file, s3::ReadLocalFile(options_.set));
    if (!file) return Error{Code::kInvalid, "there is no file " + options_.set};
    COFFER_ASSIGN(const Policy after, ParsePolicy(file->text));
    std::vector<std::string> warnings = {"replaces the whole policy, what others wrote included"};
    COFFER_TRY(CheckCaller(before, after, warnings));
    NameMounts(warnings);
    const Edit replace = [&](const Policy&) -> Result<Policy> { return after; };
    return ChangePolicy("policy", before, replace, std::move(warnings));
  }

  const AccessPointOptions& options_;
  const Environment& environment_;
  s3::SystemClock& clock_;
  Log& log_;
  Console& console_;
  std::ostream& words_;  // with --json standard output is for one document
  std::unique_ptr<Network> network_;
  std::unique_ptr<Connection> bucket_;
  std::unique_ptr<ControlDoor> door_;
  s3::AccessPoint point_;
};

Result<int> RunAccessPointWith(const AccessPointOptions& options, const Environment& environment,
                               Console& console) {
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  return AccessPointCommand(options, environment, clock, *log, console).Run();
}

}  // namespace

int RunAccessPoint(const AccessPointOptions& options, const Environment& environment,
                   Console& console) {
  const auto code = RunAccessPointWith(options, environment, console);
  if (code) return *code;
  console.err << "coffer access-point " << options.action << ": " << Printable(code.error().what)
              << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
