#include "fs/cmd_setting.h"

#include <memory>
#include <utility>

#include "crypto/secret.h"
#include "fs/bucket_behind.h"
#include "fs/bucket_change.h"
#include "fs/bucket_facts.h"
#include "fs/cmd_cors.h"
#include "fs/cmd_logging.h"
#include "fs/connection.h"
#include "fs/exit_code.h"
#include "fs/json.h"
#include "s3client/time_text.h"
#include "s3client/xml.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kNames[] = {"cors",       "encryption",   "logging",
                                       "versioning", "lock-default", "lifecycle"};
std::string SettingName(BucketSetting setting) {
  return std::string(kNames[static_cast<std::size_t>(setting)]);
}

class Setting {
 public:
  Setting(const SettingOptions& options, Connection& connection, Console& console)
      : options_(options),
        connection_(connection),
        console_(console),
        settings_(connection.MakeSettings()) {}

  Result<int> Encryption();
  Result<int> Versioning();
  Result<int> LockDefault();
  Result<int> Lifecycle();

 private:
  bool shows() const { return options_.action == "show"; }
  const std::string& bucket() const { return connection_.target().name; }

  template <typename T>
  int Show(const T& setting) {
    if (options_.json) {
      console_.out << ToText(Describe(setting)) << "\n";
    } else {
      console_.out << Printable(InWords(setting)) << "\n";
    }
    return kExitOk;
  }

  BucketChange NewChange(const std::string& what) const {
    BucketChange change;
    change.command = SettingName(options_.setting) + " " + options_.action;
    change.what = what + " of " + bucket();
    return change;
  }
  Result<int> Make(const BucketChange& change) {
    return MakeChange(change, {options_.dry_run, options_.yes, options_.json}, connection_.clock(),
                      console_);
  }
  void WarnOfLock(const s3::BucketLock& lock, BucketChange& change) const;

  const SettingOptions& options_;
  Connection& connection_;
  Console& console_;
  s3::BucketSettings settings_;
};

Result<int> Setting::Encryption() {
  COFFER_ASSIGN(const s3::DefaultEncryption now, settings_.Encryption());
  if (shows()) return Show(now);
  s3::DefaultEncryption wanted;
  wanted.sse = options_.volume.sse;
  wanted.kms_key_id = options_.volume.sse_kms_key_id;
  wanted.bucket_key = options_.bucket_key;
  wanted.blocked = now.blocked;  // another question, in the same document
  BucketChange change = NewChange("the default encryption");
  change.before = Describe(now);
  change.after = Describe(wanted);
  change.warnings.emplace_back("objects that are there already stay as they are");
  if (wanted.sse != "AES256") {
    change.warnings.emplace_back(
        "whoever reads or writes then needs the KMS key, too (kms:Decrypt, kms:GenerateDataKey), "
        "and a log bucket cannot be encrypted so");
  }
  change.read = [this]() -> Result<Json> {
    COFFER_ASSIGN(const s3::DefaultEncryption found, settings_.Encryption());
    return Describe(found);
  };
  change.apply = [&] { return settings_.SetEncryption(wanted); };
  return Make(change);
}

Result<int> Setting::Versioning() {
  COFFER_ASSIGN(const s3::Versioning now, settings_.Versioning());
  if (shows()) return Show(now);
  s3::Versioning wanted = now;
  wanted.status = "Enabled";
  BucketChange change = NewChange("the versioning");
  change.before = Describe(now);
  change.after = Describe(wanted);
  change.warnings.emplace_back("it can be suspended later, never undone");
  change.warnings.emplace_back(
      "every overwrite, chmod, rename and delete keeps a version that is paid for: 'coffer "
      "lifecycle suggest' prints the rule that bounds them");
  if (!connection_.target().aws_host) {
    change.warnings.emplace_back(
        "some servers (Ceph RGW among them) ignore conditional writes in versioned buckets: two "
        "writers may then overwrite each other unseen; 'coffer doctor --write-test' finds out");
  }
  change.read = [this]() -> Result<Json> {
    COFFER_ASSIGN(const s3::Versioning found, settings_.Versioning());
    return Describe(found);
  };
  change.apply = [this] { return settings_.EnableVersioning(); };
  return Make(change);
}

void Setting::WarnOfLock(const s3::BucketLock& lock, BucketChange& change) const {
  if (lock.default_mode.empty()) return;
  change.warnings.emplace_back(
      "every new object is locked then, also temporary files of editors, rsync and restic: a lock "
      "rule of a mount chooses by name instead");
  const int days = lock.default_days + 365 * lock.default_years;
  const std::string until =
      s3::IsoTime(connection_.server_time().Now() + std::chrono::days(days)).substr(0, 10);
  if (lock.default_mode != "COMPLIANCE") {
    change.warnings.push_back("what is stored today is locked until " + until);
    return;
  }
  const std::string danger = "what is stored today cannot be deleted before " + until +
                             ", by nobody: not by the account's root, not by AWS; it is paid for "
                             "until then, and nobody can undo this";
  change.warnings.push_back("compliance: " + danger);
  change.questions.emplace_back(
      "Nobody can undo what compliance locks. Lock every new object "
      "until at least " +
      until + "?");
}

