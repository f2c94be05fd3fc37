#include "fs/doctor_sealed.h"

#include <memory>
#include <string>
#include <utility>

#include "crypto/secret.h"
#include "fs/doctor_checks.h"
#include "fs/doctor_key.h"
#include "fs/key_pins.h"
#include "fs/key_set.h"
#include "fs/kms_access.h"
#include "fs/policy_hint.h"
#include "fs/sealed_access.h"
#include "fs/volume_session.h"
#include "fs/volume_signs.h"
#include "fs/worker_pool.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kCheckThreads = 2;
constexpr const char* kVolume = "sealed volume";

bool IsOfKey(Code code) { return code == Code::kKeyMissing || code == Code::kKeyDisabled; }

class SealedChecks {
 public:
  explicit SealedChecks(const SealedDoctorRequest& request)
      : request_(request),
        arena_(request.keys.cache_entries + kOtherSecrets, request.keys.require_mlock),
        kms_(request.connection.network(),
             {request.connection.target().region, request.connection.options().address.fips,
              Patience::kQuick},
             request.keys, arena_) {}

  std::vector<Check> Run() {
    if (!Volume()) return std::move(checks_);
    if (access_->volume() == nullptr) return std::move(checks_);
    Keys();
    Quota();
    Memory();
    return std::move(checks_);
  }

 private:
  void Add(const std::string& name, CheckState state, std::string detail, std::string change = "") {
    checks_.push_back({name, state, std::move(detail), std::move(change)});
  }

  // False when there is more to say of it than could be found out.
  bool Volume() {
    const auto holds = HoldsVolume(request_.connection.store(), Prefix());
    if (!holds) {
      checks_.push_back(
          FailedCheck(request_.context, kVolume, "s3:GetObject", true, holds.error()));
      return false;
    }
    SealedFinding finding;
    SealedAccess::Wanted wanted;
    wanted.state_directory = request_.state_directory;
    wanted.remember = false;
    auto opened =
        SealedAccess::Open({request_.connection, pool_, arena_}, request_.keys, wanted, finding);
    if (!opened) {
      FailedVolume(opened.error());
      return false;
    }
    access_ = std::move(*opened);
    const SealedMount* volume = access_->volume();
    if (volume == nullptr) {
      Add(kVolume, CheckState::kOk, "none: bytes are not encrypted by coffer here");
      return true;
    }
    const std::string what = "volume " + volume->descriptor().id + ", its descriptor opens";
    const auto pin = LoadPin(request_.state_directory, VolumeAddress(request_.connection));
    if (pin && *pin) {
      Add(kVolume, CheckState::kOk, what + "; this machine knows it");
    } else {
      Add(kVolume, CheckState::kWarn, what + "; this machine does not know it yet",
          "compare the keys below with those that you mean: the first mount remembers them "
          "(--kms-key names them instead)");
    }
    return true;
  }

  void FailedVolume(const Error& error) {
    Check check{kVolume, CheckState::kFail, error.what};
    check.access = error.code == Code::kDenied;
    check.key = IsOfKey(error.code);
    // Not of a key file that others may read, whose own words say what to do.
    if (error.code == Code::kDenied && !error.service_code.empty()) {
      check.change = "allow kms:Decrypt on a key of the volume to who mounts";
      const auto& named = request_.keys.kms_keys;
      check.policy = KmsStatement(named.empty() ? "" : named.front(), {"kms:Decrypt"});
    }
    checks_.push_back(std::move(check));
  }

  void Keys() {
    auto given = NamedKeys(request_.keys, arena_);
    if (!given) return Add("keys", CheckState::kFail, given.error().what);
    bool first = true;
    for (const KeyName& key : access_->volume()->descriptor().keys) {
      OneKey(key, *given, first);
      if (key.kind == KeyName::Kind::kKms) {
        checks_.push_back(CheckKmsKey(request_.connection, {"policy of " + key.name, key.name,
                                                            request_.keys.kms_endpoint_url}));
      }
      first = false;
    }
  }

