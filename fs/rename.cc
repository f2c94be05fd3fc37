// rename(2): a copy under conditions, then the removal of the old name. Not atomic for other
// machines; no order of failures loses both names.

#include <algorithm>
#include <optional>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/path.h"
#include "fs/tree_rename.h"

namespace coffer::fs {
namespace {

// The turns of all of `files`, taken in their order.
std::vector<std::unique_ptr<Turn::Hold>> TurnsOf(
    const std::vector<std::shared_ptr<OpenFile>>& files) {
  std::vector<std::unique_ptr<Turn::Hold>> turns;
  turns.reserve(files.size());
  for (const auto& file : files) turns.push_back(std::make_unique<Turn::Hold>(file->turn));
  return turns;
}

}  // namespace

// One rename on its way.
struct Filesystem::Impl::Renaming {
  NodePtr from_parent;
  NodePtr to_parent;
  std::string to_name;
  NodePtr node;
  NodePtr replaced;  // null when the new name is free
  std::string from_key;
  std::string to_key;
  std::string replaced_marker;  // ETag of the marker of an empty directory that is replaced
  bool no_replace = false;
};

// While it lives, what S3 says of a node and of all below it is half the truth: whoever asks waits.
class Filesystem::Impl::MovingMark {
 public:
  MovingMark(Tree& tree, Node& node) : tree_(tree), node_(node) {
    const Lock lock(tree_.mu);
    node_.moving = true;
  }
  ~MovingMark() {
    const Lock lock(tree_.mu);
    node_.moving = false;
    tree_.changed.NotifyAll();
  }
  MovingMark(const MovingMark&) = delete;
  MovingMark& operator=(const MovingMark&) = delete;

