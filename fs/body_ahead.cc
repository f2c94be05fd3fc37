#include "fs/body_ahead.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "fs/background.h"
#include "fs/mutex.h"
#include "fs/on_exit.h"

namespace coffer::fs {
namespace {

// From the decision to ask for it until it is read or dropped. All that changes is guarded by the
// state's mutex.
struct Body {
  enum class Phase { kQueued, kAsked, kHere, kGone };

  std::string key;
  FileVersion version;
  BodyAhead::RunPtr run;
  BodyAhead::Ask ask;
  Phase phase = Phase::kQueued;
  s3::SteadyTime asked_at = {};  // from kAsked on
  bool skipped = false;          // and counted as unread
  Reservation memory;
  std::optional<s3::Fetched> fetched;  // when kHere
};
using BodyPtr = std::shared_ptr<Body>;

// Would the next file be refused as well? What is gone, was replaced or is damaged is that one's
// own affair, and a failure of the network is everybody's.
bool IsRefusal(Code code) {
  return code == Code::kDenied || code == Code::kArchived || code == Code::kKeyMissing ||
         code == Code::kKeyDisabled;
}

}  // namespace

struct BodyAhead::State : public MemoryHolder {
  State(const Shared& s, std::chrono::milliseconds t) : shared(s), ttl(std::min(t, kLongestKept)) {}

  bool Admit(const BodyPtr& body);
  void AskFor(const BodyPtr& body);
  void Arrived(const BodyPtr& body, std::optional<Result<s3::Fetched>> reply);
  void DropOld();
  void GiveBack(std::chrono::steady_clock::time_point idle_since) override;

  bool IsOld(const Body& body) const REQUIRES(mu);
  bool IsFull(std::uint64_t size) const REQUIRES(mu);
  void Remove(const BodyPtr& body, std::vector<BodyPtr>& dropped) REQUIRES(mu);
  void RemoveUnread(const BodyPtr& body, std::vector<BodyPtr>& dropped) REQUIRES(mu);
  // Of those that are here.
  template <typename Meant>
  void RemoveWhere(Meant meant, std::vector<BodyPtr>& dropped) REQUIRES(mu);
  void RemoveOld(std::vector<BodyPtr>& dropped) REQUIRES(mu);
  void ArmTimer();

