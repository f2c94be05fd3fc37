#include "fs/tree_rename.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "crypto/digest.h"
#include "crypto/encoding.h"
#include "fs/path.h"
#include "fs/rename_journal.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

using Copy = RenameEntry::Copy;
using Entries = std::vector<RenameEntry>;
using KeyList = std::vector<s3::KeyToDelete>;

constexpr std::size_t kDeletesAtOnce = 4;  // DeleteObjects of 1,000 names each
constexpr std::size_t kNamesTold = 5;

// May the request have been carried out although it failed?
bool IsUncertain(Code code) {
  return code == Code::kUnavailable || code == Code::kTimeout || code == Code::kInterrupted;
}

// What deleting many keys came to.
struct Deleted {
  std::uint64_t gone = 0;
  std::uint64_t changed_count = 0;
  std::vector<std::string> changed;  // up to kNamesTold: another version than ours, which stays
  std::optional<Error> error;        // the first one; keys may be left

  void NoteChanged(const std::string& key) {
    ++changed_count;
    if (changed.size() < kNamesTold) changed.push_back(key);
  }
  void Note(const s3::FailedDelete& failure) {
    if (failure.error.code == Code::kChanged) return NoteChanged(failure.key);
    if (!error) error = Error(failure.error).While("delete " + QuotedKey(failure.key));
  }
};

// One rename, at work. Its methods are called from one thread.
class TreeRename {
 public:
  TreeRename(s3::ObjectStore& store, WorkerPool& pool, const TreeRenames::Options& options,
             TreeRenameCounters& counters, RenameHeader header)
      : store_(store),
        pool_(pool),
        options_(options),
        counters_(counters),
        header_(std::move(header)) {}

  // kLocked when one of the files is.
  Status CheckUnlocked();
  // Lists and copies everything; an error is that of the first copy that failed.
  // kDenied for the descriptor of a sealed volume, which is bound to its place.
  Result<RenameEntry> EntryOf(s3::ListedObject object) const;
  Result<TreeRenameResult> CopyAll(RenameJournal& journal, const std::set<std::string>& followed);
  // Chooses keys of one page of the journal.
  using Choose = std::function<Result<KeyList>(const Entries&, Deleted&)>;
  // Deletes what `choose` takes of every page. Locks protect old names, not copies of ours.
  enum class Which { kCopies, kOldNames };
  Deleted DeletePages(RenameJournalReader& reader, Which which, const Choose& choose);

  // Copies that we made, or may have made.
  Result<KeyList> CopiesOf(const Entries& page) const;
  // Old names whose copies stand.
  Result<KeyList> OldNamesOf(const Entries& page) const;
  // The same for a journal that a dead process left: others may have been here since, so both
  // directories are listed first and only what still is as we knew it is chosen.
  Result<KeyList> CopiesOfNow(const Entries& page, Deleted& deleted);
  Result<KeyList> OldNamesOfNow(const Entries& page, Deleted& deleted);

 private:
  using Listed = std::map<std::string, s3::ListedObject>;  // by what follows the prefix

  Status CopyPage(RenameJournal& journal, Entries& page);
  std::optional<Error> CopyOne(RenameEntry& entry);
  Result<s3::CopyRequest> RequestFor(const RenameEntry& entry);
  Result<s3::Written> CopyObject(const RenameEntry& entry, const s3::CopyRequest& request);
  Result<s3::Written> MakeMarker(const s3::CopyRequest& request, Error refusal);
  Status FollowSource(RenameEntry& entry, const Error& changed);
  enum class NewName { kAbsent, kOurs, kForeign };
  NewName LookAtNewName(const RenameEntry& entry);
  bool ReplacedMarker(const RenameEntry& entry) const {
    return entry.name.empty() && !header_.to_marker_etag.empty();
  }
  Result<Listed> ListPage(const std::string& prefix, const Entries& page) const;
  Status ListBoth(const Entries& page, Listed& old_names, Listed& new_names);
  void DeleteBatches(const std::vector<KeyList>& batches, Which which, Deleted& deleted);
  Result<std::vector<s3::FailedDelete>> DeleteUnlocked(const KeyList& keys);
  Status StillUnlocked(const std::string& key);
  std::vector<Status> OfEach(std::size_t count, const std::function<Status(std::size_t)>& look);

