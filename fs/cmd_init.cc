#include "fs/cmd_init.h"

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/header.h"
#include "crypto/multi_key_source.h"
#include "crypto/openssl.h"
#include "crypto/rsa_key.h"
#include "fs/connection.h"
#include "fs/exit_code.h"
#include "fs/findings.h"
#include "fs/key_pins.h"
#include "fs/key_set.h"
#include "fs/kms_access.h"
#include "fs/log.h"
#include "fs/policy_hint.h"
#include "fs/private_file.h"
#include "fs/sealed_access.h"
#include "fs/sealed_mount.h"
#include "fs/sealed_store.h"
#include "fs/user_context.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kSecrets = 256;
constexpr std::size_t kThreads = 2;
constexpr std::array<std::uint32_t, 4> kHeaderSizes = {1024, 2048, 4096, 8192};
// Room for one more key, as large as they come: RSA of 4,096 bits under a long name.
constexpr std::size_t kOneMoreKey = 550;
constexpr std::size_t kSmallestPad = 19;
// Mounts accept so many encrypted data keys, of which coffer-pad is one.
constexpr std::size_t kMostKeys = MultiKeySource::kMaxEncryptedKeys - 1;

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

class Init {
 public:
  Init(const InitOptions& options, Connection& connection, Console& console)
      : options_(options),
        connection_(connection),
        console_(console),
        arena_(kSecrets, options.keys.require_mlock),
        kms_(connection.network(),
             {connection.target().region, options.volume.address.fips, Patience::kQuick},
             options.keys, arena_) {}

  ~Init() {
    if (made_recovery_key_) (void)RemoveFile(options_.new_recovery_key);
  }
  Init(const Init&) = delete;
  Init& operator=(const Init&) = delete;

  Status Run(const std::string& state_directory);

 private:
  Status CheckPlace();
  Status TakeKeys();
  Status CheckRecovery() const;
  Status TryKeys();
  Status ChooseHeader(const std::vector<EncryptedDataKey>& encrypted);
  Status Write(MultiKeySource& keys);

  const std::string& prefix() const { return connection_.target().key_prefix; }

  const InitOptions& options_;
  Connection& connection_;
  Console& console_;
  SecretArena arena_;
  KmsAccess kms_;
  WorkerPool pool_{kThreads};
  VolumeDescriptor descriptor_;
  std::vector<KeyMaterial> given_;
  std::unique_ptr<MultiKeySource> source_;
  bool made_recovery_key_ = false;  // and nothing was sealed under it yet
};

Status Init::CheckPlace() {
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
                     "). They would be refused in a sealed volume: choose another prefix, or say "
                     "--allow-non-empty"};
  }
  console_.err << "coffer init: what is here already will be refused (EBADMSG) until it is written "
                  "again through a mount\n";
  return Ok();
}

// The last line of defence when the KMS key is gone: not to have one must be said.
Status Init::CheckRecovery() const {
  const bool only_rsa =
      std::all_of(descriptor_.keys.begin(), descriptor_.keys.end(),
                  [](const KeyName& key) { return key.kind == KeyName::Kind::kRsa; });
  if (only_rsa) {
    return Error{Code::kInvalid,
                 "RSA keys alone make a volume that can only be read: add --kms-key or --key-file"};
  }
  std::size_t kms = 0;
  for (const KeyName& key : descriptor_.keys) kms += key.kind == KeyName::Kind::kKms ? 1 : 0;
  const bool only_one = kms == 1 && descriptor_.keys.size() == 1;
  if (!only_one || options_.no_recovery_key) return Ok();
  return Error{Code::kInvalid,
               "with one KMS key and nothing else, all files are lost with the key. Add "
               "--new-recovery-key FILE (and keep FILE elsewhere), --recovery-key PUB.pem or a "
               "second --kms-key, or say --no-recovery-key"};
}

Status Init::TakeKeys() {
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
  if (descriptor_.keys.size() > kMostKeys) {
    return Error{Code::kInvalid, "a volume has at most " + std::to_string(kMostKeys) + " keys"};
  }
  return CheckRecovery();
}

