// Which names of a directory to ask HEAD about before somebody looks them up.
//
// `ls -l` and `find` look names up one by one; each lookup needs a HEAD. Once the order is known
// that the reader follows (the listing's, or ascending st_ino, as `cp -r` goes), the next names are
// asked for in parallel, in a window that doubles while the guess holds. Plans only: no network, no
// lock; one directory has one. What takes long, to sort a large directory by st_ino, is the
// caller's to do without a lock.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/listing.h"

namespace coffer::fs {

class HeadAhead {
 public:
  struct InodeOrder {
    std::vector<std::uint32_t> positions;  // order -> position
    std::vector<std::uint32_t> ranks;      // position -> order
  };
  struct Plan {
    std::vector<std::size_t> positions;  // in the listing, to ask about next
    bool wants_inode_order = false;      // said once for each listing
  };
  // `name` is being looked up; the plan leaves its own position out.
  Plan Next(const std::shared_ptr<const Listing>& listing, std::string_view name);

  static InodeOrder OrderByInode(const Listing& listing, const std::string& directory_key);
  // Ignored when another listing is being followed by now.
  void TakeInodeOrder(const std::shared_ptr<const Listing>& listing, InodeOrder order);

 private:
  // One order the reader may follow: where it was last, how often it went on from there.
  struct Track {
    std::size_t last = 0;
    std::size_t hits = 0;
    bool started = false;
    void Visit(std::size_t at, std::size_t tolerance);
  };
  void Restart(const std::shared_ptr<const Listing>& listing);

  std::shared_ptr<const Listing> listing_;
  Track by_key_;
  Track by_inode_;
  InodeOrder by_number_;  // empty until it was taken
  bool inode_order_wanted_ = false;
  std::size_t window_ = 0;
  std::size_t frontier_ = 0;  // in the order followed: asked for up to here
  bool following_inodes_ = false;
};

}  // namespace coffer::fs
