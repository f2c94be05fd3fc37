// The order in which small files of a directory are opened, and which of them to fetch ahead; or
// its subdirectories are read, and which of them to list ahead: below, read that for a file.
//
// `cat *` and `tar c` go in the order of the listing, `cp -r` by ascending st_ino. From the third
// file on that is opened in one of these orders the next ones are planned, in a window that
// doubles with each. The window ends before a directory and before a large file, where the reader
// stays a while, and holds no more than the reader, at its pace, comes to within the horizon.
// Whoever leaves unread what was fetched is not followed any more until it has gone on in order for
// much longer. Plans only: no network, no lock; one directory has one. What takes long, to sort a
// large directory by st_ino, is the caller's to do without a lock.

#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/body_ahead.h"
#include "fs/head_ahead.h"
#include "fs/listing.h"
#include "s3client/clock.h"

namespace coffer::fs {

class OpenOrder {
 public:
  // What a name of the listing is to whoever opens one file after the other.
  enum class Kind {
    kNothing,    // never opened: a symbolic link, an empty file
    kDirectory,  // never opened, but entered perhaps
    kOther,      // opened, and nothing to fetch: its pages are cached, or it cannot be read
    kLarge,      // opened, and read for long
    kSmall,      // opened, and worth fetching
  };
  using Look = std::function<Kind(const ListedName&)>;
  struct Plan {
    std::vector<std::size_t> positions;  // in the listing, to fetch next, the nearest first
    std::vector<std::string> skipped;    // planned before, and the reader went past them
    bool wants_inode_order = false;      // said once for each listing
  };

  // How long from now a file may be opened that is fetched now; and how many are planned at most.
  explicit OpenOrder(std::chrono::nanoseconds horizon, std::size_t widest = BodyAhead::kFiles);

  // `name` is being opened.
  Plan Next(const std::shared_ptr<const Listing>& listing, std::string_view name,
            s3::SteadyTime now, const Look& look);
  // Ignored when another listing is being followed by now.
  void TakeInodeOrder(const std::shared_ptr<const Listing>& listing, HeadAhead::InodeOrder order,
                      const Look& look);
  // There is no room now to fetch the name at `position`, nor what was planned after it. Ignored as
  // above.
  void Retreat(const std::shared_ptr<const Listing>& listing, std::size_t position);
  // The file that was opened last cannot be read: that makes no order.
  void Broken();
  // Gives back what is remembered of the listing; the order goes on with the next one.
  void ForgetListing();

  // On whose behalf the files of a plan are fetched; it tells what became of them.
  const BodyAhead::RunPtr& run() const { return run_; }

 private:
  bool Follows(const std::string& from, const std::string& to, bool by_inode,
               const Look& look) const;
  std::size_t RankOf(std::size_t position) const;
  void JudgeRun();
  void Begin();
  void KeepPace(s3::SteadyTime now);
  void Extend(std::size_t position, const Look& look, Plan& plan);

  const std::chrono::nanoseconds horizon_;
  const std::size_t widest_;
  std::shared_ptr<const Listing> listing_;
  HeadAhead::InodeOrder by_inode_;  // empty until it was taken
  bool inode_order_wanted_ = false;
  std::string before_, last_;  // opened last but one, and last
  std::size_t key_hits_ = 0;   // how often the reader went on in this order
  std::size_t inode_hits_ = 0;
  std::size_t needed_;  // hits, before anything is fetched
  BodyAhead::RunPtr run_ = std::make_shared<BodyAhead::Run>();
  s3::SteadyTime opened_at_ = {};
  std::chrono::nanoseconds pace_{0};  // from one open to the next, about
  bool following_inodes_ = false;
  std::size_t window_ = 0;
  std::size_t frontier_ = 0;         // in the order followed: planned up to here
  std::deque<std::string> planned_;  // and not opened yet, the nearest first
};

}  // namespace coffer::fs
