// Whether a set of keys makes a volume that can be written, read and recovered: what init, a change
// of keys and a rebuilt descriptor find out before they write anything.
//
// TryKeys blocks on KMS, all else is pure. Called by the main thread.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/multi_key_source.h"
#include "crypto/result.h"
#include "fs/console.h"
#include "fs/key_set.h"
#include "fs/volume_descriptor.h"

namespace coffer::fs {

// Mounts accept so many encrypted data keys, of which coffer-pad is one.
inline constexpr std::size_t kMostKeys = MultiKeySource::kMaxEncryptedKeys - 1;
// What coffer-pad takes of a header at least.
inline constexpr std::size_t kSmallestPad = 19;

struct KeyTrial {
  std::unique_ptr<MultiKeySource> source;
  std::vector<EncryptedDataKey> encrypted;  // a data key, wrapped by all, in the order of the keys
};

// A data key made by the first of `names`, wrapped by the others, and unwrapped by each that can.
// An alias among them becomes the ARN that KMS returned. Fails as the key that does.
Result<KeyTrial> TryKeys(std::vector<KeyName>& names, const std::vector<KeyMaterial>& given,
                         const KeyWorkshop& workshop, const MultiKeySource::Now& now,
                         const EncryptionContext& context);

// Where KMS refused: on `out`, ready to be pasted, the statement that the key's policy lacks.
void ShowMissingStatement(const Error& error, const std::vector<KeyName>& names, Console& console);

// May a volume have these keys? kInvalid for none, for too many, for one that stands twice, for RSA
// keys alone (it could only be read), and for one KMS key and nothing else unless that is meant.
Status CheckKeySet(const std::vector<KeyName>& keys, bool no_recovery_key);

// What the descriptor's header takes with such keys, coffer-pad left out. kTooLarge over the
// format's limits.
Result<std::size_t> HeaderNeeded(const VolumeDescriptor& descriptor,
                                 const std::vector<EncryptedDataKey>& encrypted);

}  // namespace coffer::fs