  const Shared shared;
  const std::chrono::milliseconds ttl;
  Mutex mu;
  Condition changed;
  std::map<std::string, BodyPtr> bodies GUARDED_BY(mu);  // by key
  std::uint64_t bytes GUARDED_BY(mu) = 0;                // of all of them
  bool timer_set GUARDED_BY(mu) = false;
  std::chrono::steady_clock::time_point used_at GUARDED_BY(mu) = std::chrono::steady_clock::now();
  Background background;  // last: its tasks use everything above
};

bool BodyAhead::State::IsOld(const Body& body) const {
  return body.phase != Body::Phase::kQueued && shared.clock.Steady() - body.asked_at > ttl;
}

bool BodyAhead::State::IsFull(std::uint64_t size) const {
  const auto on_their_way = std::count_if(bodies.begin(), bodies.end(), [](const auto& one) {
    return one.second->phase != Body::Phase::kHere;
  });
  const std::size_t at_once = std::max<std::size_t>(1, shared.pool.threads() / 2);
  return bodies.size() >= kFiles || size > kBytes - bytes ||
         static_cast<std::size_t>(on_their_way) >= at_once;
}

// The bytes go when the caller has left the lock: `dropped` stands before it. Those that are still
// on their way need their memory until they are here.
void BodyAhead::State::Remove(const BodyPtr& body, std::vector<BodyPtr>& dropped) {
  if (body->phase != Body::Phase::kAsked) body->memory.Shrink(0);
  body->phase = Body::Phase::kGone;
  bytes -= body->version.size;
  bodies.erase(body->key);
  dropped.push_back(body);
}

// What no thread has asked for yet costs nothing.
void BodyAhead::State::RemoveUnread(const BodyPtr& body, std::vector<BodyPtr>& dropped) {
  if (body->phase != Body::Phase::kQueued) {
    if (!body->skipped) ++body->run->unread;
    ++shared.counters->files_in_vain;
  }
  if (body->fetched) shared.counters->bytes_in_vain += body->fetched->body.size();
  Remove(body, dropped);
  changed.NotifyAll();
}

template <typename Meant>
void BodyAhead::State::RemoveWhere(Meant meant, std::vector<BodyPtr>& dropped) {
  std::vector<BodyPtr> found;
  for (const auto& [key, body] : bodies) {
    if (body->phase == Body::Phase::kHere && meant(*body)) found.push_back(body);
  }
  for (const BodyPtr& body : found) RemoveUnread(body, dropped);
}

void BodyAhead::State::RemoveOld(std::vector<BodyPtr>& dropped) {
  RemoveWhere([this](const Body& body) REQUIRES(mu) { return IsOld(body); }, dropped);
}

bool BodyAhead::State::Admit(const BodyPtr& body) {
  std::vector<BodyPtr> dropped;
  const Lock lock(mu);
  RemoveOld(dropped);
  if (const auto found = bodies.find(body->key); found != bodies.end()) {
    if (found->second->version.etag == body->version.etag) {
      body->phase = Body::Phase::kGone;  // another thread was faster
      return true;
    }
    RemoveUnread(found->second, dropped);
  }
  const std::uint64_t size = body->version.size;
  if (IsFull(size)) RemoveWhere([](const Body& other) { return other.skipped; }, dropped);
  if (IsFull(size)) return false;
  bytes += body->version.size;
  bodies.emplace(body->key, body);
  used_at = std::chrono::steady_clock::now();
  return true;
}

void BodyAhead::State::AskFor(const BodyPtr& body) {
  Ask ask;
  {
    std::vector<BodyPtr> dropped;
    const Lock lock(mu);
    if (body->phase != Body::Phase::kQueued) return;
    if (body->run->refused) return RemoveUnread(body, dropped);
    body->phase = Body::Phase::kAsked;
    body->asked_at = shared.clock.Steady();
    ask = std::exchange(body->ask, nullptr);
  }
  ++shared.counters->files_ahead;
  // Also when memory ends: an open may wait for it.
  std::optional<Result<s3::Fetched>> reply;
  const OnExit ended([&] { Arrived(body, std::move(reply)); });
  reply = ask();
}

void BodyAhead::State::Arrived(const BodyPtr& body, std::optional<Result<s3::Fetched>> reply) {
  std::vector<BodyPtr> dropped;
  const bool here = reply && *reply;
  const std::uint64_t size = here ? (*reply)->body.size() : 0;
  shared.counters->bytes_fetched += size;
  const Lock lock(mu);
  if (body->phase == Body::Phase::kGone) {
    shared.counters->bytes_in_vain += size;
    return;
  }
  if (!here) {
    if (reply && IsRefusal(reply->error().code)) body->run->refused = true;
    RemoveUnread(body, dropped);
    return;
  }
  body->fetched = std::move(*reply).value();
  body->phase = Body::Phase::kHere;
  changed.NotifyAll();
}

// Nobody else may come by to see that they are old.
void BodyAhead::State::ArmTimer() {
  {
    const Lock lock(mu);
    if (bodies.empty() || std::exchange(timer_set, true)) return;
  }
  background.Later(shared.pool, ttl, [this] { DropOld(); });
}

void BodyAhead::State::DropOld() {
  {
    std::vector<BodyPtr> dropped;
    const Lock lock(mu);
    timer_set = false;
    RemoveOld(dropped);
  }
  ArmTimer();
}

void BodyAhead::State::GiveBack(std::chrono::steady_clock::time_point idle_since) {
  std::vector<BodyPtr> dropped;
  const Lock lock(mu);
  if (used_at >= idle_since) return;
  RemoveWhere([](const Body&) { return true; }, dropped);
}

BodyAhead::BodyAhead(const Shared& shared, std::chrono::milliseconds ttl)
    : state_(std::make_shared<State>(shared, ttl)) {
  shared.budget.Register(state_);
}

BodyAhead::~BodyAhead() { state_->background.End(); }

bool BodyAhead::Fetch(const std::string& key, const FileVersion& version, RunPtr run, Ask ask) {
  State& state = *state_;
  {
    const Lock lock(state.mu);
    const auto found = state.bodies.find(key);
    if (found != state.bodies.end() && found->second->version.etag == version.etag &&
        !state.IsOld(*found->second)) {
      return true;
    }
  }
  // Half of what is free at most, as any reading ahead.
  MemoryBudget& budget = state.shared.budget;
  if (version.size > (budget.limit() - budget.used()) / 2) return false;
  const auto body = std::make_shared<Body>();
  body->memory = budget.TryReserve(version.size);
  if (body->memory.size() == 0) return false;
  body->key = key;
  body->version = version;
  body->run = std::move(run);
  body->ask = std::move(ask);
  if (!state.Admit(body)) return false;
  state.background.Now(state.shared.pool, [&state, body] { state.AskFor(body); });
  state.ArmTimer();
  return true;
}

std::optional<s3::Fetched> BodyAhead::Take(const std::string& key, const std::string& etag) {
  State& state = *state_;
  std::vector<BodyPtr> dropped;
  const Lock lock(state.mu);
  const auto found = state.bodies.find(key);
  if (found == state.bodies.end()) return std::nullopt;
  const BodyPtr body = found->second;
  state.used_at = std::chrono::steady_clock::now();
  while (body->phase == Body::Phase::kAsked && body->version.etag == etag && !state.IsOld(*body)) {
    const auto left = state.ttl - (state.shared.clock.Steady() - body->asked_at);
    state.changed.WaitUntil(state.mu, std::chrono::steady_clock::now() + left);
  }
  if (body->phase == Body::Phase::kGone) return std::nullopt;
  if (body->phase != Body::Phase::kHere || body->version.etag != etag || state.IsOld(*body)) {
    state.RemoveUnread(body, dropped);
    return std::nullopt;
  }
  if (body->skipped) --body->run->unread;
  std::optional<s3::Fetched> fetched = std::exchange(body->fetched, std::nullopt);
  state.Remove(body, dropped);
  return fetched;
}

void BodyAhead::Skip(const std::string& key) {
  State& state = *state_;
  std::vector<BodyPtr> dropped;
  const Lock lock(state.mu);
  const auto found = state.bodies.find(key);
  if (found == state.bodies.end() || found->second->skipped) return;
  const BodyPtr body = found->second;
  if (body->phase == Body::Phase::kQueued) {
    state.RemoveUnread(body, dropped);
    return;
  }
  body->skipped = true;
  ++body->run->unread;
}

void BodyAhead::Drop(const std::string& key) {
  State& state = *state_;
  std::vector<BodyPtr> dropped;
  const Lock lock(state.mu);
  for (auto at = state.bodies.lower_bound(key); at != state.bodies.end();) {
    const BodyPtr body = (at++)->second;
    const bool meant =
        body->key == key || ((key.empty() || key.ends_with('/')) && body->key.starts_with(key));
    if (!meant) break;
    state.RemoveUnread(body, dropped);
  }
}

}  // namespace coffer::fs
