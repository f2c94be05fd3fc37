#include "crypto/key_cache.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace coffer {
namespace {

using std::chrono::nanoseconds;

// A volume has two contexts: of its objects and of its descriptor.
constexpr std::size_t kMaxContexts = 16;
// After a renewal that failed.
constexpr nanoseconds kPauseBetweenRenewals = std::chrono::seconds(1);

bool CachesSealing(const KeyCacheLimits& limits) {
  // A key of one message leaves nothing to share, and callers would queue for it.
  return limits.max_age.count() > 0 && limits.max_messages > 1 && limits.max_bytes > 0;
}
bool CachesOpening(const KeyCacheLimits& limits) {
  return limits.max_age.count() > 0 && limits.max_entries > 0;
}

void Add(Sha256Stream& digest, std::uint64_t number) {
  std::array<std::byte, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(number >> (8 * i));
  }
  digest.Update(bytes);
}
void Add(Sha256Stream& digest, std::string_view text) {
  Add(digest, text.size());
  digest.Update(AsBytes(text));
}

// Lists in another order are other messages: callers get back the list that they gave.
Sha256Digest OpeningId(const std::vector<EncryptedDataKey>& encrypted,
                       const EncryptionContext& context, std::size_t size) {
  Sha256Stream digest;
  Add(digest, size);
  Add(digest, encrypted.size());
  for (const EncryptedDataKey& one : encrypted) {
    Add(digest, one.provider);
    Add(digest, one.info);
    Add(digest, one.ciphertext);
  }
  for (const auto& [name, value] : context) {
    Add(digest, name);
    Add(digest, value);
  }
  return digest.Finish();
}

bool MostOf(std::uint64_t used, std::uint64_t limit) {
  return limit > 0 && used >= limit - limit / 10;
}

}  // namespace

// One call to the source, and those who wait for it.
struct KeyCache::Flight {
  std::condition_variable landed;
  std::optional<Result<DataKeyPtr>> result;
};

// What is known under one context, or of one list of encrypted data keys.
struct KeyCache::Slot {
  DataKeyPtr key;
  SteadyTime born;
  std::uint64_t messages = 0;  // sealing
  std::uint64_t bytes = 0;     // sealing
  DataKeyPtr spare;            // sealing: takes over when `key` has ended
  SteadyTime spare_born;
  std::optional<Error> refusal;  // opening
  SteadyTime refused_until;
  std::shared_ptr<Flight> flight;  // under way now
  bool renewal_queued = false;
  SteadyTime next_renewal;      // not before
  std::list<Id>::iterator use;  // opening: where it stands in by_use_
  std::uint64_t used_at = 0;    // sealing: when it was last taken, by uses_
};

// Ends a flight whatever happens to the call: those who wait must wake up.
class KeyCache::Landing {
 public:
  Landing(Lock& lock, Slot& slot) : lock_(lock), slot_(slot), flight_(std::make_shared<Flight>()) {
    slot_.flight = flight_;
  }
  ~Landing() {
    if (!lock_.owns_lock()) lock_.lock();
    if (!flight_->result) flight_->result = Error{Code::kNoMemory, "no memory to ask for a key"};
    slot_.flight.reset();
    flight_->landed.notify_all();
  }
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;

  void Tell(const Result<DataKeyPtr>& result) { flight_->result = result; }

 private:
  Lock& lock_;
  Slot& slot_;
  const std::shared_ptr<Flight> flight_;
};

KeyCache::KeyCache(KeySource& source, KeyCacheLimits limits, KeyCacheParties parties)
    : source_(source), limits_(limits), parties_(std::move(parties)) {}

KeyCache::~KeyCache() = default;

bool KeyCache::Fresh(SteadyTime born, SteadyTime now) const {
  return now - born <= limits_.max_age;
}

// Whether one more message may be sealed. Its size is not known yet, so it counts as nothing.
bool KeyCache::Serves(const Slot& slot, SteadyTime now) const {
  return slot.key && Fresh(slot.born, now) && slot.messages < limits_.max_messages &&
         slot.bytes <= limits_.max_bytes;
}

bool KeyCache::RunsLow(const Slot& slot, SteadyTime now) const {
  const nanoseconds grace = std::min(limits_.grace, limits_.max_age / 10);
  if (slot.flight || slot.renewal_queued || slot.spare || now < slot.next_renewal) return false;
  return now - slot.born > limits_.max_age - grace || MostOf(slot.messages, limits_.max_messages) ||
         MostOf(slot.bytes, limits_.max_bytes);
}

