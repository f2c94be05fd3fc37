#include "fs/memory_budget.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace coffer::fs {
namespace {

// What nobody touched for this long is idle.
constexpr std::chrono::milliseconds kIdle{1'000};
// Asking every holder costs a lock each, so it is not done at every refusal.
constexpr std::chrono::milliseconds kAskInterval{20};

}  // namespace

Reservation::Reservation(Reservation&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Reservation& Reservation::operator=(Reservation&& other) noexcept {
  if (this != &other) {
    Shrink(0);
    budget_ = std::exchange(other.budget_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Reservation::~Reservation() { Shrink(0); }

void Reservation::Shrink(std::uint64_t size) {
  if (size >= size_) return;
  budget_->Release(size_ - size);
  size_ = size;
}

void Reservation::Add(Reservation more) {
  if (more.size_ == 0) return;
  assert(budget_ == nullptr || budget_ == more.budget_);
  budget_ = more.budget_;
  size_ += std::exchange(more.size_, 0);
}

MemoryBudget::MemoryBudget(std::uint64_t limit_bytes) : limit_(limit_bytes) {}

bool MemoryBudget::Fits(std::uint64_t size) const { return size <= limit_ - used_; }

void MemoryBudget::Take(std::uint64_t size) {
  used_ += size;
  high_water_ = std::max(high_water_, used_);
}

Reservation MemoryBudget::TakeIfFree(std::uint64_t size) {
  Lock lock(mu_);
  if (!waiting_.empty() || !Fits(size)) return {};
  Take(size);
  return {this, size};
}

Reservation MemoryBudget::TryReserve(std::uint64_t size) {
  if (size == 0 || size > limit_) return {};
  if (Reservation now = TakeIfFree(size); now.size() != 0) return now;
  AskHolders();
  return TakeIfFree(size);
}

Reservation MemoryBudget::Reserve(std::uint64_t size, TimePoint deadline) {
  if (Reservation now = TryReserve(size); now.size() != 0) return now;
  if (size == 0 || size > limit_) return {};
  std::uint64_t ticket = 0;
  {
    Lock lock(mu_);
    ticket = next_ticket_++;
    waiting_.push_back(ticket);
  }
  while (true) {
    AskHolders();
    Lock lock(mu_);
    const auto now = std::chrono::steady_clock::now();
    if (waiting_.front() == ticket && Fits(size)) {
      waiting_.pop_front();
      Take(size);
      freed_.NotifyAll();  // there may be room for the next one too
      return {this, size};
    }
    if (now >= deadline) {
      waiting_.erase(std::find(waiting_.begin(), waiting_.end(), ticket));
      freed_.NotifyAll();
      return {};
    }
    // Holders become idle without telling anybody, so look again from time to time.
    freed_.WaitUntil(mu_, std::min(deadline, now + 5 * kAskInterval));
  }
}

void MemoryBudget::Release(std::uint64_t size) {
  {
    Lock lock(mu_);
    assert(size <= used_);
    used_ -= size;
    if (waiting_.empty()) return;
  }
  freed_.NotifyAll();
}

void MemoryBudget::Register(std::weak_ptr<MemoryHolder> holder) {
  Lock lock(mu_);
  if (holders_.size() >= prune_at_) {
    std::erase_if(holders_, [](const auto& h) { return h.expired(); });
    prune_at_ = std::max<std::size_t>(64, 2 * holders_.size());
  }
  holders_.push_back(std::move(holder));
}

void MemoryBudget::AskHolders() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<std::weak_ptr<MemoryHolder>> holders;
  {
    Lock lock(mu_);
    if (now < asked_ + kAskInterval) return;
    asked_ = now;
    holders = holders_;
  }
  for (const auto& weak : holders) {
    if (const auto holder = weak.lock()) holder->GiveBack(now - kIdle);
  }
}

std::uint64_t MemoryBudget::used() const {
  Lock lock(mu_);
  return used_;
}

std::uint64_t MemoryBudget::high_water() const {
  Lock lock(mu_);
  return high_water_;
}

}  // namespace coffer::fs
