// Keys that are at hand already: a bounded, expiring KeySource in front of another one, with the
// rules of the AWS Encryption SDK's caching materials manager.
//
// A sealing key serves until its age, its messages or its bytes reach a limit. A message is counted
// when the key is taken, its bytes as they are reported by Used(): the last message may overshoot.
// An opening key serves by the exact list of encrypted data keys, the context and the key size. One
// call to the source at a time for what is the same; whoever asks meanwhile gets its result. A key
// about to end is renewed beside the callers, who go on with the old one. What did not unwrap is
// not asked again for max_age. A key that was made for sealing opens its own messages.
//
// Borrows its source, which outlives it. Safe to share between threads; holds no lock while the
// source is asked.

#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "crypto/digest.h"
#include "crypto/key_source.h"

namespace coffer {

// Zero for max_age turns all caching off; for max_messages or max_bytes, that of sealing keys; for
// max_entries, that of opening keys. Every request is then a call of its own.
struct KeyCacheLimits {
  std::chrono::nanoseconds max_age = std::chrono::seconds(300);
  std::uint64_t max_messages = 1'000;
  std::uint64_t max_bytes = std::uint64_t{64} << 30;
  std::size_t max_entries = 16'384;  // opening keys; the SecretArena needs room for them
  // Before the end of its age a key is renewed; at most a tenth of max_age counts.
  std::chrono::nanoseconds grace = std::chrono::seconds(10);
};

// Time and somebody who runs a task beside the callers. `submit` is called without a lock, and may
// be empty: then keys are renewed only when they have ended. It must not be the caller who runs the
// task as a rule, for a service that is down takes minutes to fail. Tasks refer to the cache:
// whoever runs them ends before it does.
struct KeyCacheParties {
  std::function<std::chrono::steady_clock::time_point()> now;
  std::function<void(std::function<void()>)> submit;
};

struct KeyCacheCounts {
  struct Side {
    std::uint64_t hits = 0;
    std::uint64_t coalesced = 0;  // waited for the call of another
    std::uint64_t calls = 0;      // to the source, renewals among them
    std::uint64_t failures = 0;   // of the calls
    std::uint64_t renewals = 0;   // calls made before the old key had ended
  };
  Side sealing;
  Side opening;
  std::uint64_t refused = 0;  // answered from the memory of a failure
  std::uint64_t evicted = 0;  // opening keys that made room for others
  std::size_t entries = 0;    // opening keys and failures remembered now
};

class KeyCache : public KeySource {
 public:
  KeyCache(KeySource& source, KeyCacheLimits limits, KeyCacheParties parties);
  ~KeyCache() override;
  KeyCache(const KeyCache&) = delete;
  KeyCache& operator=(const KeyCache&) = delete;

  // Fail as the source does, which they block on only without a key at hand.
  Result<DataKeyPtr> ForSealing(const EncryptionContext& context) override;
  Result<DataKeyPtr> ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                const EncryptionContext& context, std::size_t size) override;
  void Used(const DataKeyPtr& key, std::uint64_t bytes) override;

  KeyCacheCounts Counts() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Lock = std::unique_lock<std::mutex>;
  using Ask = std::function<Result<DataKeyPtr>()>;
  using Id = Sha256Digest;
  struct Flight;
  struct Slot;
  class Landing;
  using SlotPtr = std::shared_ptr<Slot>;

  // All of these want mu_ held.
  bool Fresh(SteadyTime born, SteadyTime now) const;
  bool Serves(const Slot& slot, SteadyTime now) const;
  bool RunsLow(const Slot& slot, SteadyTime now) const;
  SlotPtr SealingSlot(const EncryptionContext& context);
  SlotPtr OpeningSlot(const Id& id);
  void DropExpired(SteadyTime now);
  void Drop(const Id& id);  // one that is there
  // Lets half of the opening keys go when the arena is full; false when there are none.
  bool MakeRoom();
  DataKeyPtr TakeSealing(Slot& slot);
  void KeepSealing(Slot& slot, const DataKeyPtr& key, const EncryptionContext& context);
  void KeepOpening(Slot& slot, const Id& id, const Result<DataKeyPtr>& got);
  std::optional<Result<DataKeyPtr>> AnswerOpening(Slot& slot);
  // These let go of it meanwhile.
  Result<DataKeyPtr> Wait(Lock& lock, Slot& slot, KeyCacheCounts::Side& side);
  Result<DataKeyPtr> Call(Lock& lock, Slot& slot, KeyCacheCounts::Side& side, const Ask& ask);
  Result<DataKeyPtr> FetchSealing(Lock& lock, Slot& slot, const EncryptionContext& context);
  Result<DataKeyPtr> FetchOpening(Lock& lock, Slot& slot, const Id& id,
                                  const std::vector<EncryptedDataKey>& encrypted,
                                  const EncryptionContext& context, std::size_t size);
  void Renew(Lock& lock, const SlotPtr& slot, KeyCacheCounts::Side& side,
             std::function<void(Lock&)> fetch);

  KeySource& source_;
  const KeyCacheLimits limits_;
  const KeyCacheParties parties_;

  mutable std::mutex mu_;  // guards all below; never held while the source is asked
  std::map<EncryptionContext, SlotPtr> sealing_;
  std::map<Id, SlotPtr> opening_;
  std::list<Id> by_use_;  // of opening_, the last used first
  std::uint64_t uses_ = 0;
  KeyCacheCounts counts_;
};

}  // namespace coffer