// A data key made, wrapped by all and unwrapped by each that can: what init does not try, the first
// file would find out.
Status Init::TryKeys() {
  const KeyWorkshop workshop{arena_,
                             [this](const std::string& key) { return kms_.MakeKeyring(key); }};
  const auto now = [this] { return connection_.clock().Steady(); };
  const EncryptionContext context = DescriptorContext(descriptor_);
  COFFER_ASSIGN(auto rings, MakeKeyrings(descriptor_.keys, given_, workshop));
  std::vector<std::unique_ptr<Keyring>> singles;
  COFFER_ASSIGN(singles, MakeKeyrings(descriptor_.keys, given_, workshop));
  source_ = std::make_unique<MultiKeySource>(std::move(rings), now);
  COFFER_ASSIGN(const DataKeyPtr made, source_->ForSealing(context));
  for (std::size_t i = 0; i < singles.size(); ++i) {
    KeyName& name = descriptor_.keys[i];
    const auto opened = singles[i]->Unwrap(made->encrypted[i], context, made->key.size());
    const bool only_seals = !opened && opened.error().code == Code::kUnsupported;
    if (!opened && !only_seals) return Error(opened.error()).While("try " + Describe(name));
    if (name.kind == KeyName::Kind::kKms) name.name = made->encrypted[i].info;  // an alias's key
  }
  return ChooseHeader(made->encrypted);
}

Status Init::ChooseHeader(const std::vector<EncryptedDataKey>& encrypted) {
  Header header;
  header.message_id.resize(header.suite.message_id_size());
  header.context = DescriptorContext(descriptor_);  // one pair more than files have
  header.encrypted = encrypted;
  header.frame_size = descriptor_.frame_size;
  COFFER_ASSIGN(const std::size_t needed, HeaderSize(header));
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

Status Init::Write(MultiKeySource& keys) {
  COFFER_ASSIGN(const Layout layout, Layout::Make(descriptor_.header_size, descriptor_.frame_size));
  const SealedStore::Parts parts{connection_.store(), keys, arena_, pool_};
  const SealedVolume volume{
      descriptor_.id,         prefix(), layout, DescriptorContext(descriptor_),
      BindingPolicy::kStrict, true};
  SealedStore store(parts, volume);
  const std::string key = prefix() + std::string(kDescriptorName);
  s3::NewObject object;
  object.condition = s3::Condition::Absent();
  object.headers.content_type = "application/octet-stream";
  auto written = store.Put(key, AsBytes(ToText(descriptor_)), object);
  if (!written && written.error().code == Code::kExists) {
    return Error{Code::kExists, "somebody else made a volume here just now"};
  }
  if (!written) return std::move(written).error();
  // Read back as a mount will, by a store that has not seen it yet.
  SealedStore reader(parts, volume);
  COFFER_ASSIGN(const s3::Fetched fetched, reader.Get(key, {0, 1u << 20}, {.etag = written->etag}));
  COFFER_TRY(ParseDescriptor(AsText(fetched.body)));
  return Ok();
}

Status Init::Run(const std::string& state_directory) {
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
  COFFER_TRY(TakeKeys());
  if (auto tried = TryKeys(); !tried) {
    if (tried.error().code == Code::kDenied && !options_.keys.kms_keys.empty()) {
      console_.err << "coffer init: the key's policy, or one of the caller, lacks this:\n";
      console_.out << ToText(KmsStatement(options_.keys.kms_keys.front(),
                                          {"kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"}))
                   << "\n";
    }
    return tried;
  }
  made_recovery_key_ = false;
  COFFER_TRY(Write(*source_));
  const std::string address = VolumeAddress(connection_);
  COFFER_TRY(SavePin(state_directory, {address, descriptor_.id, descriptor_.keys}));
  console_.out << "sealed volume " << descriptor_.id << ", sealed under\n";
  for (const KeyName& key : descriptor_.keys) console_.out << "  " << Describe(key) << "\n";
  if (!options_.new_recovery_key.empty()) {
    console_.out << "The recovery key is " << options_.new_recovery_key
                 << ": keep it where this machine is not, and take it away from here.\n";
  }
  console_.out << "coffer mount --sealed=yes " << Printable(options_.volume.source) << " DIR\n";
  return Ok();
}

Status Start(const InitOptions& options, const Environment& environment, Console& console) {
  COFFER_TRY(HideProcessMemory());
  s3::SystemClock clock;
  COFFER_ASSIGN(const auto log, Log::Open({}, clock));
  log->ReportRequests(false);
  COFFER_ASSIGN(const auto connection, Connection::Open(options.volume, environment, clock, *log));
  COFFER_ASSIGN(const Preflight preflight, connection->Check());
  for (const std::string& note : preflight.notes) console.err << "coffer init: " << note << "\n";
  Init init(options, *connection, console);
  return init.Run(StateDirectory(options.volume, environment));
}

}  // namespace

int RunInit(const InitOptions& options, const Environment& environment, Console& console) {
  const Status done = Start(options, environment, console);
  if (done) return kExitOk;
  console.err << "coffer init: " << Printable(done.error().what) << "\n";
  return ExitCodeOf(done.error());
}

}  // namespace coffer::fs