KeyCache::SlotPtr KeyCache::SealingSlot(const EncryptionContext& context) {
  const auto found = sealing_.find(context);
  if (found != sealing_.end()) {
    found->second->used_at = ++uses_;
    return found->second;
  }
  if (sealing_.size() >= kMaxContexts) {
    sealing_.erase(std::min_element(
        sealing_.begin(), sealing_.end(),
        [](const auto& a, const auto& b) { return a.second->used_at < b.second->used_at; }));
  }
  auto slot = std::make_shared<Slot>();
  slot->used_at = ++uses_;
  sealing_.emplace(context, slot);
  return slot;
}

KeyCache::SlotPtr KeyCache::OpeningSlot(const Id& id) {
  const auto found = opening_.find(id);
  if (found != opening_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, found->second->use);
    return found->second;
  }
  DropExpired(parties_.now());
  while (opening_.size() >= limits_.max_entries) {
    ++counts_.evicted;
    Drop(by_use_.back());
  }
  auto slot = std::make_shared<Slot>();
  by_use_.push_front(id);
  slot->use = by_use_.begin();
  opening_.emplace(id, slot);
  return slot;
}

// Keys do not stay in memory for longer than they serve, as far as this can be told from the end of
// the list, where those are that nobody asks for.
void KeyCache::DropExpired(SteadyTime now) {
  while (!by_use_.empty()) {
    const Slot& last = *opening_.at(by_use_.back());
    const bool serves = (last.key && Fresh(last.born, now)) || now < last.refused_until;
    if (serves || last.flight) return;
    Drop(by_use_.back());
  }
}

void KeyCache::Drop(const Id& id) {
  const auto found = opening_.find(id);
  const auto use = found->second->use;
  opening_.erase(found);
  by_use_.erase(use);
}

bool KeyCache::MakeRoom() {
  const std::size_t half = (opening_.size() + 1) / 2;
  for (std::size_t i = 0; i < half; ++i) Drop(by_use_.back());
  counts_.evicted += half;
  return half > 0;
}

Result<DataKeyPtr> KeyCache::Wait(Lock& lock, Slot& slot, KeyCacheCounts::Side& side) {
  ++side.coalesced;
  const std::shared_ptr<Flight> flight = slot.flight;
  flight->landed.wait(lock, [&] { return flight->result.has_value(); });
  return *flight->result;
}

Result<DataKeyPtr> KeyCache::Call(Lock& lock, Slot& slot, KeyCacheCounts::Side& side,
                                  const Ask& ask) {
  ++side.calls;
  lock.unlock();
  auto got = ask();
  lock.lock();
  if (!got && got.error().code == Code::kNoMemory && MakeRoom()) {
    ++side.calls;
    lock.unlock();
    got = ask();
    lock.lock();
  }
  if (!got) {
    ++side.failures;
    slot.next_renewal = parties_.now() + kPauseBetweenRenewals;
  }
  return got;
}

DataKeyPtr KeyCache::TakeSealing(Slot& slot) {
  const SteadyTime now = parties_.now();
  if (!Serves(slot, now)) {
    slot.key = std::exchange(slot.spare, nullptr);
    slot.born = slot.spare_born;
    slot.messages = 0;
    slot.bytes = 0;
    if (!Serves(slot, now)) slot.key.reset();
  }
  if (slot.key) ++slot.messages;
  return slot.key;
}

void KeyCache::KeepSealing(Slot& slot, const DataKeyPtr& key, const EncryptionContext& context) {
  slot.spare = key;
  slot.spare_born = parties_.now();
  if (!CachesOpening(limits_)) return;
  const Id id = OpeningId(key->encrypted, context, key->key.size());
  const SlotPtr opening = OpeningSlot(id);
  opening->key = key;
  opening->born = slot.spare_born;
}

Result<DataKeyPtr> KeyCache::FetchSealing(Lock& lock, Slot& slot,
                                          const EncryptionContext& context) {
  Landing landing(lock, slot);
  auto got = Call(lock, slot, counts_.sealing, [&] { return source_.ForSealing(context); });
  if (got) KeepSealing(slot, *got, context);
  landing.Tell(got);
  return got;
}

