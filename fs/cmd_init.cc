#include "fs/cmd_init.h"

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/openssl.h"
#include "fs/cmd_rebuild.h"
#include "fs/connection.h"
#include "fs/descriptor_write.h"
#include "fs/exit_code.h"
#include "fs/findings.h"
#include "fs/key_pins.h"
#include "fs/key_set.h"
#include "fs/key_trial.h"
#include "fs/kms_access.h"
#include "fs/lock_access.h"
#include "fs/lock_rules.h"
#include "fs/log.h"
#include "fs/private_file.h"
#include "fs/sealed_access.h"
#include "fs/sealed_mount.h"
#include "fs/user_context.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kSecrets = 256;
constexpr std::size_t kTrialThreads = 2;
constexpr std::array<std::uint32_t, 4> kHeaderSizes = {1024, 2048, 4096, 8192};
// Room for one more key, as large as they come: RSA of 4,096 bits under a long name.
constexpr std::size_t kOneMoreKey = 550;

// RFC 9562, version 4.
Result<std::string> NewVolumeId() {
  std::array<std::byte, 16> bytes = {};
  COFFER_TRY(RandomBytes(bytes));
  bytes[6] = (bytes[6] & std::byte{0x0f}) | std::byte{0x40};
  bytes[8] = (bytes[8] & std::byte{0x3f}) | std::byte{0x80};
  std::string id = HexEncode(bytes);
  for (const std::size_t at : {8, 13, 18, 23}) id.insert(at, 1, '-');
  return id;
}

class VolumeInit {
 public:
  VolumeInit(const InitOptions& options, Connection& connection, Console& console)
      : options_(options),
        connection_(connection),
        console_(console),
        arena_(kSecrets, options.keys.require_mlock),
        kms_(connection.network(),
             {connection.target().region, options.volume.address.fips, Patience::kQuick},
             options.keys, arena_) {}

  ~VolumeInit() {
    if (made_recovery_key_) (void)RemoveFile(options_.new_recovery_key);
  }
  VolumeInit(const VolumeInit&) = delete;
  VolumeInit& operator=(const VolumeInit&) = delete;

  Status Run(const s3::BucketFacts& facts, const std::string& state_directory);

 private:
  Status CheckPlace();
  Status TakeRules(const s3::BucketFacts& facts);
  Status TakeKeys();
  Status TryKeys();
  Status ChooseHeader(const std::vector<EncryptedDataKey>& encrypted);
  Status Write();

  const std::string& prefix() const { return connection_.target().key_prefix; }

  const InitOptions& options_;
  Connection& connection_;
  Console& console_;
  SecretArena arena_;
  KmsAccess kms_;
  WorkerPool pool_{kTrialThreads};
  VolumeDescriptor descriptor_;
  std::vector<KeyMaterial> given_;
  KeyTrial trial_;
  bool made_recovery_key_ = false;  // and nothing was sealed under it yet
};

Status VolumeInit::CheckPlace() {
  const std::string key = prefix() + std::string(kDescriptorName);
  const auto there = connection_.store().Get(key, {0, 1}, {});
  if (there) {
    return Error{Code::kExists, "there is a sealed volume here already (" + key +
                                    "): mount it, or choose another prefix"};
  }
  if (there.error().code != Code::kNotFound) return there.error();
  std::vector<std::string> doubts;
  COFFER_TRY(RefuseInside(prefix(), connection_.store(), doubts));
  for (const std::string& doubt : doubts) console_.err << "coffer init: " << doubt << "\n";
  s3::ListRequest request;
  request.prefix = prefix();
  request.delimited = false;
  request.max_keys = 1;
  COFFER_ASSIGN(const s3::ListPage page, connection_.store().List(request));
  if (page.objects.empty()) return Ok();
  if (!options_.allow_non_empty) {
    return Error{Code::kNotEmpty,
                 "there are objects here already (" + page.objects.front().key +
                     "). A sealed volume refuses them until coffer reseal --adopt-plaintext has "
                     "sealed them: choose another prefix, or say --allow-non-empty"};
  }
  console_.err << "coffer init: what is here already will be refused (EBADMSG) until coffer reseal "
                  "--adopt-plaintext takes it in\n";
  return Ok();
}

// The bounds were kept when the command line was read.
Status VolumeInit::TakeRules(const s3::BucketFacts& facts) {
  descriptor_.lock_rules = options_.lock_rules;
  COFFER_ASSIGN(std::vector<LockRule> parsed,
                ParseLockRules(options_.lock_rules, {options_.longest_lock_s, true}));
  const LockRules rules(std::move(parsed), true);
  if (rules.empty()) return Ok();
  if (facts.object_lock == s3::Tri::kNo) {
    return Error{Code::kUnsupported,
                 "the bucket has no Object Lock, so that no rule can lock files: leave out "
                 "--lock-rule, or use a bucket made with Object Lock"};
  }
  const LockTerm& longest = *rules.longest();
  const s3::Lock descriptor{longest.mode, longest.period_s, false};
  if (!descriptor.Covers(DefaultLockOf(facts, 0))) {
    return Error{Code::kInvalid,
                 "the bucket's default retention locks for longer, or harder, than the longest of "
                 "the rules, which would lock the volume descriptor: make one at least as strict"};
  }
  if (longest.mode != "COMPLIANCE" || options_.yes) return Ok();
  const std::string question = "The volume descriptor will be locked in compliance mode for " +
                               PeriodInWords(longest.period_s) +
                               ", and nobody can undo this. Go on?";
  if (!console_.interactive) {
    return Error{Code::kInvalid, question + " Nobody can be asked: add --yes"};
  }
  if (Confirm(console_, question)) return Ok();
  return Error{Code::kInterrupted, "nothing was changed"};
}

