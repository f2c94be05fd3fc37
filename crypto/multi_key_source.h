// A KeySource of several keys: each message carries its data key wrapped by all of them, and any of
// them opens it.
//
// The first generates, the others wrap. What one of them cannot wrap is not sealed: a message that
// lacks a key of its volume would be lost with the other keys. The keys given here are the
// allow-list: an encrypted data key that names another one is never tried, whatever the bucket
// says.
//
// Owns its keyrings. Safe to share between threads.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "crypto/header.h"
#include "crypto/key_refusals.h"
#include "crypto/key_source.h"
#include "crypto/keyring.h"

namespace coffer {

// What one key was asked, since the start.
struct KeyringCounts {
  std::string name;
  std::uint64_t generated = 0;  // requests, whether they succeeded or not
  std::uint64_t wrapped = 0;
  std::uint64_t unwrapped = 0;
  std::uint64_t failures = 0;    // of all of them
  std::uint64_t left_alone = 0;  // not asked, because it has just refused the same
};

class MultiKeySource : public KeySource {
 public:
  using Now = std::function<std::chrono::steady_clock::time_point()>;

  // What a message may make us do: both bound the requests that a hostile header costs.
  static constexpr std::size_t kMaxEncryptedKeys = 8;
  static constexpr int kMaxTries = 4;

  MultiKeySource(std::vector<std::unique_ptr<Keyring>> keyrings, Now now);
  ~MultiKeySource() override;

  // Fails as the first keyring that does.
  Result<DataKeyPtr> ForSealing(const EncryptionContext& context) override;

  // kNotPermitted over kMaxEncryptedKeys; kKeyMissing when none names a key of ours. When all tries
  // failed, the failure that leaves most hope: one that may pass, then denied, disabled, missing,
  // and kCorrupt only when every one was that can open at all.
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext& context, std::size_t size) override;

  std::vector<KeyringCounts> Counts() const;

 private:
  struct Member;
  struct Wanted {
    const EncryptionContext& context;
    std::size_t size;
  };
  std::vector<Member*> OwnersOf(const EncryptedDataKey& encrypted) const;
  Result<Secret> Unwrap(Member& owner, const EncryptedDataKey& encrypted, const Wanted& wanted,
                        int& tries);

  const Now now_;
  std::vector<std::unique_ptr<Member>> members_;
};

// Each encrypted data key may cost a call to KMS, and anybody who can write to the bucket chooses
// them.
inline constexpr HeaderLimits kHeaderLimits{.max_encrypted_data_keys =
                                                MultiKeySource::kMaxEncryptedKeys};

}  // namespace coffer
