#include "fs/cmd_versions.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "fs/exit_code.h"
#include "fs/file_versions.h"
#include "fs/interrupts.h"
#include "fs/json.h"
#include "fs/lock_access.h"
#include "fs/lock_places.h"
#include "fs/on_exit.h"
#include "fs/status_report.h"
#include "fs/upload_records.h"
#include "fs/version_rows.h"
#include "fs/volume_session.h"
#include "s3client/time_text.h"

namespace coffer::fs {
namespace {

// Looked at together, and held in memory.
constexpr std::size_t kRows = 500;

struct Counts {
  std::uint64_t versions = 0;  // markers left out
  std::uint64_t markers = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;  // as they are stored
  std::uint64_t locked = 0;
  std::uint64_t unknown = 0;
};

// Who opens like this is asked for by the mount at once, and the next reader sees the same. Where
// it fails, the mount sees the file when it would see any change of another machine.
void MakeMountLook(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) close(fd);
}

// Rows go out as they come: lines, or members of one JSON object.
class VersionWriter {
 public:
  VersionWriter(Console& console, bool json) : console_(console), json_(json) {}

  // `file` is the one that all rows are of; "" where each names its own.
  void Begin(const std::string& file) {
    file_ = file;
    if (!json_) return;
    console_.out << "{\n";
    if (!file.empty()) console_.out << "  \"file\": " << ToText(Json(file), -1) << ",\n";
    console_.out << "  \"versions\": [";
  }

  Status Write(const VersionRow& row, const std::string& shown) {
    const std::string name = file_.empty() ? shown : std::string();
    if (json_) {
      console_.out << (any_ ? ",\n    " : "\n    ") << ToText(VersionJson(row, name), -1);
    } else {
      console_.out << VersionLine(row, name) << "\n";
    }
    any_ = true;
    Count(row);
    return Written();
  }

  // `stopped`: what ended it before the end.
  Status End(const std::optional<Error>& stopped) {
    if (json_) {
      Json tail;
      tail["complete"] = !stopped;
      if (stopped) tail["stopped"] = stopped->what;
      tail["version_count"] = counts_.versions;
      if (file_.empty()) tail["file_count"] = counts_.files;
      if (!file_.empty()) tail["delete_markers"] = counts_.markers;
      tail["bytes"] = counts_.bytes;
      tail["locked"] = counts_.locked;
      tail["unknown"] = counts_.unknown;
      const std::string text = ToText(tail);
      console_.out << (any_ ? "\n  ],\n" : "],\n") << text.substr(2) << "\n";
    } else if (file_.empty()) {
      console_.out << counts_.versions
                   << (counts_.versions == 1 ? " hidden version" : " hidden versions") << " of "
                   << counts_.files << (counts_.files == 1 ? " file, " : " files, ")
                   << HumanBytes(counts_.bytes) << "; " << counts_.locked << " of them locked";
      if (counts_.unknown > 0) console_.out << "; of " << counts_.unknown << " that is not known";
      console_.out << "\n";
    }
    console_.out.flush();
    return Written();
  }

  const Counts& counts() const { return counts_; }

 private:
  void Count(const VersionRow& row) {
    if (row.listed.key != last_) {
      last_ = row.listed.key;
      ++counts_.files;
    }
    if (row.listed.delete_marker) {
      ++counts_.markers;
      return;
    }
    ++counts_.versions;
    counts_.bytes += row.listed.size;
    counts_.locked += row.locked() ? 1 : 0;
    counts_.unknown += row.unknown() ? 1 : 0;
  }
  Status Written() const {
    if (console_.out) return Ok();
    return Error{Code::kNoSpace, "the list of versions could not be written"};
  }

  Console& console_;
  const bool json_;
  std::string file_;
  std::string last_;
  bool any_ = false;
  Counts counts_;
};

class VersionsCommand {
 public:
  VersionsCommand(const VersionsOptions& options, const Environment& environment, Console& console)
      : options_(options), environment_(environment), console_(console) {}

  Result<int> Run();

 private:
  Status Open();
  Status FindDirectory();
  void TellVersioning() const;
  bool MayHaveLocks() const;
  Result<int> ListFile();
  Result<int> ListHidden();
  Status EachHidden(VersionWriter& writer);
  Status Flush(std::vector<VersionRow>& rows, VersionLook& look, VersionWriter& writer);
  int Finished(const VersionWriter& writer, const Status& done) const;
  Result<int> Restore();
  Result<LockPolicy> Policy(const std::string& key);
  int TellRestored(const RestoredVersion& restored) const;
  std::ostream& Err() const { return console_.err << "coffer versions: "; }
  s3::ObjectStore& store() { return session_->stored(); }

