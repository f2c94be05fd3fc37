// The journal of one directory rename: what is to be copied, what became of each copy, and whether
// all copies stand. One file below the state directory, locked by the process that works on it.
//
// A line each: 'H' the rename, then for every page of names 'P' before its copies begin and 'D'
// with their outcome, and at last 'C', when every copy stands and old names may go. Names are
// percent-encoded. A line that a crash cut short counts as not written. Not thread-safe; blocks on
// the local disk only.

#pragma once

#include <cstdint>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/result.h"
#include "fs/private_file.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct RenameEntry {
  // kUnknown: a copy may stand under the new name, or not.
  enum class Copy { kUnknown, kMade, kNone };
  std::string name;  // what follows the prefix; "" is the directory's own marker
  std::string etag;  // of the old name, as listed or, when it had changed by then, as copied
  std::int64_t last_modified_s = 0;
  std::uint64_t size = 0;
  std::string storage_class;
  Copy copy = Copy::kUnknown;
  std::string copy_etag;  // kMade: of the new name
  s3::Written made = {};  // the same, with all that its reply said; not in the journal
};

struct RenameHeader {
  std::string from;
  std::string to;
  std::string to_marker_etag;  // "" when the new directory had no marker
};

class RenameJournal {
 public:
  static Result<RenameJournal> Begin(const std::string& directory, const RenameHeader& header);

  // On the disk when it returns.
  Status AddPage(std::span<const RenameEntry> entries);
  // The outcome of the page that was added last; on the disk with the next page or MarkCopied.
  Status AddOutcome(std::span<const RenameEntry> entries);
  // On the disk when it returns: every copy stands.
  Status MarkCopied();
  // The rename is over, one way or the other.
  Status Remove();
  const std::string& path() const { return file_.path(); }

 private:
  explicit RenameJournal(PrivateFile file) : file_(std::move(file)) {}
  Status Sync();

  PrivateFile file_;
  bool named_ = false;  // its directory entry is on the disk
};

// Reads a journal, its own process' or a dead one's, page by page.
class RenameJournalReader {
 public:
  // kCorrupt when it is no journal of this version; kNotFound is never returned.
  static Result<RenameJournalReader> Open(const std::string& path);

  // Nothing was begun: the header had not been written whole.
  bool empty() const { return !header_; }
  const RenameHeader& header() const { return *header_; }
  bool all_copied() const { return all_copied_; }
  // Nothing after the last page. Entries without an outcome are kUnknown.
  Result<std::optional<std::vector<RenameEntry>>> NextPage();

 private:
  explicit RenameJournalReader(std::ifstream stream) : stream_(std::move(stream)) {}
  std::optional<std::string> NextLine();

  std::ifstream stream_;
  std::optional<RenameHeader> header_;
  bool all_copied_ = false;
};

}  // namespace coffer::fs
