#include "fs/open_order.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace coffer::fs {
namespace {

// The third file that is opened in order is the second that follows another.
constexpr std::size_t kHitsBeforeBodies = 2;
// Once left unread, the evidence has to grow by this, so that a reader who goes in order now and
// then costs less and less.
constexpr std::size_t kMoreHits = 8;
// Where reading was refused: little is to be hoped for, and every attempt is a refusal in a log.
constexpr std::size_t kHitsAfterRefusal = 1'000;
constexpr std::size_t kMostHits = 1u << 20;
constexpr int kUnreadBeforeGivingUp = 4;
constexpr std::size_t kFirstBodies = 2;
// Names that are never opened, between two that are: looked at under a lock, so not without end.
constexpr std::size_t kLongestGap = 64;

bool IsOpened(OpenOrder::Kind kind) {
  return kind != OpenOrder::Kind::kNothing && kind != OpenOrder::Kind::kDirectory;
}

// No place when the listing lacks the name.
std::size_t PlaceIn(const Listing& listing, std::string_view name) {
  const std::size_t position = listing.Position(name);
  const bool there = position < listing.names.size() && listing.names[position].name == name;
  return there ? position : listing.names.size();
}

}  // namespace

OpenOrder::OpenOrder(std::chrono::nanoseconds horizon, std::size_t widest)
    : horizon_(horizon), widest_(widest), needed_(kHitsBeforeBodies) {}

std::size_t OpenOrder::RankOf(std::size_t position) const {
  return following_inodes_ ? by_inode_.ranks.at(position) : position;
}

// Is `to` the next file after `from`?
bool OpenOrder::Follows(const std::string& from, const std::string& to, bool by_inode,
                        const Look& look) const {
  std::size_t begin = PlaceIn(*listing_, from);
  std::size_t end = PlaceIn(*listing_, to);
  const std::size_t none = listing_->names.size();
  if (begin == none || end == none) return false;
  if (by_inode) {
    begin = by_inode_.ranks[begin];
    end = by_inode_.ranks[end];
  }
  if (end <= begin || end - begin > kLongestGap) return false;
  for (std::size_t at = begin + 1; at < end; ++at) {
    const std::size_t position = by_inode ? by_inode_.positions[at] : at;
    if (IsOpened(look(listing_->names[position]))) return false;
  }
  return true;
}

void OpenOrder::Begin() {
  window_ = frontier_ = 0;
  planned_.clear();
}

void OpenOrder::Broken() {
  key_hits_ = inode_hits_ = 0;
  Begin();
}

void OpenOrder::ForgetListing() {
  listing_ = nullptr;
  by_inode_ = {};
}

// What was fetched for this reader in vain ends the run; what still arrives of it counts no more.
void OpenOrder::JudgeRun() {
  if (run_->refused) {
    needed_ = std::max(needed_, kHitsAfterRefusal);
  } else if (run_->unread >= kUnreadBeforeGivingUp) {
    needed_ = std::min(needed_ * kMoreHits, kMostHits);
  } else {
    return;
  }
  run_ = std::make_shared<BodyAhead::Run>();
  Broken();
}

void OpenOrder::KeepPace(s3::SteadyTime now) {
  const std::chrono::nanoseconds step = now - std::exchange(opened_at_, now);
  pace_ = pace_.count() == 0 ? step : (pace_ + step) / 2;
}

OpenOrder::Plan OpenOrder::Next(const std::shared_ptr<const Listing>& listing,
                                std::string_view name, s3::SteadyTime now, const Look& look) {
  Plan plan;
  const std::size_t position = PlaceIn(*listing, name);
  // What is opened again, or stands in no listing, tells nothing.
  if (position == listing->names.size() || name == last_) return plan;
  if (listing != listing_) {
    listing_ = listing;
    by_inode_ = {};
    inode_order_wanted_ = false;
    frontier_ = 0;  // what is on its way is planned once more, and found
    planned_.clear();
  }
  JudgeRun();
  if (const auto found = std::find(planned_.begin(), planned_.end(), name);
      found != planned_.end()) {
    plan.skipped.assign(planned_.begin(), found);
    planned_.erase(planned_.begin(), std::next(found));
  }
  before_ = std::exchange(last_, std::string(name));
  if (before_.empty()) {
    opened_at_ = now;
    return plan;
  }
  KeepPace(now);
  key_hits_ = Follows(before_, last_, false, look) ? key_hits_ + 1 : 0;
  if (!by_inode_.ranks.empty()) {
    inode_hits_ = Follows(before_, last_, true, look) ? inode_hits_ + 1 : 0;
  } else if (inode_hits_ >= key_hits_) {
    plan.wants_inode_order = !std::exchange(inode_order_wanted_, true);
    return plan;
  }
  Extend(position, look, plan);
  return plan;
}

void OpenOrder::TakeInodeOrder(const std::shared_ptr<const Listing>& listing,
                               HeadAhead::InodeOrder order, const Look& look) {
  if (listing != listing_) return;
  by_inode_ = std::move(order);
  inode_hits_ = Follows(before_, last_, true, look) ? inode_hits_ + 1 : 0;
}

void OpenOrder::Extend(std::size_t position, const Look& look, Plan& plan) {
  const bool inodes = inode_hits_ > key_hits_;
  if (inodes != std::exchange(following_inodes_, inodes)) Begin();
  if (std::max(key_hits_, inode_hits_) < needed_) {
    Begin();
    return;
  }
  window_ = window_ == 0 ? kFirstBodies : std::min(2 * window_, widest_);
  if (pace_.count() > 0) {
    window_ = std::min(window_, static_cast<std::size_t>(horizon_ / pace_));
  }
  const std::size_t rank = RankOf(position);
  const std::size_t end = std::min(rank + 1 + kLongestGap, listing_->names.size());
  for (frontier_ = std::max(frontier_, rank + 1); frontier_ < end && planned_.size() < window_;
       ++frontier_) {
    const std::size_t at = following_inodes_ ? by_inode_.positions[frontier_] : frontier_;
    const ListedName& listed = listing_->names[at];
    const Kind kind = look(listed);
    if (kind == Kind::kDirectory || kind == Kind::kLarge) return;
    if (kind != Kind::kSmall) continue;
    plan.positions.push_back(at);
    planned_.push_back(listed.name);
  }
}

void OpenOrder::Retreat(const std::shared_ptr<const Listing>& listing, std::size_t position) {
  if (listing != listing_) return;
  const auto found = std::find(planned_.begin(), planned_.end(), listing_->names[position].name);
  if (found == planned_.end()) return;
  planned_.erase(found, planned_.end());
  frontier_ = RankOf(position);
}

}  // namespace coffer::fs
