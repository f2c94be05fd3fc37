// What a mount has to remember over a crash, as lines of a file that the next mount of the same
// bucket on this machine reads.
//
// Each mount has a file of its own below the state directory and holds a lock on it as long as it
// lives (so it is not confused with a later process of the same number, nor one of another
// container). The file itself is made by the first line. Used by one thread at a time: the owner
// serialises. Blocks on the local disk.

#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"
#include "fs/private_file.h"

namespace coffer::fs {

struct CrashRecordsPlace {
  std::string state_directory;
  std::string kind;                      // a directory there, and how its files end
  std::string volume;                    // endpoint and bucket, as for the attribute index
  std::size_t rewrite_above = 1u << 20;  // bytes of the file
};

class CrashRecords {
 public:
  // An error when the state directory cannot be used.
  static Result<std::unique_ptr<CrashRecords>> Open(CrashRecordsPlace place);

  // There is no file yet, or it has grown, or half a line stands at its end: then Begin, not Add.
  bool must_begin() const { return !file_ || file_bytes_ > place_.rewrite_above; }
  // A new file of these lines, on the disk when it returns; it replaces the one before.
  Status Begin(const std::string& lines);
  // One line more, with its '\n'. `durable`: on the disk when it returns.
  Status Add(const std::string& line, bool durable);
  bool begun() const { return file_ != nullptr; }
  void Clear();   // nothing is left to remember
  void Remove();  // the file, too

  // The text of each file that a dead mount left. `visit` says whether all of it is done with: then
  // the file goes. What went wrong, one line each.
  std::vector<std::string> VisitDead(const std::function<bool(std::string_view)>& visit) const;

 private:
  CrashRecords(CrashRecordsPlace place, std::string directory)
      : place_(std::move(place)), directory_(std::move(directory)) {}

  const CrashRecordsPlace place_;
  const std::string directory_;
  std::unique_ptr<PrivateFile> file_;
  std::size_t file_bytes_ = 0;
};

}  // namespace coffer::fs
