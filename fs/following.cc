// Whoever goes through the files or the subdirectories of a directory one after the other, and what
// comes next (fs/open_order.h).

#include <algorithm>
#include <utility>

#include "fs/filesystem_impl.h"

namespace coffer::fs {

Filesystem::Impl::Upcoming Filesystem::Impl::Follow(const NodePtr& node,
                                                    std::unique_ptr<OpenOrder> Directory::*order,
                                                    KindOf kind, std::size_t widest) {
  Upcoming next;
  const auto look = [&](const ListedName& listed) { return (this->*kind)(*next.parent, listed); };
  {
    const Lock lock(tree_.mu);
    if (node->gone || !node->parent) return next;
    const std::shared_ptr<const Listing>& listing = node->parent->directory->listing;
    if (!listing || listing->growing) return next;  // it is looked at without a lock
    next.parent = node->parent;
    next.directory_key = tree_.Key(*next.parent);
    Directory& directory = *next.parent->directory;
    next.listing = directory.listing;
    std::unique_ptr<OpenOrder>& followed = directory.*order;
    // Half, since what is fetched last of a window is read last.
    if (!followed) {
      followed = std::make_unique<OpenOrder>(
          std::min(options_.metadata_ttl, BodyAhead::kLongestKept) / 2, widest);
    }
    next.plan = followed->Next(next.listing, node->name, Now(), look);
    next.run = followed->run();
  }
  if (!next.plan.wants_inode_order) return next;
  // Of 200,000 names that takes a while, in which others may open files.
  HeadAhead::InodeOrder inodes = HeadAhead::OrderByInode(*next.listing, next.directory_key);
  const Lock lock(tree_.mu);
  (next.parent->directory.get()->*order)->TakeInodeOrder(next.listing, std::move(inodes), look);
  return next;
}

// The plan is of names as they were; the directory may have been renamed or listed anew since.
bool Filesystem::Impl::IsCurrent(const Upcoming& next) const {
  return next.parent->directory->listing == next.listing && !tree_.Moving(*next.parent) &&
         tree_.Key(*next.parent) == next.directory_key;
}

}  // namespace coffer::fs