 private:
  Tree& tree_;
  Node& node_;
};

Status Filesystem::Impl::Rename(NodeId from_parent, std::string_view from, NodeId to_parent,
                                std::string_view to, bool no_replace) {
  COFFER_TRY(CheckWritable());
  Renaming renaming;
  renaming.no_replace = no_replace;
  COFFER_ASSIGN(renaming.from_parent, FindDirectory(from_parent));
  COFFER_ASSIGN(renaming.to_parent, FindDirectory(to_parent));
  renaming.to_name = std::string(to);
  for (const NodePtr& parent : {renaming.from_parent, renaming.to_parent}) {
    COFFER_TRY(Enter(parent, Entering::kToChange));
  }
  COFFER_ASSIGN(renaming.node, LookupNode(renaming.from_parent, from));
  const Borrowed borrowed(*this, renaming.node);
  const std::string_view suffix = renaming.node->directory ? "/" : "";
  COFFER_ASSIGN(renaming.to_key, NewName(renaming.to_parent, to, suffix));
  {
    const Lock lock(tree_.mu);
    renaming.from_key = tree_.Key(*renaming.node);
  }
  if (renaming.from_key == renaming.to_key) return Ok();
  COFFER_TRY(LearnBeforeChange(renaming.node));
  COFFER_TRY(RefuseSealed(renaming.node));  // bound to the name that it has
  auto target = LookupNode(renaming.to_parent, to);
  if (!target && target.error().code != Code::kNotFound) return std::move(target).error();
  std::optional<Borrowed> borrowed_target;
  if (target) {
    renaming.replaced = *target;
    borrowed_target.emplace(*this, *target);
  }
  COFFER_TRY(CheckReplace(renaming));
  return renaming.node->directory ? RenameDirectory(renaming) : RenameFile(renaming);
}

Status Filesystem::Impl::CheckReplace(Renaming& renaming) {
  if (renaming.node->directory && renaming.to_key.starts_with(renaming.from_key)) {
    return Error{Code::kInvalid, "a directory cannot be moved into itself"};
  }
  if (!renaming.replaced) return Ok();
  COFFER_TRY(LearnBeforeChange(renaming.replaced));
  COFFER_TRY(RefuseSealed(renaming.replaced));
  if (renaming.no_replace) return Error{Code::kExists, "the new name is taken"};
  const bool onto_directory = renaming.replaced->directory != nullptr;
  if (onto_directory && !renaming.node->directory) {
    return Error{Code::kIsDirectory, "a file cannot replace a directory"};
  }
  if (!onto_directory && renaming.node->directory) {
    return Error{Code::kNotDirectory, "a directory cannot replace a file"};
  }
  if (!onto_directory) return Ok();
  COFFER_ASSIGN(renaming.replaced_marker, MarkerOfEmpty(renaming.replaced, renaming.to_key));
  return Ok();
}

Status Filesystem::Impl::RenameFile(Renaming& renaming) {
  // Whoever writes either file waits; taken in one order, so that two renames cannot block each
  // other.
  std::vector<std::shared_ptr<OpenFile>> files;
  {
    const Lock lock(tree_.mu);
    if (renaming.node->writing) files.push_back(renaming.node->writing);
    if (renaming.replaced && renaming.replaced->writing) {
      files.push_back(renaming.replaced->writing);
    }
  }
  std::sort(files.begin(), files.end());
  const auto turns = TurnsOf(files);
  for (const auto& file : files) {
    if (file->node == renaming.node) COFFER_TRY(CommitTurn(*file));
  }
  const MovingMark moving(tree_, *renaming.node);
  const ChangeGate::Hold gate(gate_, {renaming.from_key, renaming.to_key});
  COFFER_TRY(CheckStillUnlocked(renaming.node, renaming.from_key, {}));
  if (renaming.replaced) {
    COFFER_TRY(CheckStillUnlocked(renaming.replaced, renaming.to_key, {}));
  }
  COFFER_ASSIGN(s3::CopyRequest copy, CopyForRename(renaming));
  auto moved = RenameAtOnce(renaming, copy);
  if (!moved && moved.error().code == Code::kUnsupported) moved = CopyAndDelete(copy);
  if (!moved) {
    ForgetTrees(renaming);
    return std::move(moved).error();
  }
  const s3::Written& written = *moved;
  for (const auto& file : files) {
    if (file->node == renaming.node) {
      file->writer.MoveTo({written.etag, written.version_id, copy.size, written.server_date_s});
    } else {
      file->unlinked = true;
    }
  }
  FileRenamed(renaming, copy, written);
  for (const auto& file : files) FollowName(*file);
  ForgetNumbers(renaming.node);
  return Ok();
}

Result<s3::Written> Filesystem::Impl::CopyAndDelete(const s3::CopyRequest& copy) {
  COFFER_ASSIGN(s3::Written written, parts_.store.Copy(copy));
  Status removed = parts_.store.Delete(copy.from, s3::Condition::Matches(copy.source_etag));
  // Somebody wrote the old name after our copy: theirs is a new file and stays.
  if (!removed && removed.error().code != Code::kNotFound &&
      removed.error().code != Code::kChanged) {
    return std::move(removed).error().While("both names exist now: remove the old one");
  }
  return written;
}

// In a directory bucket, unless the copy is to change attributes: one request, atomic for other
// machines too. kUnsupported when the copy must be made: also after a refusal that says nothing of
// the two conditions, for then the copy's own is the better answer.
Result<s3::Written> Filesystem::Impl::RenameAtOnce(const Renaming& renaming,
                                                   s3::CopyRequest& copy) {
  const Error needs_copy{Code::kUnsupported, "a copy is needed"};
  if (!options_.rename_object) return needs_copy;
  {
    const Lock lock(tree_.mu);
    if (renaming.node->waiting) return needs_copy;
  }
  Status renamed =
      parts_.store.Rename({copy.from, copy.to, copy.source_etag, copy.target.condition});
  if (!renamed) {
    Error error = std::move(renamed).error();
    const bool final = error.code == Code::kExists || error.code == Code::kChanged ||
                       error.code == Code::kUnavailable || error.code == Code::kTimeout ||
                       error.code == Code::kInterrupted;
    if (!final) error.code = Code::kUnsupported;
    return error;
  }
  copy.keep_metadata = true;
  const Lock lock(tree_.mu);
  const FileVersion& version = renaming.node->version;
  return s3::Written{copy.source_etag, version.version_id, version.last_modified_s};
}

// st_ino comes from the key: whoever walks the tree next must not be shown an old number first and
// the new one a moment later.
void Filesystem::Impl::ForgetNumbers(const NodePtr& node) {
  KernelCache* const kernel = kernel_.load();
  if (kernel == nullptr) return;
  std::vector<NodePtr> renamed;
  {
    const Lock lock(tree_.mu);
    renamed = tree_.Below(node);
  }
  for (const NodePtr& one : renamed) kernel->ForgetAttributes(one->id);
}

// Metadata and headers go along inside S3, unless a change of attributes waits: then it is part of
// the copy. One that was made here needs no HEAD for that.
Result<s3::CopyRequest> Filesystem::Impl::CopyForRename(const Renaming& renaming) {
  bool whole = false;
  s3::CopyRequest copy;
  {
    const Lock lock(tree_.mu);
    const Node& node = *renaming.node;
    const bool proved = parts_.sealer != nullptr && node.object != nullptr;
    whole = node.waiting != nullptr || proved || node.version.size > s3::kMaxCopySize;
    copy.source_etag = node.version.etag;
    copy.size = node.version.size;
    copy.storage_class = node.version.storage_class;
    copy.keep_metadata = true;
  }
  if (whole) {
    COFFER_ASSIGN(copy, CopyWithAttributes(renaming.node, renaming.from_key));
  }
  copy.from = renaming.from_key;
  copy.to = renaming.to_key;
  const Lock lock(tree_.mu);
  copy.target.condition = renaming.replaced
                              ? s3::Condition::Matches(renaming.replaced->version.etag)
                              : s3::Condition::Absent();
  if (renaming.replaced && renaming.replaced->version.etag.empty()) {
    copy.target.condition = s3::Condition::Absent();  // open for writing, never committed
  }
  return copy;
}

void Filesystem::Impl::FileRenamed(const Renaming& renaming, const s3::CopyRequest& copy,
                                   const s3::Written& written) {
  const Lock lock(tree_.mu);
  Node& node = *renaming.node;
  if (!copy.keep_metadata) {
    node.waiting = nullptr;
    waiting_.erase(node.id);
  }
  if (node.object) {
    auto object = std::make_shared<s3::ObjectInfo>(*node.object);
    object->etag = written.etag;
    object->version_id = written.version_id;
    object->last_modified_s = written.server_date_s;
    if (!copy.keep_metadata) object->metadata = copy.target.metadata;
    node.object = std::move(object);
  }
  node.version.etag = written.etag;
  node.version.version_id = written.version_id;
  node.version.last_modified_s = written.server_date_s;
  node.valid_until = Until(options_.metadata_ttl);
  ShowLockOfMade(node, written);
  if (node.writing) node.writing->given_lock = node.lock.lock;
  Renamed(renaming);
}

// The names are as asked for; the node goes along.
void Filesystem::Impl::Renamed(const Renaming& renaming) {
  Fact gone;
  gone.valid_until = Until(options_.negative_ttl);
  renaming.from_parent->directory->kept.erase(renaming.node->name);
  tree_.Change(*renaming.from_parent, renaming.node->name, gone);
  if (renaming.replaced) {
    renaming.replaced->waiting = nullptr;  // it goes with what it was about
    waiting_.erase(renaming.replaced->id);
    tree_.Detach(*renaming.replaced);
  }
  KeepIfImplicit(renaming.from_parent);
  tree_.Move(renaming.node, renaming.to_parent, renaming.to_name);
  tree_.Change(*renaming.to_parent, renaming.to_name, FactFrom(*renaming.node));
}

Status Filesystem::Impl::RenameDirectory(Renaming& renaming) {
  COFFER_TRY(SendWaitingBelow(renaming.node));
  // Whoever writes a file below waits; what was written goes along as whole objects.
  const std::vector<std::shared_ptr<OpenFile>> files = WritersBelow(renaming.node);
  const auto turns = TurnsOf(files);
  for (const auto& file : files) COFFER_TRY(CommitTurn(*file));
  for (const auto& file : files) COFFER_TRY(SendWaiting(file->node, file.get()));
  const MovingMark moving(tree_, *renaming.node);
  const ChangeGate::Hold gate(gate_, {renaming.from_key, renaming.to_key});
  auto renamed = parts_.renames.Rename(
      {renaming.from_key, renaming.to_key, renaming.replaced_marker, NamesBelow(renaming, files)});
  if (!renamed) {
    ForgetTrees(renaming);
    return std::move(renamed).error();
  }
  for (const auto& kept : renamed->kept) {
    parts_.observer.Warn("\"" + kept + "\" was written again, or locked, while its directory was " +
                         "renamed: it stays under the old name too");
  }
  {
    const Lock lock(tree_.mu);
    Renamed(renaming);
    tree_.Expire(*renaming.node);
  }
  for (const auto& file : files) {
    FollowName(*file);
    const auto copy = renamed->followed.find(file->key.substr(renaming.to_key.size()));
    if (copy == renamed->followed.end()) continue;
    FollowCopy(*file, copy->second);
  }
  ForgetNumbers(renaming.node);
  return Ok();
}

// Files that are open for writing below, in an order that all who take several turns keep to.
std::vector<std::shared_ptr<OpenFile>> Filesystem::Impl::WritersBelow(const NodePtr& directory) {
  std::vector<std::shared_ptr<OpenFile>> files;
  const Lock lock(tree_.mu);
  for (const NodePtr& node : tree_.Below(directory)) {
    if (node->writing) files.push_back(node->writing);
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The names of open files as the rename knows them.
std::set<std::string> Filesystem::Impl::NamesBelow(
    const Renaming& renaming, const std::vector<std::shared_ptr<OpenFile>>& files) {
  std::set<std::string> names;
  const Lock lock(tree_.mu);
  for (const auto& file : files) {
    names.insert(tree_.Key(*file->node).substr(renaming.from_key.size()));
  }
  return names;
}

// The file's object was copied to a new name, perhaps under a new ETag: later commits replace that.
// A copy of what another machine had put in its place is not ours to replace: their condition stays
// as it was, and is lost. The lock that the copy got from us is none to whoever writes the file, as
// for a single file; one that others gave it since is. The caller holds the turn.
void Filesystem::Impl::FollowCopy(OpenFile& file, const CopiedVersion& copy) {
  const Lock lock(tree_.mu);
  FileVersion& version = file.node->version;
  if (copy.from_etag != version.etag || copy.size != version.size) return;
  version.etag = copy.made.etag;
  version.version_id.clear();  // the ETag tells versions apart
  file.writer.MoveTo(version);
  ShowLockOfMade(*file.node, copy.made);
  file.given_lock = file.node->lock.lock;
}

// A rename failed on its way: either side may hold some of it, so both are asked anew.
void Filesystem::Impl::ForgetTrees(const Renaming& renaming) {
  const Lock lock(tree_.mu);
  if (renaming.node->directory) tree_.Expire(*renaming.node);
  renaming.node->valid_until = {};
  for (const auto& [parent, name] : {std::pair(renaming.from_parent, renaming.node->name),
                                     std::pair(renaming.to_parent, renaming.to_name)}) {
    ForgetFacts(*parent, name);
  }
}

}  // namespace coffer::fs