Status VolumeInit::TakeKeys() {
  KeyOptions keys = options_.keys;
  if (!keys.any() && options_.new_recovery_key.empty()) {
    return Error{Code::kInvalid, "no key is named: --kms-key ARN, or --key-file FILE without KMS"};
  }
  if (!options_.new_recovery_key.empty()) {
    if (!keys.recovery_key.empty()) {
      return Error{Code::kInvalid, "--new-recovery-key and --recovery-key exclude each other"};
    }
    COFFER_TRY(MakeRecoveryKey(options_.new_recovery_key));
    made_recovery_key_ = true;
    keys.recovery_key = options_.new_recovery_key;
  }
  COFFER_ASSIGN(given_, NamedKeys(keys, arena_));
  for (const KeyMaterial& material : given_) descriptor_.keys.push_back(material.name);
  return CheckKeySet(descriptor_.keys, options_.no_recovery_key);
}

// What init does not try, the first file would find out.
Status VolumeInit::TryKeys() {
  const KeyWorkshop workshop{arena_,
                             [this](const std::string& key) { return kms_.MakeKeyring(key); }};
  COFFER_ASSIGN(
      trial_, fs::TryKeys(
                  descriptor_.keys, given_, workshop,
                  [this] { return connection_.clock().Steady(); }, DescriptorContext(descriptor_)));
  return ChooseHeader(trial_.encrypted);
}

Status VolumeInit::ChooseHeader(const std::vector<EncryptedDataKey>& encrypted) {
  COFFER_ASSIGN(const std::size_t needed, HeaderNeeded(descriptor_, encrypted));
  for (const std::uint32_t size : kHeaderSizes) {
    const bool named = options_.header_size == std::to_string(size);
    if (!options_.header_size.empty() && !named) continue;
    const std::size_t room = named ? kSmallestPad : kSmallestPad + kOneMoreKey;
    if (needed + room > size) continue;
    descriptor_.header_size = size;
    return Ok();
  }
  return Error{Code::kTooLarge, "keys and encryption context need a header of " +
                                    std::to_string(needed + kSmallestPad) +
                                    " bytes: name fewer keys, a shorter context, or another "
                                    "--header-size"};
}

Status VolumeInit::Write() {
  auto written =
      WriteDescriptor({connection_.store(), arena_, pool_, prefix(), connection_.server_time()},
                      descriptor_, *trial_.source, s3::Condition::Absent());
  if (!written && written.error().code == Code::kExists) {
    return Error{Code::kExists, "somebody else made a volume here just now"};
  }
  return written;
}

Status VolumeInit::Run(const s3::BucketFacts& facts, const std::string& state_directory) {
  COFFER_TRY(arena_.Usable());
  if (!arena_.locked()) console_.err << "coffer init: " << kUnlockedKeys << "\n";
  COFFER_ASSIGN(descriptor_.id, NewVolumeId());
  COFFER_ASSIGN(descriptor_.context, ParseUserContext(options_.encryption_context));
  for (const char* own : {"coffer", "vol", "kind"}) {
    if (descriptor_.context.contains(own)) {
      return Error{Code::kInvalid, std::string(own) + " in the encryption context is Coffer's own"};
    }
  }
  descriptor_.binding = BindingOf(options_.name_binding).value_or(BindingPolicy::kStrict);
  COFFER_TRY(CheckPlace());
  COFFER_TRY(TakeRules(facts));
  COFFER_TRY(TakeKeys());
  if (auto tried = TryKeys(); !tried) {
    ShowMissingStatement(tried.error(), descriptor_.keys, console_);
    return tried;
  }
  made_recovery_key_ = false;
  COFFER_TRY(Write());
  const std::string address = VolumeAddress(connection_);
  COFFER_TRY(SavePin(state_directory, {address, descriptor_.id, descriptor_.keys}));
  console_.out << "sealed volume " << descriptor_.id << ", sealed under\n";
  for (const KeyName& key : descriptor_.keys) console_.out << "  " << Describe(key) << "\n";
  for (const std::string& rule : descriptor_.lock_rules) {
    console_.out << "  lock rule " << Printable(rule) << "\n";
  }
  if (!options_.new_recovery_key.empty()) {
    console_.out << "The recovery key is " << options_.new_recovery_key
                 << ": keep it where this machine is not, and take it away from here.\n";
  }
  console_.out << "coffer mount --sealed=yes " << Printable(options_.volume.source) << " DIR\n";
  return Ok();
}

Status StartInit(const InitOptions& options, const Environment& environment, Console& console) {
  if (options.rebuild_descriptor) return RebuildDescriptor(options, environment, console);
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  COFFER_ASSIGN(const auto connection, Connection::Open(options.volume, environment, clock, *log));
  COFFER_ASSIGN(const Preflight preflight, connection->Check());
  for (const std::string& note : preflight.notes) console.err << "coffer init: " << note << "\n";
  VolumeInit init(options, *connection, console);
  return init.Run(preflight.facts, StateDirectory(options.volume, environment));
}

}  // namespace

int RunInit(const InitOptions& options, const Environment& environment, Console& console) {
  const Status done = StartInit(options, environment, console);
  if (done) return kExitOk;
  console.err << "coffer init: " << Printable(done.error().what) << "\n";
  return ExitCodeOf(done.error());
}

}  // namespace coffer::fs
