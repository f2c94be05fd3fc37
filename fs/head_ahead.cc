#include "fs/head_ahead.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "fs/path.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kFirstWindow = 2;
constexpr std::size_t kLargestWindow = 128;
// Names that needed no lookup (their row was there) leave gaps of about this size.
constexpr std::size_t kGap = 32;

}  // namespace

void HeadAhead::Track::Visit(std::size_t at, std::size_t tolerance) {
  const bool onward = started && at > last && at - last <= tolerance;
  hits = onward ? hits + 1 : 0;
  last = at;
  started = true;
}

void HeadAhead::Restart(const std::shared_ptr<const Listing>& listing) {
  *this = HeadAhead();
  listing_ = listing;
}

HeadAhead::InodeOrder HeadAhead::OrderByInode(const Listing& listing,
                                              const std::string& directory_key) {
  const auto& names = listing.names;
  std::vector<std::uint64_t> inode(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    inode[i] = InodeNumber(directory_key + names[i].name + (names[i].directory ? "/" : ""));
  }
  InodeOrder order;
  order.positions.resize(names.size());
  std::iota(order.positions.begin(), order.positions.end(), 0u);
  std::sort(order.positions.begin(), order.positions.end(),
            [&inode](std::uint32_t a, std::uint32_t b) { return inode[a] < inode[b]; });
  order.ranks.resize(names.size());
  for (std::size_t rank = 0; rank < names.size(); ++rank) {
    order.ranks[order.positions[rank]] = static_cast<std::uint32_t>(rank);
  }
  return order;
}

void HeadAhead::TakeInodeOrder(const std::shared_ptr<const Listing>& listing, InodeOrder order) {
  if (listing != listing_) return;
  by_number_ = std::move(order);
  by_inode_.Visit(by_number_.ranks[by_key_.last], window_ + kGap);
}

HeadAhead::Plan HeadAhead::Next(const std::shared_ptr<const Listing>& listing,
                                std::string_view name) {
  if (listing != listing_) Restart(listing);
  Plan plan;
  const std::size_t position = listing->Position(name);
  if (position >= listing->names.size()) return plan;
  const bool first = !by_key_.started;
  const std::size_t tolerance = window_ + kGap;
  by_key_.Visit(position, tolerance);
  if (by_key_.hits == 0 && !first) {
    plan.wants_inode_order = !std::exchange(inode_order_wanted_, true);
  }
  if (!by_number_.ranks.empty()) by_inode_.Visit(by_number_.ranks[position], tolerance);

  const bool inodes = by_inode_.hits > by_key_.hits;
  if (inodes != following_inodes_) {
    following_inodes_ = inodes;
    window_ = frontier_ = 0;
  }
  const Track& track = inodes ? by_inode_ : by_key_;
  if (track.hits == 0 && !first) {  // no order so far: ask for nothing in vain
    window_ = frontier_ = 0;
    return plan;
  }
  window_ = window_ == 0 ? kFirstWindow : std::min(window_ * 2, kLargestWindow);
  const std::size_t end = std::min(track.last + 1 + window_, listing->names.size());
  for (std::size_t at = std::max(frontier_, track.last + 1); at < end; ++at) {
    plan.positions.push_back(inodes ? by_number_.positions[at] : at);
  }
  frontier_ = std::max(frontier_, end);
  return plan;
}

}  // namespace coffer::fs
