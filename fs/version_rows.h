// One version of a file, as `coffer versions` tells of it: what the list says, what a look at the
// version adds, and how it is written.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fs/json.h"
#include "fs/lock_report.h"
#include "fs/worker_pool.h"
#include "s3client/object_store.h"

namespace coffer::fs {

// Why a version is not what the name shows.
enum class Hiding { kCurrent, kByNewer, kByMarker };

struct VersionRow {
  s3::ListedVersion listed;
  Hiding hiding = Hiding::kCurrent;
  std::uint64_t size = 0;  // what a reader gets, of a sealed file as its header says
  bool sealed = false;
  bool size_known = true;     // else `size` is that of the sealed bytes
  std::string archived = {};  // the storage class that it is archived in
  LockRow lock = {};          // lock.error: that nothing is known of it, and why

  bool locked() const { return lock.retained || lock.lock.legal_hold; }
  bool unknown() const { return !lock.error.empty(); }
};

// Tells versions from each other by the order of the list: for each, its row without the look.
class VersionOrder {
 public:
  VersionRow Next(s3::ListedVersion version);

 private:
  std::string key_;
  bool removed_ = false;  // its newest is a marker
};

// Looks at versions: 1 HEAD each, of sealed ones a GET of the header, and for each name of which a
// version shows no lock 2 requests more to learn whether its locks can be seen, where the bucket
// may have any. Used by one thread, which it blocks while the pool asks.
class VersionLook {
 public:
  // `locks`: the bucket may have Object Lock.
  VersionLook(s3::ObjectStore& store, WorkerPool& pool, bool locks)
      : store_(store), pool_(pool), locks_(locks) {}

  // Fills in what is not a marker. Fails only when the network does, or all was interrupted. Rows
  // of a name follow each other, from one call to the next, too.
  Status Fill(std::vector<VersionRow>& rows);

 private:
  // What an absent lock of one name's versions says.
  struct Sight {
    std::string key;
    std::string blind = {};  // why it says nothing
    Status asked = Ok();
  };

  Status LookAtAll(std::vector<VersionRow>& rows);
  Status LearnSights(std::vector<VersionRow>& rows);
  Sight LearnSight(const s3::ListedVersion& version) const;
  Status FillOne(VersionRow& row) const;
  Status TakeSize(VersionRow& row, const s3::ObjectInfo& info) const;

  s3::ObjectStore& store_;
  WorkerPool& pool_;
  const bool locks_;
  Sight last_;  // of the name that the next rows may be of
};

// One line, without its end, of what is printable; `shown` is the file's name, "" to leave it out.
std::string VersionLine(const VersionRow& row, const std::string& shown);
Json VersionJson(const VersionRow& row, const std::string& shown);

}  // namespace coffer::fs