Result<DataKeyPtr> KeyCache::ForSealing(const EncryptionContext& context) {
  Lock lock(mu_);
  if (!CachesSealing(limits_)) {
    Slot alone;
    return Call(lock, alone, counts_.sealing, [&] { return source_.ForSealing(context); });
  }
  const SlotPtr slot = SealingSlot(context);
  const auto renew = [&] {
    Renew(lock, slot, counts_.sealing,
          [this, slot, context](Lock& held) { (void)FetchSealing(held, *slot, context); });
  };
  for (bool waited = false;;) {
    if (const DataKeyPtr key = TakeSealing(*slot)) {
      if (!waited) ++counts_.sealing.hits;
      if (RunsLow(*slot, parties_.now())) renew();
      return key;
    }
    // Whoever waited must count its own message, and may find that others have used the key up.
    waited = true;
    auto got =
        slot->flight ? Wait(lock, *slot, counts_.sealing) : FetchSealing(lock, *slot, context);
    if (!got) return got;
  }
}

void KeyCache::KeepOpening(Slot& slot, const Id& id, const Result<DataKeyPtr>& got) {
  if (got) {
    slot.key = *got;
    slot.born = parties_.now();
    slot.refusal.reset();
  } else if (got.error().code == Code::kCorrupt) {
    slot.refusal = got.error();
    slot.refused_until = parties_.now() + limits_.max_age;
  } else if (const auto found = opening_.find(id);
             !slot.key && found != opening_.end() && found->second.get() == &slot) {
    Drop(id);
  }
}

Result<DataKeyPtr> KeyCache::FetchOpening(Lock& lock, Slot& slot, const Id& id,
                                          const std::vector<EncryptedDataKey>& encrypted,
                                          const EncryptionContext& context, std::size_t size) {
  Landing landing(lock, slot);
  auto got = Call(lock, slot, counts_.opening,
                  [&] { return source_.ForOpening(encrypted, context, size); });
  KeepOpening(slot, id, got);
  landing.Tell(got);
  return got;
}

std::optional<Result<DataKeyPtr>> KeyCache::AnswerOpening(Slot& slot) {
  const SteadyTime now = parties_.now();
  if (slot.key && Fresh(slot.born, now)) {
    ++counts_.opening.hits;
    return slot.key;
  }
  slot.key.reset();
  if (slot.refusal && now < slot.refused_until) {
    ++counts_.refused;
    return *slot.refusal;
  }
  return std::nullopt;
}

Result<DataKeyPtr> KeyCache::ForOpening(const std::vector<EncryptedDataKey>& encrypted,
                                        const EncryptionContext& context, std::size_t size) {
  Lock lock(mu_);
  if (!CachesOpening(limits_)) {
    Slot alone;
    return Call(lock, alone, counts_.opening,
                [&] { return source_.ForOpening(encrypted, context, size); });
  }
  const Id id = OpeningId(encrypted, context, size);
  const SlotPtr slot = OpeningSlot(id);
  const auto renew = [&] {
    Renew(lock, slot, counts_.opening, [this, slot, id, encrypted, context, size](Lock& held) {
      (void)FetchOpening(held, *slot, id, encrypted, context, size);
    });
  };
  if (auto answer = AnswerOpening(*slot)) {
    const bool soon = slot->key && RunsLow(*slot, parties_.now());
    if (soon) renew();
    return *std::move(answer);
  }
  if (slot->flight) return Wait(lock, *slot, counts_.opening);
  return FetchOpening(lock, *slot, id, encrypted, context, size);
}

// The flight begins when the task does: nobody waits for a task that still stands in a queue, which
// may be a queue behind those who wait.
void KeyCache::Renew(Lock& lock, const SlotPtr& slot, KeyCacheCounts::Side& side,
                     std::function<void(Lock&)> fetch) {
  if (!parties_.submit) return;
  slot->renewal_queued = true;
  lock.unlock();
  parties_.submit([this, slot, &side, fetch = std::move(fetch)] {
    Lock held(mu_);
    slot->renewal_queued = false;
    if (slot->flight || !RunsLow(*slot, parties_.now())) return;
    ++side.renewals;
    fetch(held);
  });
}

void KeyCache::Used(const DataKeyPtr& key, std::uint64_t bytes) {
  const Lock lock(mu_);
  for (const auto& [context, slot] : sealing_) {
    if (slot->key != key) continue;
    const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - slot->bytes;
    slot->bytes += std::min(bytes, room);
  }
}

KeyCacheCounts KeyCache::Counts() const {
  const Lock lock(mu_);
  KeyCacheCounts counts = counts_;
  counts.entries = opening_.size();
  return counts;
}

}  // namespace coffer
