#include "fs/key_set.h"

#include <algorithm>
#include <utility>

#include "crypto/aes_key_file.h"
#include "crypto/openssl.h"
#include "crypto/raw_aes_keyring.h"
#include "crypto/raw_rsa_keyring.h"
#include "fs/private_file.h"
#include "s3client/local_file.h"

namespace coffer::fs {

bool SameKey(const KeyName& a, const KeyName& b) {
  return a.kind == b.kind && a.provider == b.provider && a.name == b.name;
}

namespace {

constexpr const char* kOwnNamespace = "coffer";
constexpr const char* kRecoveryNamespace = "coffer-recovery";
constexpr RsaPadding kRecoveryPadding = RsaPadding::kOaepSha256;

// A secret that was read into ordinary memory, wiped when it goes.
class WipedText {
 public:
  explicit WipedText(std::string text) : text_(std::move(text)) {}
  ~WipedText() { Wipe(std::as_writable_bytes(std::span(text_.data(), text_.size()))); }
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

Result<Secret> ReadAesKey(const std::string& path, SecretArena& arena) {
  COFFER_ASSIGN(std::string content, s3::ReadSecretFile(path));
  const WipedText text(std::move(content));
  auto key = ParseAesKeyFile(text.text(), arena);
  if (!key) return std::move(key).error().While(path);
  return key;
}

// A public half is no secret, so its file may be open to all.
Result<RsaKey> ReadRsaKey(const std::string& path) {
  COFFER_ASSIGN(auto file, s3::ReadLocalFile(path));
  if (!file) return Error{Code::kInvalid, "there is no file " + path};
  const WipedText text(std::move(file->text));
  auto key = RsaKey::FromPem(text.text());
  if (!key) return std::move(key).error().While(path);
  if (key->is_private() && file->others_can_read) {
    return Error{Code::kDenied, path + " is a private key that others can read: chmod 600 " + path};
  }
  return key;
}

// "NAMESPACE/NAME" or "NAMESPACE/NAME:PADDING", and "=FILE".
struct NamedFile {
  KeyName name;
  std::string path;
};

Error BadForm(const std::string& option, const std::string& form, const std::string& value) {
  return {Code::kInvalid, option + " wants " + form + ", not " + value};
}

Result<NamedFile> ParseNamedFile(const std::string& value, KeyName::Kind kind) {
  const bool rsa = kind == KeyName::Kind::kRsa;
  const Error bad = rsa ? BadForm("--rsa-key", "NAMESPACE/NAME:PADDING=FILE", value)
                        : BadForm("--aes-key", "NAMESPACE/NAME=FILE", value);
  const std::size_t equals = value.find('=');
  const std::size_t slash = value.find('/');
  if (equals == value.npos || slash == value.npos || slash > equals || equals + 1 == value.size()) {
    return bad;
  }
  NamedFile named;
  named.name.kind = kind;
  named.path = value.substr(equals + 1);
  std::string name = value.substr(slash + 1, equals - slash - 1);
  if (rsa) {
    const std::size_t colon = name.rfind(':');
    if (colon == name.npos) return bad;
    named.name.padding = name.substr(colon + 1);
    COFFER_TRY(ParseRsaPadding(named.name.padding));
    name.resize(colon);
  }
  named.name.provider = value.substr(0, slash);
  named.name.name = std::move(name);
  if (named.name.provider.empty() || named.name.name.empty()) return bad;
  return named;
}

Result<KeyMaterial> AesMaterial(const std::string& path, SecretArena& arena) {
  COFFER_ASSIGN(const Secret key, ReadAesKey(path, arena));
  return KeyMaterial{{KeyName::Kind::kAes, kOwnNamespace, AesKeyId(key), "", ""}, path, {}};
}

Result<KeyMaterial> RecoveryMaterial(const std::string& path) {
  COFFER_ASSIGN(RsaKey key, ReadRsaKey(path));
  KeyName name{KeyName::Kind::kRsa, kRecoveryNamespace, "", std::string(Name(kRecoveryPadding)),
               ""};
  COFFER_ASSIGN(name.name, key.Id());
  COFFER_ASSIGN(name.public_key, key.PublicPem());
  return KeyMaterial{std::move(name), "", std::move(key)};
}

Result<KeyMaterial> RsaMaterial(const std::string& value) {
  COFFER_ASSIGN(NamedFile named, ParseNamedFile(value, KeyName::Kind::kRsa));
  COFFER_ASSIGN(RsaKey key, ReadRsaKey(named.path));
  COFFER_ASSIGN(named.name.public_key, key.PublicPem());
  return KeyMaterial{std::move(named.name), "", std::move(key)};
}

// A private half, where there are both.
const KeyMaterial* MaterialOf(const std::vector<KeyMaterial>& given, const KeyName& name) {
  const KeyMaterial* found = nullptr;
  for (const KeyMaterial& material : given) {
    if (!SameKey(material.name, name)) continue;
    if (found == nullptr || (material.rsa && material.rsa->is_private())) found = &material;
  }
  return found;
}

Result<std::unique_ptr<Keyring>> MakeAes(const KeyName& name, const KeyMaterial* material,
                                         SecretArena& arena) {
  if (material == nullptr) {
    return Error{Code::kKeyMissing, "the volume is also sealed under the " + Describe(name) +
                                        ": name its file by --key-file or --aes-key"};
  }
  COFFER_ASSIGN(Secret key, ReadAesKey(material->aes, arena));
  COFFER_ASSIGN(auto ring, RawAesKeyring::Make({name.provider, name.name}, std::move(key), arena));
  return std::unique_ptr<Keyring>(std::move(ring));
}

Result<std::unique_ptr<Keyring>> MakeRsa(const KeyName& name, const KeyMaterial* material,
                                         SecretArena& arena) {
  COFFER_ASSIGN(const RsaPadding padding, ParseRsaPadding(name.padding));
  std::optional<RsaKey> key;
  if (material != nullptr) {
    key = material->rsa->Copy();
  } else {
    COFFER_ASSIGN(key, RsaKey::FromPem(name.public_key));
  }
  COFFER_ASSIGN(auto ring,
                RawRsaKeyring::Make({name.provider, name.name}, std::move(*key), padding, arena));
  return std::unique_ptr<Keyring>(std::move(ring));
}

}  // namespace

Result<std::vector<KeyMaterial>> NamedKeys(const KeyOptions& options, SecretArena& arena) {
  std::vector<KeyMaterial> all;
  for (const std::string& key : options.kms_keys) {
    all.push_back({{KeyName::Kind::kKms, "aws-kms", key, "", ""}, "", {}});
  }
  if (!options.key_file.empty()) {
    COFFER_ASSIGN(KeyMaterial material, AesMaterial(options.key_file, arena));
    all.push_back(std::move(material));
  }
  for (const std::string& value : options.aes_keys) {
    COFFER_ASSIGN(NamedFile named, ParseNamedFile(value, KeyName::Kind::kAes));
    COFFER_TRY(ReadAesKey(named.path, arena));
    all.push_back({std::move(named.name), std::move(named.path), {}});
  }
  for (const std::string& value : options.rsa_keys) {
    COFFER_ASSIGN(KeyMaterial material, RsaMaterial(value));
    all.push_back(std::move(material));
  }
  for (const std::string& path : {options.recovery_key, options.recovery_private_key}) {
    if (path.empty()) continue;
    COFFER_ASSIGN(KeyMaterial material, RecoveryMaterial(path));
    all.push_back(std::move(material));
  }
  return all;
}

Result<LocalKeys> ReadLocalKeys(const KeyOptions& options, SecretArena& arena) {
  COFFER_ASSIGN(std::vector<KeyMaterial> named, NamedKeys(options, arena));
  LocalKeys keys;
  for (KeyMaterial& material : named) {
    if (material.rsa) keys.rsa.push_back(std::move(*material.rsa));
    if (material.aes.empty()) continue;
    COFFER_ASSIGN(Secret key, ReadAesKey(material.aes, arena));
    keys.aes.push_back(std::move(key));
  }
  return keys;
}

Status MakeRecoveryKey(const std::string& path) {
  COFFER_ASSIGN(std::string content, RsaKey::NewPrivatePem());
  const WipedText pem(std::move(content));
  auto file = PrivateFile::Create(path);
  if (!file && file.error().code == Code::kExists) {
    return Error{Code::kExists, path + " exists: a key is never overwritten"};
  }
  if (!file) return std::move(file).error();
  COFFER_TRY(file->Append(AsBytes(pem.text())));
  COFFER_TRY(file->Sync());
  const std::size_t slash = path.rfind('/');
  return SyncDirectory(slash == path.npos ? "." : path.substr(0, slash + 1));
}

Result<std::vector<std::unique_ptr<Keyring>>> MakeKeyrings(const std::vector<KeyName>& wanted,
                                                           const std::vector<KeyMaterial>& given,
                                                           const KeyWorkshop& workshop) {
  std::vector<std::unique_ptr<Keyring>> rings;
  for (const KeyName& name : wanted) {
    std::unique_ptr<Keyring> ring;
    if (name.kind == KeyName::Kind::kKms) {
      COFFER_ASSIGN(ring, workshop.kms(name.name));
    } else if (name.kind == KeyName::Kind::kAes) {
      COFFER_ASSIGN(ring, MakeAes(name, MaterialOf(given, name), workshop.arena));
    } else {
      COFFER_ASSIGN(ring, MakeRsa(name, MaterialOf(given, name), workshop.arena));
    }
    rings.push_back(std::move(ring));
  }
  return rings;
}

}  // namespace coffer::fs