  const VersionsOptions& options_;
  const Environment& environment_;
  Console& console_;
  LockVolume volume_;
  LockPlace place_;
  bool unsent_ = false;  // the mount has a change that is in no version
  std::unique_ptr<VolumeSession> session_;
};

Status VersionsCommand::Open() {
  LockCommandOptions wanted;
  wanted.volume = options_.volume;
  wanted.names = {options_.file};
  COFFER_ASSIGN(LockPlaces places, FindLockPlaces(wanted, environment_));
  if (!places.failures.empty()) return std::move(places.failures.front().error);
  for (LockPlaces::Failure& failure : places.unsent) {
    // It would come after what was restored.
    if (!options_.restore.empty()) return std::move(failure.error).While(failure.shown);
    Err() << Printable(failure.shown) << ": " << Printable(failure.error.what) << "\n";
    unsent_ = true;
  }
  volume_ = std::move(places.volumes.front());
  place_ = volume_.places.front();
  COFFER_TRY(FindDirectory());
  std::vector<std::string> notes;
  COFFER_ASSIGN(session_,
                VolumeSession::Open({volume_.volume, {}, "no", "", true}, environment_, notes));
  for (const std::string& note : notes) Err() << Printable(note) << "\n";
  return Ok();
}

// What a name without '/' at its end is, is said by -r: it need not be there any more.
Status VersionsCommand::FindDirectory() {
  if (place_.directory && !options_.hidden) {
    return Error{Code::kInvalid,
                 "a directory; 'coffer versions -r --hidden' shows what is hidden below it"};
  }
  if (options_.hidden && !place_.directory) place_.key += '/';
  return Ok();
}

void VersionsCommand::TellVersioning() const {
  const s3::BucketFacts& facts = session_->facts();
  if (facts.versioned != s3::Tri::kNo) return;
  Err() << (facts.versioning_suspended
                ? "versioning of the bucket is suspended: old versions stay, but what is written "
                  "over or removed now is gone\n"
                : "the bucket keeps no versions: what is written over or removed is gone\n");
}

bool VersionsCommand::MayHaveLocks() const {
  return session_->connection().target().capabilities.object_lock &&
         session_->facts().object_lock != s3::Tri::kNo;
}

Status VersionsCommand::Flush(std::vector<VersionRow>& rows, VersionLook& look,
                              VersionWriter& writer) {
  COFFER_TRY(look.Fill(rows));
  for (const VersionRow& row : rows) COFFER_TRY(writer.Write(row, volume_.Show(row.listed.key)));
  rows.clear();
  return Ok();
}

int VersionsCommand::Finished(const VersionWriter& writer, const Status& done) const {
  if (!done) {
    Err() << "stopped before the end: " << Printable(done.error().what) << "\n";
    return ExitCodeOf(done.error());
  }
  return writer.counts().unknown == 0 && !unsent_ ? kExitOk : kExitPartial;
}

Result<int> VersionsCommand::ListFile() {
  TellVersioning();
  VersionWriter writer(console_, options_.json);
  VersionLook look(store(), session_->pool(), MayHaveLocks());
  VersionOrder order;
  std::vector<VersionRow> rows;
  bool begun = false;
  const auto show = [&]() -> Status {
    if (!std::exchange(begun, true)) writer.Begin(options_.file);
    return Flush(rows, look, writer);
  };
  Status done = EachVersionOf(store(), place_.key, [&](const s3::ListedVersion& version) {
    rows.push_back(order.Next(version));
    return rows.size() < kRows ? Ok() : show();
  });
  if (!done && !begun) return std::move(done).error().While("list its versions");
  if (done && !begun && rows.empty()) {
    return Error{Code::kNotFound, "no such file is stored, and no version of one"};
  }
  if (done) done = show();
  COFFER_TRY(writer.End(done ? std::nullopt : std::optional(done.error())));
  return Finished(writer, done);
}

Status VersionsCommand::EachHidden(VersionWriter& writer) {
  VersionLook look(store(), session_->pool(), MayHaveLocks());
  VersionOrder order;
  std::vector<VersionRow> rows;
  std::string key_marker;
  std::string version_marker;
  do {
    COFFER_ASSIGN(s3::VersionPage page,
                  store().ListVersions(place_.key, key_marker, version_marker));
    for (s3::ListedVersion& version : page.versions) {
      VersionRow row = order.Next(std::move(version));
      const bool hidden = row.hiding != Hiding::kCurrent && !row.listed.delete_marker;
      if (hidden) rows.push_back(std::move(row));
    }
    COFFER_TRY(Flush(rows, look, writer));
    key_marker = std::move(page.next_key_marker);
    version_marker = std::move(page.next_version_marker);
  } while (!key_marker.empty());
  return Ok();
}

Result<int> VersionsCommand::ListHidden() {
  TellVersioning();
  VersionWriter writer(console_, options_.json);
  writer.Begin("");
  const Status done = EachHidden(writer);
  COFFER_TRY(writer.End(done ? std::nullopt : std::optional(done.error())));
  return Finished(writer, done);
}

Result<LockPolicy> VersionsCommand::Policy(const std::string& key) {
  if (!MayHaveLocks()) return LockPolicy{};
  s3::Bucket bucket = session_->connection().MakeBucket();
  LockOptions locks;
  locks.locked = options_.locked;
  std::vector<std::string> notes;
  COFFER_ASSIGN(LockPolicy policy, FindLockPolicy(bucket, session_->facts(), key, locks, notes));
  if (!policy.visible) {
    for (const std::string& note : notes) Err() << Printable(note) << "\n";
  }
  return policy;
}

Result<int> VersionsCommand::Restore() {
  if (!session_->connection().target().capabilities.write) {
    return Error{Code::kUnsupported, "this kind of address only reads"};
  }
  RestoreRequest request;
  request.key = place_.key;
  request.version_id = options_.restore;
  request.versioned = session_->facts().versioned;
  COFFER_ASSIGN(request.locks, Policy(place_.key));
  UploadRecords::Options records;
  records.state_directory = session_->state_directory();
  records.volume = session_->connection().reached_bucket();
  records.warn = [this](const std::string& line) { Err() << Printable(line) << "\n"; };
  COFFER_ASSIGN(const auto uploads, UploadRecords::Open(std::move(records)));
  request.uploads = uploads.get();
  COFFER_ASSIGN(const RestoredVersion restored, RestoreVersion(store(), request));
  if (!volume_.mount.empty() && !restored.was_current) MakeMountLook(volume_.Show(place_.key));
  return TellRestored(restored);
}

int VersionsCommand::TellRestored(const RestoredVersion& restored) const {
  if (options_.json) {
    Json json;
    json["file"] = options_.file;
    json["restored"] = restored.source.version_id;
    json["changed"] = !restored.was_current;
    json["version_id"] =
        restored.was_current ? restored.source.version_id : restored.made.version_id;
    json["overtaken"] = restored.overtaken;
    if (!restored.was_current) json["replaced"] = restored.replaced.version_id;
    console_.out << ToText(json) << "\n";
    return kExitOk;
  }
  const std::string file = Printable(options_.file);
  if (restored.was_current) {
    console_.out << file << ": version " << Printable(restored.source.version_id)
                 << " is the current one already\n";
    return kExitOk;
  }
  console_.out << file << ": version " << Printable(restored.source.version_id) << " of "
               << s3::IsoTime(restored.source.last_modified_s) << " is current again, as version "
               << Printable(restored.made.version_id) << "; below it is "
               << (restored.replaced.delete_marker ? "the delete marker " : "version ")
               << Printable(restored.replaced.version_id) << "\n";
  if (restored.overtaken) Err() << "somebody wrote or removed it right after: that is current\n";
  if (!restored.made.lock.Covers(restored.source_lock)) {
    Err() << "the version that was copied has " << LockInWords(restored.source_lock)
          << ", its copy has " << LockInWords(restored.made.lock) << ": 'coffer lock' locks it\n";
  }
  return kExitOk;
}

Result<int> VersionsCommand::Run() {
  COFFER_ASSIGN(const auto interrupts, Interrupts::Watch());
  COFFER_TRY(Open());
  interrupts->Set([this] { session_->connection().Interrupt(); });
  const OnExit cleared([&] { interrupts->Clear(); });
  if (!options_.restore.empty()) return Restore();
  return options_.hidden ? ListHidden() : ListFile();
}

}  // namespace

int RunVersions(const VersionsOptions& options, const Environment& environment, Console& console) {
  const auto code = VersionsCommand(options, environment, console).Run();
  if (code) return *code;
  console.err << "coffer versions: " << Printable(options.file) << ": "
              << Printable(code.error().what) << "\n";
  if (options.json) console.out << ToText(Json{{"error", code.error().what}}) << "\n";
  return ExitCodeOf(code.error());
}

}  // namespace coffer::fs