Result<int> Setting::LockDefault() {
  COFFER_ASSIGN(const s3::BucketLock now, connection_.MakeBucket().ObjectLock());
  if (shows()) return Show(now);
  COFFER_ASSIGN(const s3::BucketLock wanted, ParseLockDefault(options_.retention));
  BucketChange change = NewChange("the default retention");
  if (!now.enabled) {
    if (!options_.enable_object_lock) {
      return Error{Code::kNotPermitted, bucket() +
                                            " has no Object Lock; --enable-object-lock turns it "
                                            "on, which cannot be undone"};
    }
    COFFER_ASSIGN(const s3::Versioning versioning, settings_.Versioning());
    if (versioning.status != "Enabled") {
      return Error{Code::kNotPermitted,
                   "Object Lock needs versioning: 'coffer versioning on " + bucket() + "' first"};
    }
    change.warnings.emplace_back(
        "Object Lock is turned on: it cannot be turned off again, and versioning can then no "
        "longer be suspended");
    change.questions.emplace_back("Turn Object Lock on for " + bucket() + ", for ever?");
  }
  change.before = Describe(now);
  change.after = Describe(wanted);
  WarnOfLock(wanted, change);
  change.read = [this]() -> Result<Json> {
    COFFER_ASSIGN(const s3::BucketLock found, connection_.MakeBucket().ObjectLock());
    return Describe(found);
  };
  change.apply = [&] { return settings_.SetObjectLock(wanted); };
  return Make(change);
}

// Prints, never sets: what may be thrown away is not ours to decide.
Result<int> Setting::Lifecycle() {
  const auto rules = settings_.Lifecycle();
  const std::string& prefix = connection_.target().key_prefix;
  if (!s3::XmlCanCarry(prefix)) {
    return Error{Code::kInvalid, "the prefix " + prefix +
                                     " is not text in UTF-8, as a lifecycle is: no rule can name "
                                     "it"};
  }
  if (!rules) {
    console_.err << "coffer lifecycle suggest: the rules that there are cannot be read: "
                 << Printable(rules.error().what) << "\n";
  }
  bool versions = false;
  bool uploads = false;
  for (const s3::LifecycleRule& rule : rules ? *rules : std::vector<s3::LifecycleRule>()) {
    const bool covers = rule.enabled && !rule.filtered && prefix.starts_with(rule.prefix);
    versions = versions || (covers && rule.noncurrent_days > 0);
    uploads = uploads || (covers && rule.abort_days > 0);
  }
  const Json suggestion = LifecycleSuggestion(prefix);
  if (options_.json) {
    Json json;
    json["bounds_old_versions"] = versions;
    json["bounds_unfinished_uploads"] = uploads;
    json["rules_there"] = rules ? rules->size() : 0;
    json["suggestion"] = suggestion;
    console_.out << ToText(json) << "\n";
    return kExitOk;
  }
  if (versions && uploads) {
    console_.out << "old versions and unfinished uploads are bounded by a rule that is there\n";
    return kExitOk;
  }
  console_.out << ToText(suggestion) << "\n";
  console_.err << "coffer lifecycle suggest: deletes old versions 30 days after they were replaced "
                  "and uploads that nobody finished for 7; locked versions stay until their lock "
                  "ends. Nothing was set: it would replace the rules that are there ("
               << (rules ? std::to_string(rules->size()) : std::string("unknown"))
               << "); add it to them\n";
  return kExitOk;
}

// A prefix that is left out unseen would change more than was named.
Status CheckWhole(const SettingOptions& options, const std::string& prefix) {
  const bool changes =
      options.action != "show" && options.action != "check" && options.action != "suggest";
  if (!changes || prefix.empty()) return Ok();
  return Error{Code::kInvalid,
               "this setting is the whole bucket's: leave out the prefix " + prefix};
}

Result<int> RunSettingWith(const SettingOptions& options, const Environment& environment,
                           Console& console) {
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  // CORS is what an access point answers itself, as it answers pages.
  const bool through = options.setting == BucketSetting::kCors &&
                       (options.action == "show" || options.action == "check");
  COFFER_ASSIGN(const auto connection,
                through ? Connection::Open(options.volume, environment, clock, *log)
                        : OpenBucketBehind(options.volume, "", environment, clock, *log, console));
  COFFER_TRY(CheckWhole(options, connection->target().key_prefix));
  // Who may set a bucket up need not be one who may list it; what else is wrong shows here.
  const auto preflight = connection->Check();
  if (!preflight && preflight.error().code != Code::kDenied) return preflight.error();
  if (preflight) {
    for (const std::string& note : preflight->notes) console.err << "coffer: " << note << "\n";
  }
  Setting setting(options, *connection, console);
  switch (options.setting) {
    case BucketSetting::kCors:
      return RunCors(options, *connection, console);
    case BucketSetting::kLogging:
      return RunLogging({options, environment, clock, *log}, *connection, console);
    case BucketSetting::kEncryption:
      return setting.Encryption();
    case BucketSetting::kVersioning:
      return setting.Versioning();
    case BucketSetting::kLockDefault:
      return setting.LockDefault();
    case BucketSetting::kLifecycle:
      return setting.Lifecycle();
  }
  return kExitFailed;
}

}  // namespace

int RunSetting(const SettingOptions& options, const Environment& environment, Console& console) {
  const auto code = RunSettingWith(options, environment, console);
  if (code) return *code;
  console.err << "coffer " << SettingName(options.setting) << " " << options.action << ": "
              << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