  // What sealing and opening ask of it: of the first key a data key, of the others to wrap that.
  void OneKey(const KeyName& key, const std::vector<KeyMaterial>& given, bool first) {
    auto rings = MakeKeyrings(
        {key}, given, {arena_, [this](const std::string& name) { return kms_.MakeKeyring(name); }});
    if (!rings) return Add(Describe(key), CheckState::kFail, rings.error().what);
    Keyring& ring = *rings->front();
    const EncryptionContext context = ContextOf(access_->volume()->descriptor());
    const char* const makes = first ? "kms:GenerateDataKey" : "kms:Encrypt";
    auto made = first ? ring.Generate(context) : Wrapped(ring, context);
    if (!made) return FailedKey(key, makes, made.error());
    const auto opened = ring.Unwrap(made->encrypted, context, made->key.size());
    if (opened) {
      const bool kms = key.kind == KeyName::Kind::kKms;
      return Add(Describe(key), CheckState::kOk,
                 kms ? std::string(makes) + " and kms:Decrypt are allowed" : "seals and opens");
    }
    if (opened.error().code == Code::kUnsupported) {
      return Add(Describe(key), CheckState::kOk, "seals; its private half is kept elsewhere");
    }
    FailedKey(key, "kms:Decrypt", opened.error());
  }

  Result<WrappedKey> Wrapped(Keyring& ring, const EncryptionContext& context) {
    constexpr std::size_t kDataKey = 32;
    COFFER_ASSIGN(Secret key, arena_.Random(kDataKey));
    COFFER_ASSIGN(EncryptedDataKey encrypted, ring.Wrap(key, context));
    return WrappedKey{std::move(key), std::move(encrypted)};
  }

  void FailedKey(const KeyName& key, const char* action, const Error& error) {
    Check check{Describe(key), CheckState::kFail, error.what};
    check.access = error.code == Code::kDenied;
    check.key = IsOfKey(error.code);
    if (error.code == Code::kDenied) {
      check.change = std::string("allow ") + action +
                     ", in the key's policy or in one of the caller, and deny it nowhere";
      check.policy = KmsStatement(key.name, {action});
    } else if (error.code == Code::kKeyDisabled) {
      check.change = "enable the key in KMS; until then another key of the volume has to open it";
    } else if (error.code == Code::kKeyMissing) {
      check.change =
          "cancel its deletion while that is possible; another key of the volume, or the "
          "recovery key, still opens it";
    }
    checks_.push_back(std::move(check));
  }

  // No request tells the quota; how little of it is used does not depend on it.
  void Quota() {
    bool kms = false;
    for (const KeyName& key : access_->volume()->descriptor().keys) {
      kms = kms || key.kind == KeyName::Kind::kKms;
    }
    if (!kms) return;
    Add("KMS quota", CheckState::kOk,
        "a mount asks at most " + std::to_string(request_.keys.kms_rate) +
            " times a second (--kms-rate), about once for 1,000 files; the quota is that of the "
            "account and Region (Service Quotas: cryptographic operations)");
  }

  void Memory() {
    if (arena_.locked()) return Add("memory for keys", CheckState::kOk, "is locked");
    Add("memory for keys", CheckState::kWarn, "cannot be locked, and may reach the swap",
        "raise RLIMIT_MEMLOCK (ulimit -l) to 2 MiB, or more for a larger --key-cache-entries");
  }

  const std::string& Prefix() const { return request_.connection.target().key_prefix; }

  const SealedDoctorRequest& request_;
  std::vector<Check> checks_;
  SecretArena arena_;
  KmsAccess kms_;
  std::unique_ptr<SealedAccess> access_;
  WorkerPool pool_{kCheckThreads};  // last, so that it ends first
};

}  // namespace

std::vector<Check> CheckSealed(const SealedDoctorRequest& request) {
  return SealedChecks(request).Run();
}

}  // namespace coffer::fs