  s3::ObjectStore& store_;
  WorkerPool& pool_;
  const TreeRenames::Options& options_;
  TreeRenameCounters& counters_;
  const RenameHeader header_;
  std::int64_t began_s_ = 0;  // server time of the first listing
  std::string page_before_;   // the last name of the journal's page before
};

// The copies are conditional on a new name that is absent: the caller has seen an empty directory.
Result<s3::CopyRequest> TreeRename::RequestFor(const RenameEntry& entry) {
  s3::CopyRequest request;
  request.from = header_.from + entry.name;
  request.to = header_.to + entry.name;
  request.source_etag = entry.etag;
  request.size = entry.size;
  request.storage_class = entry.storage_class;
  request.keep_metadata = entry.size <= s3::kMaxCopySize;
  request.uploads = options_.uploads;
  if (!request.keep_metadata) {
    COFFER_ASSIGN(s3::ObjectInfo info, store_.Head(request.from, {entry.etag, ""}));
    request.target.metadata = std::move(info.metadata);
    request.target.headers = std::move(info.headers);
    request.tag_count = info.tag_count;
  }
  request.target.condition = ReplacedMarker(entry) ? s3::Condition::Matches(header_.to_marker_etag)
                                                   : s3::Condition::Absent();
  return request;
}

Result<s3::Written> TreeRename::CopyObject(const RenameEntry& entry,
                                           const s3::CopyRequest& request) {
  auto written = store_.Copy(request);
  const bool empty_marker = request.to.ends_with('/') && entry.size == 0;
  if (written || !empty_marker || written.error().code != Code::kUnsupported) return written;
  return MakeMarker(request, std::move(written).error());
}

// For servers that copy no marker of a directory: the new one is made as the old one was.
Result<s3::Written> TreeRename::MakeMarker(const s3::CopyRequest& request, Error refusal) {
  COFFER_ASSIGN(s3::ObjectInfo info, store_.Head(request.from, {request.source_etag, ""}));
  if (info.tag_count > 0) return refusal;  // only a copy takes them along
  s3::NewObject marker;
  marker.metadata = std::move(info.metadata);
  marker.headers = std::move(info.headers);
  marker.condition = request.target.condition;
  return store_.Put(request.to, {}, marker);
}

// Somebody wrote the old name after it was listed: the newer version is what moves.
Status TreeRename::FollowSource(RenameEntry& entry, const Error& changed) {
  COFFER_ASSIGN(const s3::ObjectInfo info, store_.Head(header_.from + entry.name, {}));
  if (info.etag == entry.etag && ReplacedMarker(entry)) return changed;  // the new name's marker
  entry.etag = info.etag;
  entry.size = info.size;
  entry.last_modified_s = info.last_modified_s;
  entry.storage_class = info.storage_class;
  return Ok();
}

// The service says that the new name exists, which it did not before we began. A copy whose reply
// was lost and which was asked for again looks like that: it stands when it holds the same content
// and is no older. And where a service does not say which of two conditions failed, it may have
// been the old name's.
TreeRename::NewName TreeRename::LookAtNewName(const RenameEntry& entry) {
  const auto info = store_.Head(header_.to + entry.name, {});
  if (!info) return info.error().code == Code::kNotFound ? NewName::kAbsent : NewName::kForeign;
  const bool same = info->etag == entry.etag && info->size == entry.size;
  return same && info->last_modified_s >= began_s_ ? NewName::kOurs : NewName::kForeign;
}

std::optional<Error> TreeRename::CopyOne(RenameEntry& entry) {
  constexpr int kTries = 4;
  std::optional<Error> error;
  for (int n = 0; n < kTries; ++n) {
    auto request = RequestFor(entry);
    auto written = request ? CopyObject(entry, *request) : Result<s3::Written>(request.error());
    const bool exists = !written && written.error().code == Code::kExists;
    const NewName found = exists ? LookAtNewName(entry) : NewName::kForeign;
    if (written || found == NewName::kOurs) {
      entry.copy = Copy::kMade;
      entry.copy_etag = written ? written->etag : entry.etag;
      entry.made = written ? *std::move(written) : s3::Written{entry.etag};
      counters_.copied += 1;
      return std::nullopt;
    }
    error = std::move(written).error().While("copy " + QuotedKey(header_.from + entry.name));
    if (error->code == Code::kChanged || found == NewName::kAbsent) {
      const Status followed = FollowSource(entry, *error);
      if (followed) continue;
      error = followed.error();
    }
    if (error->code == Code::kNotFound) return std::nullopt;  // deleted meanwhile: nothing moves
    if (IsUncertain(error->code)) entry.copy = Copy::kUnknown;
    return error;
  }
  return error;
}

