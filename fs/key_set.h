// The keys that options and volume descriptors name, as keyrings: files are read, KMS keys get
// their client.
//
// Blocks on the local disk, and on KMS only where a maker does.

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/keyring.h"
#include "crypto/result.h"
#include "crypto/rsa_key.h"
#include "crypto/secret.h"
#include "fs/key_options.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {

// A key at hand: what it is called, and for local keys the key itself.
struct KeyMaterial {
  KeyName name;
  std::string aes;            // path of the file
  std::optional<RsaKey> rsa;  // either half
};

// The same key, whatever else is known of it?
bool SameKey(const KeyName& a, const KeyName& b);

// The keyring of a KMS key, by ARN, id or alias.
using KmsMaker = std::function<Result<std::unique_ptr<Keyring>>(const std::string& key)>;

struct KeyWorkshop {
  SecretArena& arena;
  KmsMaker kms;
};

// What the options name, in this order: KMS, AES, RSA; the recovery key is the last. kInvalid for a
// value that is none, with its form; kDenied for a file that others may read.
Result<std::vector<KeyMaterial>> NamedKeys(const KeyOptions& options, SecretArena& arena);

// The local keys that the options name, for formats in which their names mean nothing.
struct LocalKeys {
  std::vector<Secret> aes;
  std::vector<RsaKey> rsa;  // either half
};
// As NamedKeys.
Result<LocalKeys> ReadLocalKeys(const KeyOptions& options, SecretArena& arena);

// --new-recovery-key: a fresh RSA key of 4,096 bits in a file that must not exist yet, 0600 and on
// the disk when this returns.
Status MakeRecoveryKey(const std::string& path);

// The keyrings of `wanted`, with material from `given` where it is not in the name itself: an AES
// key has to be given, an RSA key seals with the public half that its name carries, and opens with
// a private half that was given. kKeyMissing, naming the option, for an AES key that was not.
Result<std::vector<std::unique_ptr<Keyring>>> MakeKeyrings(const std::vector<KeyName>& wanted,
                                                           const std::vector<KeyMaterial>& given,
                                                           const KeyWorkshop& workshop);

}  // namespace coffer::fs
