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
  using All = std::function<std::string()>;

  // An error when the state directory cannot be used.
  static Result<std::unique_ptr<CrashRecords>> Open(CrashRecordsPlace place);

  // One line more, with its '\n'. Where a new file is begun it holds `all()` alone, the line
  // included. `durable`: on the disk when it returns.
  Status Add(const std::string& line, bool durable, const All& all);
  bool begun() const { return file_ != nullptr; }
  void Clear();   // nothing is left to remember
  void Remove();  // the file, too

  // The text of each file that a dead mount left. `visit` says whether all of it is done with: then
  // the file goes. What went wrong, one line each.
  std::vector<std::string> VisitDead(const std::function<bool(std::string_view)>& visit) const;

 private:
  CrashRecords(CrashRecordsPlace place, std::string directory)
      : place_(std::move(place)), directory_(std::move(directory)) {}
  Status StartFile(const std::string& text);

  const CrashRecordsPlace place_;
  const std::string directory_;
  std::unique_ptr<PrivateFile> file_;
  std::size_t file_bytes_ = 0;
};

}  // namespace coffer::fs