Status TreeRename::CopyPage(RenameJournal& journal, Entries& page) {
  COFFER_TRY(journal.AddPage(page));
  // Whatever ends a task early must not look like a copy.
  std::vector<std::optional<Error>> errors(page.size(), Error{Code::kNoMemory, "copy: cut short"});
  std::atomic<bool> failed{false};
  TaskGroup group(pool_, options_.width);
  for (std::size_t i = 0; i < page.size(); ++i) {
    group.Add([this, &page, &errors, &failed, i] {
      // After a failure the rest need not be copied only to be removed again.
      page[i].copy = Copy::kNone;
      errors[i] = failed ? std::nullopt : CopyOne(page[i]);
      if (errors[i]) failed = true;
    });
  }
  group.Wait();
  Status noted = journal.AddOutcome(page);
  for (std::optional<Error>& error : errors) {
    if (error) return std::move(*error);
  }
  return noted;
}

// What `look` says of each of `count` things, asked in parallel.
std::vector<Status> TreeRename::OfEach(std::size_t count,
                                       const std::function<Status(std::size_t)>& look) {
  std::vector<Status> said(count, Error{Code::kNoMemory, "cut short"});
  TaskGroup group(pool_, options_.width);
  for (std::size_t i = 0; i < count; ++i) {
    group.Add([&said, &look, i] { said[i] = look(i); });
  }
  group.Wait();
  return said;
}

Status TreeRename::CheckUnlocked() {
  if (!options_.locks.protects()) return Ok();
  s3::ListRequest request{.prefix = header_.from, .delimited = false, .max_keys = options_.page};
  do {
    COFFER_ASSIGN(const s3::ListPage listed, store_.List(request));
    const auto unlocked = [&](std::size_t i) { return StillUnlocked(listed.objects[i].key); };
    for (Status& one : OfEach(listed.objects.size(), unlocked)) COFFER_TRY(one);
    request.token = listed.next_token;
  } while (!request.token.empty());
  return Ok();
}

Status TreeRename::StillUnlocked(const std::string& key) {
  COFFER_ASSIGN(const LockReading reading, ReadLock(store_, key, options_.locks));
  if (!reading.locked) return Ok();
  return LockedError(reading.lock).While(QuotedKey(key));
}

Result<RenameEntry> TreeRename::EntryOf(s3::ListedObject object) const {
  if (IsDescriptorKey(object.key)) {
    return Error{Code::kDenied, "a sealed volume is bound to its place: \"" + object.key +
                                    "\" is the descriptor of one"};
  }
  RenameEntry entry;
  entry.name = object.key.substr(header_.from.size());
  entry.etag = std::move(object.etag);
  entry.last_modified_s = object.last_modified_s;
  entry.size = object.size;
  entry.storage_class = std::move(object.storage_class);
  return entry;
}

Result<TreeRenameResult> TreeRename::CopyAll(RenameJournal& journal,
                                             const std::set<std::string>& followed) {
  TreeRenameResult result;
  s3::ListRequest request{.prefix = header_.from, .delimited = false, .max_keys = options_.page};
  do {
    COFFER_ASSIGN(s3::ListPage listed, store_.List(request));
    if (began_s_ == 0) began_s_ = listed.server_date_s;
    Entries page;
    page.reserve(listed.objects.size());
    for (s3::ListedObject& object : listed.objects) {
      COFFER_ASSIGN(RenameEntry entry, EntryOf(std::move(object)));
      page.push_back(std::move(entry));
    }
    counters_.listed += page.size();
    if (!page.empty()) COFFER_TRY(CopyPage(journal, page));
    for (const RenameEntry& entry : page) {
      const bool made = entry.copy == Copy::kMade;
      if (made) ++result.objects;
      if (made && followed.contains(entry.name))
        result.followed[entry.name] = {entry.etag, entry.made, entry.size};
    }
    request.token = listed.next_token;
  } while (!request.token.empty());
  return result;
}

