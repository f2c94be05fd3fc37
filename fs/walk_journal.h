// How far a walk over a volume has come, and what it found, on this machine's disk: so that a run
// that was interrupted goes on where it stopped, and what it found takes no memory.
//
// A file below the state directory for each operation and volume; one walk at a time has it. Lines
// are added; what stands after the last saved place is cut off when a walk goes on there, so a
// crash loses the last moments and nothing else. Not safe to share between threads; blocks on the
// local disk only.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "crypto/result.h"
#include "fs/private_file.h"

namespace coffer::fs {

struct WalkCount {
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};
using WalkCounts = std::map<std::string, WalkCount>;  // by outcome

// Something that has to be told of one object.
struct WalkFinding {
  std::string key;
  std::string outcome;
  std::string reason;
};

// Every key up to and including `done` was dealt with.
struct WalkPlace {
  std::string done;
  WalkCounts counts;
  std::uint64_t findings = 0;
};

class WalkJournal {
 public:
  struct Name {
    std::string state_directory;
    std::string operation;  // "verify"
    std::string address;    // VolumeAddress and what of it is walked over
    std::string settings;   // what must be the same for two halves to make a whole
  };
  // With `resume` the place where an unfinished walk stopped is in place(); without, and where
  // there is none, the journal is empty. kBusy while another process has it; kInvalid for an
  // unfinished walk of other settings.
  static Result<std::unique_ptr<WalkJournal>> Open(const Name& name, bool resume);
  WalkJournal(const WalkJournal&) = delete;
  WalkJournal& operator=(const WalkJournal&) = delete;

  const std::optional<WalkPlace>& place() const { return place_; }

  Status Add(const WalkFinding& finding);
  // On the disk when it returns, with all findings added before.
  Status Save(const WalkPlace& place);
  // This walk cannot be gone on with: its objects come in no order.
  Status Void();
  // All findings, those of the earlier half first. Stops at the first error.
  Status ForEach(const std::function<Status(const WalkFinding&)>& visit);
  // The walk is over.
  Status Remove();

 private:
  WalkJournal(PrivateFile file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}
  Status Load(const Name& name);
  Status Flush();

  PrivateFile file_;
  std::string path_;
  std::string buffer_;  // lines that are not in the file yet
  std::optional<WalkPlace> place_;
};

}  // namespace coffer::fs
