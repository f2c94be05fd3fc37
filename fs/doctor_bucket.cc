#include "fs/doctor_bucket.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "fs/bucket_facts.h"
#include "fs/doctor_checks.h"
#include "fs/doctor_key.h"
#include "fs/doctor_policy.h"
#include "fs/policy_document.h"

namespace coffer::fs {
namespace {

class SettingChecks {
 public:
  SettingChecks(Connection& connection, bool through, const std::string& kms_endpoint_url)
      : connection_(connection),
        through_(through),
        kms_endpoint_url_(kms_endpoint_url),
        settings_(connection.MakeSettings()),
        bucket_(connection.target().name) {}

  std::vector<Check> Run() {
    ReadBucketPolicy();
    Encryption();
    Logging();
    Cors();
    Versions();
    return std::move(checks_);
  }

 private:
  void Add(std::string name, std::string detail, std::string change = "") {
    const CheckState state = change.empty() ? CheckState::kOk : CheckState::kWarn;
    checks_.push_back({std::move(name), state, std::move(detail), std::move(change)});
  }
  template <typename T>
  bool Answered(const char* name, const Result<T>& answer) {
    if (!answer) checks_.push_back(NotTested(name, answer.error().what));
    return answer.has_value();
  }

  void ReadBucketPolicy() {
    auto text = settings_.Policy();
    auto policy = text ? ParsePolicy(*text) : Result<Policy>(text.error());
    if (!Answered("TLS", policy)) {
      Answered("around access points", policy);
      return;
    }
    policy_ = std::move(*policy);
    for (Check& check : CheckPolicy(Sight(), connection_.clock())) {
      checks_.push_back(std::move(check));
    }
  }
  PolicySight Sight() const {
    return {*policy_, bucket_, connection_.target().partition, through_};
  }

  void Encryption() {
    constexpr const char* kName = "default encryption";
    const auto found = settings_.Encryption();
    if (!Answered(kName, found)) return;
    Add(kName, InWords(*found),
        found->sse.empty() ? "coffer encryption set " + bucket_ + " --sse AES256" : "");
    if (found->kms_key_id.empty()) return;  // aws/s3, which AWS manages
    checks_.push_back(
        CheckKmsKey(connection_, {"default KMS key", found->kms_key_id, kms_endpoint_url_}));
  }

  void Logging() {
    constexpr const char* kName = "access log";
    const auto found = settings_.Logging();
    if (!Answered(kName, found)) return;
    Add(kName, InWords(*found),
        found->bucket.empty()
            ? "coffer logging set " + bucket_ + " --to s3://LOGBUCKET/" + bucket_ + "/"
            : "");
  }

  void Cors() {
    constexpr const char* kName = "CORS";
    const auto rules = settings_.Cors();
    if (!Answered(kName, rules)) return;
    if (rules->empty()) return Add(kName, "no page of another origin may load a file");
    for (const s3::CorsRule& rule : *rules) {
      const auto open = std::find_if(
          rule.origins.begin(), rule.origins.end(),
          [](const std::string& origin) { return origin == "*" || origin.starts_with("http://"); });
      if (open == rule.origins.end()) continue;
      return Add(kName,
                 *open == "*" ? "every page of the web may load what its visitor has a link to"
                              : "pages that come without TLS may load files: " + *open,
                 "coffer cors show " + bucket_ + ", then coffer cors remove and allow");
    }
    Add(kName, std::to_string(rules->size()) + " rules, for named origins");
  }

  void Versions() {
    constexpr const char* kName = "old versions";
    const auto versioning = settings_.Versioning();
    if (!Answered(kName, versioning)) return;
    if (versioning->status != "Enabled") {
      return Add(kName, InWords(*versioning), "coffer versioning on " + bucket_);
    }
    const auto lock = connection_.MakeBucket().ObjectLock();
    const std::string denied = policy_ ? VersionsDenial(Sight(), connection_.clock()) : "";
    if (versioning->mfa_delete) {
      Add(kName, "deleted with a second factor only (MFA delete)");
    } else if (lock && !lock->default_mode.empty()) {
      Add(kName, InWords(*lock));
    } else if (!denied.empty()) {
      Add(kName, denied);
    } else {
      Add(kName,
          "no default retention: whoever may s3:DeleteObjectVersion deletes those that no lock "
          "holds, for good",
          "coffer lock-default set " + bucket_ + " governance:30d" +
              (lock && !lock->enabled ? " --enable-object-lock" : ""));
    }
    Lifecycle();
  }

  void Lifecycle() {
    constexpr const char* kName = "lifecycle";
    const auto rules = settings_.Lifecycle();
    if (!Answered(kName, rules)) return;
    const bool bounded =
        std::any_of(rules->begin(), rules->end(), [this](const s3::LifecycleRule& rule) {
          return rule.enabled && !rule.filtered && rule.noncurrent_days > 0 &&
                 connection_.target().key_prefix.starts_with(rule.prefix);
        });
    if (bounded) return Add(kName, "old versions are deleted after a while");
    Add(kName, "old versions are kept, and paid for, for ever",
        "coffer lifecycle suggest " + bucket_);
  }

  Connection& connection_;
  const bool through_;
  const std::string& kms_endpoint_url_;
  std::optional<Policy> policy_;  // nothing: it may not be read
  s3::BucketSettings settings_;
  const std::string bucket_;
  std::vector<Check> checks_;
};

}  // namespace

std::vector<Check> CheckSettings(Connection& connection, bool through,
                                 const std::string& kms_endpoint_url) {
  return SettingChecks(connection, through, kms_endpoint_url).Run();
}

}  // namespace coffer::fs