Result<KeyList> TreeRename::CopiesOf(const Entries& page) const {
  KeyList keys;
  keys.reserve(page.size());
  for (const RenameEntry& entry : page) {
    // A marker that was there before us leaves an empty directory behind, as it was.
    if (entry.copy == Copy::kNone || ReplacedMarker(entry)) continue;
    // One that we may have made is known by its content, which the old name still has.
    const std::string& etag = entry.copy == Copy::kMade ? entry.copy_etag : entry.etag;
    keys.push_back({header_.to + entry.name, etag});
  }
  return keys;
}

Result<KeyList> TreeRename::OldNamesOf(const Entries& page) const {
  KeyList keys;
  keys.reserve(page.size());
  for (const RenameEntry& entry : page) {
    if (entry.copy == Copy::kMade) keys.push_back({header_.from + entry.name, entry.etag});
  }
  return keys;
}

// What is listed now of the page's names, which come in the order of a listing.
Result<TreeRename::Listed> TreeRename::ListPage(const std::string& prefix,
                                                const Entries& page) const {
  Listed found;
  std::set<std::string_view> wanted;
  for (const RenameEntry& entry : page) wanted.insert(entry.name);
  s3::ListRequest request;
  request.prefix = prefix;
  request.delimited = false;
  if (!page_before_.empty()) request.start_after = prefix + page_before_;
  while (true) {
    COFFER_ASSIGN(s3::ListPage listed, store_.List(request));
    const bool past =
        !listed.objects.empty() && listed.objects.back().key >= prefix + page.back().name;
    for (s3::ListedObject& object : listed.objects) {
      std::string name = object.key.substr(prefix.size());
      if (wanted.count(name) > 0) found.emplace(std::move(name), std::move(object));
    }
    if (listed.next_token.empty() || past) return found;
    request.token = listed.next_token;
  }
}

Status TreeRename::ListBoth(const Entries& page, Listed& old_names, Listed& new_names) {
  COFFER_ASSIGN(old_names, ListPage(header_.from, page));
  COFFER_ASSIGN(new_names, ListPage(header_.to, page));
  page_before_ = page.back().name;
  return Ok();
}

Result<KeyList> TreeRename::CopiesOfNow(const Entries& page, Deleted& deleted) {
  Listed old_names;
  Listed new_names;
  COFFER_TRY(ListBoth(page, old_names, new_names));
  KeyList keys;
  for (const RenameEntry& entry : page) {
    const auto copy = new_names.find(entry.name);
    if (entry.copy == Copy::kNone || ReplacedMarker(entry) || copy == new_names.end()) continue;
    const auto old = old_names.find(entry.name);
    const std::string& etag = entry.copy == Copy::kMade ? entry.copy_etag : entry.etag;
    // One that may be ours goes only while the old name has the very content.
    const bool ours = copy->second.etag == etag && old != old_names.end() &&
                      (entry.copy == Copy::kMade || old->second.etag == etag);
    if (ours) {
      keys.push_back({copy->second.key, etag});
    } else {
      deleted.NoteChanged(copy->second.key);
    }
  }
  return keys;
}

Result<KeyList> TreeRename::OldNamesOfNow(const Entries& page, Deleted& deleted) {
  Listed old_names;
  Listed new_names;
  COFFER_TRY(ListBoth(page, old_names, new_names));
  KeyList keys;
  for (const RenameEntry& entry : page) {
    const auto old = old_names.find(entry.name);
    if (entry.copy != Copy::kMade || old == old_names.end()) continue;
    // The time tells an old name from the same content that was put there again since.
    const bool same =
        old->second.etag == entry.etag && old->second.last_modified_s == entry.last_modified_s;
    if (same && new_names.count(entry.name) > 0) {
      keys.push_back({old->second.key, entry.etag});
    } else {
      deleted.NoteChanged(old->second.key);
    }
  }
  return keys;
}

