#include "s3client/refreshing_provider.h"

#include "s3client/time_text.h"

namespace coffer::s3 {
namespace {

using std::chrono::seconds;

// Long enough not to drum on a source that is down, short enough for a person who just mended it.
constexpr seconds kPauseAfterFailure{10};
constexpr seconds kPauseAfterShortLife{30};
constexpr seconds kPauseBetweenRefusals{10};
constexpr seconds kPauseBetweenLooks{5};

}  // namespace

RefreshingProvider::RefreshingProvider(std::unique_ptr<CredentialsSource> source,
                                       const Clock& clock, const ServerTime& time,
                                       Observer& observer, Windows windows)
    : source_(std::move(source)),
      clock_(clock),
      time_(time),
      observer_(observer),
      windows_(windows) {}

Result<std::shared_ptr<const Credentials>> RefreshingProvider::Get() {
  std::unique_lock lock(mu_);
  LookForChange(lock);
  const Need need = Assess();
  if (need == Need::kNothing || (need == Need::kSoon && renewing_)) return Answer();
  if (!renewing_) {
    Renew(lock);
    return Answer();
  }
  const std::uint64_t before = renewals_;
  renewed_.wait(lock, [&] { return renewals_ != before; });
  return Answer();
}

void RefreshingProvider::Refused(const Credentials& refused) {
  const std::lock_guard lock(mu_);
  // Others may have reported the same snapshot, which was renewed since; and a source that gives
  // out what the service refuses must not be asked for each request.
  if (!current_ || !SameKeys(refused, *current_) || clock_.Steady() < next_refusal_) return;
  next_refusal_ = clock_.Steady() + kPauseBetweenRefusals;
  refused_ = true;
  next_try_ = {};
}

RefreshingProvider::Need RefreshingProvider::Assess() const {
  const bool pause = clock_.Steady() < next_try_;
  if (!Usable()) return pause && failure_ ? Need::kNothing : Need::kNow;
  if (changed_ || (failure_ && !pause)) return Need::kSoon;
  if (!current_->expires_at || pause) return Need::kNothing;
  const auto left = *current_->expires_at - time_.Now();
  if (left < windows_.mandatory) return Need::kNow;
  return left < windows_.advisory ? Need::kSoon : Need::kNothing;
}

bool RefreshingProvider::Usable() const {
  return current_ && !refused_ && (!current_->expires_at || time_.Now() < *current_->expires_at);
}

Result<RefreshingProvider::Snapshot> RefreshingProvider::Answer() const {
  if (Usable() || !failure_) return current_;
  return *failure_;
}

void RefreshingProvider::LookForChange(std::unique_lock<std::mutex>& lock) {
  if (!current_ || renewing_ || clock_.Steady() < next_look_) return;
  next_look_ = clock_.Steady() + kPauseBetweenLooks;
  // A home directory on a network may be slow to answer.
  lock.unlock();
  const bool changed = source_->Changed();
  lock.lock();
  if (!changed) return;
  changed_ = true;
  next_try_ = {};
}

void RefreshingProvider::Renew(std::unique_lock<std::mutex>& lock) {
  // Whatever happens in Fetch, those who wait must wake up.
  struct Flight {
    RefreshingProvider& self;
    std::unique_lock<std::mutex>& lock;
    Flight(RefreshingProvider& s, std::unique_lock<std::mutex>& l) : self(s), lock(l) {
      self.renewing_ = true;
    }
    ~Flight() {
      if (!lock.owns_lock()) lock.lock();
      self.renewing_ = false;
      ++self.renewals_;
      self.renewed_.notify_all();
    }
  } const flight(*this, lock);

  changed_ = false;
  lock.unlock();
  auto fetched = source_->Fetch();
  if (fetched && fetched->expires_at && *fetched->expires_at <= time_.Now()) {
    fetched = Error{Code::kDenied, "the credentials of " + fetched->source + " expired at " +
                                       IsoTime(*fetched->expires_at) +
                                       "; renew them there, Coffer will notice"};
  }
  lock.lock();
  TakeOver(std::move(fetched));
}

void RefreshingProvider::TakeOver(Result<Credentials> fetched) {
  const SteadyTime now = clock_.Steady();
  if (!fetched) {
    const bool first = !failure_;
    failure_ = std::move(fetched).error();
    next_try_ = now + kPauseAfterFailure;
    if (!Usable() || !first) return;
    std::string notice = "cannot renew credentials (" + failure_->what + "); going on with those";
    notice += current_->expires_at ? " that end at " + IsoTime(*current_->expires_at) : " at hand";
    observer_.OnNotice(notice);
    return;
  }
  failure_.reset();
  refused_ = false;
  const bool short_lived =
      fetched->expires_at && *fetched->expires_at - time_.Now() < windows_.advisory;
  next_try_ = short_lived ? now + kPauseAfterShortLife : SteadyTime{};
  if (current_ && SameKeys(*current_, *fetched) && current_->expires_at == fetched->expires_at)
    return;
  current_ = std::make_shared<const Credentials>(std::move(*fetched));
}

}  // namespace coffer::s3