// One by one, each after a last look: one that was locked meanwhile stays.
Result<std::vector<s3::FailedDelete>> TreeRename::DeleteUnlocked(const KeyList& keys) {
  auto said = OfEach(keys.size(), [&](std::size_t i) -> Status {
    const Status unlocked = StillUnlocked(keys[i].key);
    if (unlocked) return store_.Delete(keys[i].key, s3::Condition::Matches(keys[i].etag));
    Error error = unlocked.error();
    if (error.code == Code::kLocked) error.code = Code::kChanged;
    return error;
  });
  std::vector<s3::FailedDelete> failed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!said[i]) failed.push_back({keys[i].key, std::move(said[i]).error()});
  }
  return failed;
}

void TreeRename::DeleteBatches(const std::vector<KeyList>& batches, Which which, Deleted& deleted) {
  using Failures = Result<std::vector<s3::FailedDelete>>;
  std::vector<Failures> results(batches.size(), Error{Code::kNoMemory, "delete: cut short"});
  const bool looks = options_.locks.protects() && which == Which::kOldNames;
  TaskGroup group(pool_, kDeletesAtOnce);
  for (std::size_t i = 0; !looks && i < batches.size(); ++i) {
    group.Add([this, &batches, &results, i] { results[i] = store_.DeleteMany(batches[i]); });
  }
  for (std::size_t i = 0; looks && i < batches.size(); ++i) results[i] = DeleteUnlocked(batches[i]);
  group.Wait();
  for (std::size_t i = 0; i < batches.size(); ++i) {
    if (results[i]) {
      deleted.gone += batches[i].size() - results[i]->size();
      for (const s3::FailedDelete& failure : *results[i]) deleted.Note(failure);
    } else if (!deleted.error) {
      deleted.error = results[i].error();
    }
  }
}

Deleted TreeRename::DeletePages(RenameJournalReader& reader, Which which, const Choose& choose) {
  Deleted deleted;
  std::vector<KeyList> batches;
  while (true) {
    auto page = reader.NextPage();
    if (page && *page) {
      auto keys = choose(**page, deleted);
      if (keys && !keys->empty()) batches.push_back(std::move(*keys));
      if (!keys && !deleted.error) deleted.error = std::move(keys).error();
    }
    const bool ended = !page || !*page;
    if (batches.size() == kDeletesAtOnce || ended) {
      DeleteBatches(batches, which, deleted);
      batches.clear();
    }
    if (!page && !deleted.error) deleted.error = std::move(page).error();
    if (ended) return deleted;
  }
}

std::string NamesTold(const Deleted& deleted) {
  std::string text;
  for (const std::string& key : deleted.changed)
    text += (text.empty() ? "" : ", ") + QuotedKey(key);
  if (deleted.changed_count > deleted.changed.size()) text += ", ...";
  return text;
}

std::string DirectoryFor(const TreeRenames::Options& options) {
  constexpr std::size_t kNameBytes = 16;
  const Sha256Digest digest = Sha256(AsBytes(options.volume));
  return options.state_directory + "/renames/" + HexEncode(ByteView(digest).first(kNameBytes));
}

Status CheckRequest(const TreeRenameRequest& request) {
  if (!request.from.ends_with('/') || !request.to.ends_with('/')) {
    return Error{Code::kInvalid, "a directory's key ends in '/'"};
  }
  if (request.to.starts_with(request.from)) {
    return Error{Code::kInvalid, "a directory cannot move into itself"};
  }
  if (request.from.starts_with(request.to)) {
    return Error{Code::kNotEmpty, "a directory cannot replace one that it lies in"};
  }
  return Ok();
}

}  // namespace

TreeRenames::TreeRenames(s3::ObjectStore& store, WorkerPool& pool, Options options)
    : store_(store), pool_(pool), options_(std::move(options)) {}

Result<TreeRenameResult> TreeRenames::Rename(const TreeRenameRequest& request) {
  COFFER_TRY(CheckRequest(request));
  const RenameHeader header{request.from, request.to, request.to_marker_etag};
  TreeRename rename(store_, pool_, options_, counters_, header);
  COFFER_TRY(rename.CheckUnlocked());
  auto journal = RenameJournal::Begin(DirectoryFor(options_), header);
  if (!journal) {
    return std::move(journal).error().While("a directory is renamed only with a journal");
  }
  auto result = rename.CopyAll(*journal, request.followed);
  Status copied = result ? journal->MarkCopied() : Status(result.error());
  auto reader = RenameJournalReader::Open(journal->path());
  if (!reader) {
    Error error = copied ? reader.error() : std::move(copied).error();
    error.what += "; both names of what was copied exist until the next mount";
    return error;
  }
  if (!copied) {
    const Deleted undone =
        rename.DeletePages(*reader, TreeRename::Which::kCopies,
                           [&](const Entries& page, Deleted&) { return rename.CopiesOf(page); });
    Error error = std::move(copied).error().While("rename " + QuotedKey(request.from) + " to " +
                                                  QuotedKey(request.to));
    if (undone.error) {
      error.what += "; some copies could not be removed again (" + undone.error->what +
                    "), the next mount does it; the old directory is whole";
      return error;
    }
    if (undone.changed_count > 0) {
      error.what += "; left below the new name, not known to be ours: " + NamesTold(undone);
    }
    (void)journal->Remove();  // what stays of it says nothing that is not true
    return error;
  }
  Deleted deleted =
      rename.DeletePages(*reader, TreeRename::Which::kOldNames,
                         [&](const Entries& page, Deleted&) { return rename.OldNamesOf(page); });
  counters_.deleted += deleted.gone;
  if (deleted.error) {
    return std::move(*deleted.error)
        .While(QuotedKey(request.to) + " is complete, but old names are left below " +
               QuotedKey(request.from) + " (the next mount removes them)");
  }
  (void)journal->Remove();
  result->kept = std::move(deleted.changed);
  result->kept_count = deleted.changed_count;
  return result;
}

namespace {

// Takes up one journal; its line for the user, "" when there is nothing to say.
class Recovery {
 public:
  Recovery(RenameJournalReader& reader, TreeRename& rename)
      : reader_(reader), rename_(rename), finish_(reader.all_copied()) {}

  // True when the journal has served its purpose.
  bool Run() {
    const auto which = finish_ ? TreeRename::Which::kOldNames : TreeRename::Which::kCopies;
    deleted_ = rename_.DeletePages(reader_, which, [this](const Entries& page, Deleted& deleted) {
      return finish_ ? rename_.OldNamesOfNow(page, deleted) : rename_.CopiesOfNow(page, deleted);
    });
    return !deleted_.error;
  }

  bool finish() const { return finish_; }

  std::string Line() const {
    const RenameHeader& header = reader_.header();
    std::string line = "the interrupted rename of " + QuotedKey(header.from) + " to " +
                       QuotedKey(header.to) + " was ";
    if (deleted_.error) {
      line += "not " + std::string(finish_ ? "finished" : "undone") +
              " (the next mount tries again): " + deleted_.error->what;
      return line;
    }
    line += finish_ ? "finished: " : "undone: ";
    line += std::to_string(deleted_.gone) + (finish_ ? " old names" : " copies") + " removed";
    if (deleted_.changed_count > 0) {
      line += "; " + std::to_string(deleted_.changed_count) +
              " kept, since they or their counterparts were changed: " + NamesTold(deleted_);
    }
    return line;
  }

 private:
  RenameJournalReader& reader_;
  TreeRename& rename_;
  const bool finish_;
  Deleted deleted_;
};

}  // namespace

RecoveredRenames TreeRenames::Recover() {
  RecoveredRenames recovered;
  const std::string directory = DirectoryFor(options_);
  if (const auto there = MakePrivateDirectory(directory); !there) return recovered;
  const auto names = NamesIn(directory);
  for (std::size_t i = 0; names && i < names->size(); ++i) {
    const std::string path = directory + "/" + (*names)[i];
    auto file = PrivateFile::Open(path);
    const auto dead = file ? file->TryLock() : Result<bool>(file.error());
    if (dead && (!*dead || file->IsRemoved())) continue;
    auto reader =
        dead ? RenameJournalReader::Open(path) : Result<RenameJournalReader>(dead.error());
    if (!reader) {
      ++recovered.unfinished;
      recovered.lines.push_back(path + ": " + reader.error().what);
      continue;
    }
    if (!reader->empty()) {
      TreeRename rename(store_, pool_, options_, counters_, reader->header());
      Recovery recovery(*reader, rename);
      const bool done = recovery.Run();
      ++(!done ? recovered.unfinished : recovery.finish() ? recovered.finished : recovered.undone);
      recovered.lines.push_back(recovery.Line());
      if (!done) continue;
    }
    (void)RemoveFile(path);
  }
  return recovered;
}

}  // namespace coffer::fs
