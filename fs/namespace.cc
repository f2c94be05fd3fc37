// mkdir, symlink, unlink, rmdir, rename: one gate at a time for each name.

#include <optional>
#include <utility>

#include "fs/filesystem_impl.h"
#include "fs/path.h"

namespace coffer::fs {
namespace {

constexpr std::size_t kLongestTarget = 4095;  // Linux's PATH_MAX - 1

}  // namespace

Result<std::string> Filesystem::Impl::NewName(const NodePtr& parent, std::string_view name,
                                              std::string_view suffix) const {
  if (name.size() > kMaxName) return Error{Code::kNameTooLong, "name over 255 bytes"};
  if (!IsName(name)) return Error{Code::kInvalid, "not a name"};
  const Lock lock(tree_.mu);
  if (parent->gone) return Error{Code::kNotFound, "the directory is gone"};
  std::string key = tree_.ChildKey(*parent, name).append(suffix);
  if (key.size() > kMaxKey) {
    return Error{Code::kNameTooLong, "object keys have at most 1024 bytes"};
  }
  return key;
}

Result<EntryReply> Filesystem::Impl::MakeDirectory(NodeId parent_id, std::string_view name,
                                                   std::uint32_t mode, const Caller& caller) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  COFFER_ASSIGN(const std::string key, NewName(parent, name, "/"));
  COFFER_TRY(Enter(parent, Entering::kToChange));
  const ChangeGate::Hold gate(gate_, {key});
  s3::NewObject marker = MarkerObject();
  Fact fact;
  fact.attributes = NewAttributes(FileType::kDirectory, mode, caller);
  fact.sealed = HoldsSealed::kNo;
  marker.metadata = ToMetadata({}, fact.attributes);
  COFFER_ASSIGN(const s3::Written written, parts_.store.Put(key, {}, marker));
  const NodePtr node = MadeHere(parent, std::string(name), std::move(fact), written, marker);
  const Lock lock(tree_.mu);
  // Nothing is in it but what this mount will put there: creating files needs no listing.
  auto empty = std::make_shared<Listing>();
  empty->has_marker = true;
  const s3::SteadyTime until = Until(options_.metadata_ttl);
  tree_.InstallListing(*node, std::move(empty), 1, until, until);
  return ReplyFor(*node);
}

Result<EntryReply> Filesystem::Impl::MakeSymlink(NodeId parent_id, std::string_view name,
                                                 std::string_view target, const Caller& caller) {
  COFFER_TRY(CheckWritable());
  if (target.empty()) return Error{Code::kNotFound, "a symbolic link to nothing"};
  if (target.size() > kLongestTarget) return Error{Code::kNameTooLong, "target over 4095 bytes"};
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  COFFER_ASSIGN(const std::string key, NewName(parent, name, ""));
  COFFER_TRY(Enter(parent, Entering::kToChange));
  const ChangeGate::Hold gate(gate_, {key});
  s3::NewObject object;
  Fact fact;
  fact.attributes = NewAttributes(FileType::kSymlink, 0777, caller);
  fact.version.size = target.size();
  object.metadata = ToMetadata({}, fact.attributes);
  object.condition = s3::Condition::Absent();
  COFFER_ASSIGN(const s3::Written written, parts_.store.Put(key, AsBytes(target), object));
  const NodePtr node = MadeHere(parent, std::string(name), std::move(fact), written, object);
  const Lock lock(tree_.mu);
  if (IsLocked(*node)) node->just_made = {node->lock.lock, Until(options_.attribute_delay)};
  return ReplyFor(*node);
}

// The name that one PUT of this mount has just made, looked up once.
NodePtr Filesystem::Impl::MadeHere(const NodePtr& parent, const std::string& name, Fact fact,
                                   const s3::Written& written, const s3::NewObject& sent) {
  fact.present = true;
  fact.version.etag = written.etag;
  fact.version.version_id = written.version_id;
  fact.version.last_modified_s = written.server_date_s;
  fact.marker = fact.attributes.type == FileType::kDirectory;
  fact.valid_until = fact.marker_until = Until(options_.metadata_ttl);
  KeepLock(fact, LockOfMade(written));
  auto object = std::make_shared<s3::ObjectInfo>();
  object->etag = written.etag;
  object->version_id = written.version_id;
  object->size = fact.version.size;
  object->last_modified_s = object->server_date_s = written.server_date_s;
  object->metadata = sent.metadata;
  object->headers = sent.headers;
  const Lock lock(tree_.mu);
  tree_.Change(*parent, name, fact);
  NodePtr node = tree_.Adopt(parent, name, fact);
  tree_.Remember(node, std::move(object));
  return node;
}

Result<std::string> Filesystem::Impl::ReadLink(NodeId id) {
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  std::string key;
  FileVersion version;
  {
    const Lock lock(tree_.mu);
    if (node->attributes.type != FileType::kSymlink) {
      return Error{Code::kInvalid, "not a symbolic link"};
    }
    key = tree_.Key(*node);
    version = node->version;
  }
  if (version.size == 0) return Error{Code::kInvalid, "a symbolic link to nothing"};
  COFFER_TRY(RefuseSealed(node));
  auto fetched =
      parts_.store.Get(key, {0, kLongestTarget}, {.etag = version.etag, .version_id = {}});
  if (fetched) return std::string(AsText(fetched->body));
  if (fetched.error().code != Code::kChanged && fetched.error().code != Code::kNotFound) {
    return std::move(fetched).error();
  }
  NoteReplaced(node, key, version);
  return Error{Code::kChanged, "replaced or removed a moment ago"};
}

// --- removal ---

Status Filesystem::Impl::Unlink(NodeId parent_id, std::string_view name) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  COFFER_TRY(Enter(parent, Entering::kToChange));
  COFFER_ASSIGN(const NodePtr node, LookupNode(parent, name));
  const Borrowed borrowed(*this, node);
  if (node->directory) return Error{Code::kIsDirectory, "unlink of a directory"};
  std::shared_ptr<OpenFile> file;
  std::string key;
  {
    const Lock lock(tree_.mu);
    file = node->writing;
    key = tree_.Key(*node);
  }
  std::optional<Turn::Hold> turn;  // no commit overtakes the removal
  if (file) turn.emplace(file->turn);
  const ChangeGate::Hold gate(gate_, {key});
  bool in_s3 = true;
  {
    const Lock lock(tree_.mu);
    in_s3 = !node->version.etag.empty();
  }
  // A write that failed may have been stored all the same.
  if (file && file->failed) in_s3 = true;
  if (in_s3) COFFER_TRY(CheckStillUnlocked(node, key, {}));
  if (in_s3) COFFER_TRY(parts_.store.Delete(key, s3::Condition::None()));
  if (file) file->unlinked = true;
  const Lock lock(tree_.mu);
  Removed(parent, node);
  return Ok();
}

void Filesystem::Impl::Removed(const NodePtr& parent, const NodePtr& node) {
  Fact gone;
  gone.valid_until = Until(options_.negative_ttl);
  node->waiting = nullptr;  // changes that were not sent go with the name
  waiting_.erase(node->id);
  parent->directory->kept.erase(node->name);
  tree_.Change(*parent, node->name, gone);
  tree_.Detach(*node);
  KeepIfImplicit(parent);
}

// An implicit directory that lost an entry here may have lost its last: it stays visible, as any
// directory does, for as long as this mount lives.
void Filesystem::Impl::KeepIfImplicit(const NodePtr& directory) {
  // An ancestor that has no marker either may have been there for this entry alone.
  for (const Node* at = directory.get(); at->parent && !at->marker && !at->gone;
       at = at->parent.get()) {
    at->parent->directory->kept.insert(at->name);
  }
}

Status Filesystem::Impl::RemoveDirectory(NodeId parent_id, std::string_view name) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr parent, FindDirectory(parent_id));
  COFFER_TRY(Enter(parent, Entering::kToChange));
  COFFER_ASSIGN(const NodePtr node, LookupNode(parent, name));
  const Borrowed borrowed(*this, node);
  if (!node->directory) return Error{Code::kNotDirectory, "rmdir of a file"};
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*node);
  }
  const ChangeGate::Hold gate(gate_, {key});
  COFFER_ASSIGN(const std::string marker, MarkerOfEmpty(node, key));
  if (!marker.empty()) COFFER_TRY(parts_.store.Delete(key, s3::Condition::None()));
  if (HasFolderMarker(*parent, node->name)) {
    const std::string folder = key.substr(0, key.size() - 1).append(kFolderSuffix);
    COFFER_TRY(parts_.store.Delete(folder, s3::Condition::None()));
  }
  const Lock lock(tree_.mu);
  Removed(parent, node);
  return Ok();
}

bool Filesystem::Impl::HasFolderMarker(const Node& parent, const std::string& name) const {
  const Lock lock(tree_.mu);
  const auto& listing = parent.directory->listing;
  return listing && listing->HasFolder(name);
}

// The ETag of the marker of a directory that has nothing else below its key; "" when there is no
// marker either. Keys that cannot be shown count: their directory is not empty (kNotEmpty).
Result<std::string> Filesystem::Impl::MarkerOfEmpty(const NodePtr& node, const std::string& key) {
  {
    const Lock lock(tree_.mu);
    bool busy = !node->directory->kept.empty();
    for (const auto& [name, child] : node->directory->children) {
      busy = busy || (child->writing && !child->gone);
    }
    if (busy) return Error{Code::kNotEmpty, "the directory is not empty"};
  }
  s3::ListRequest request;
  request.prefix = key;
  request.delimited = false;
  request.max_keys = 2;
  COFFER_ASSIGN(const s3::ListPage page, parts_.store.List(request));
  std::string marker;
  for (const auto& object : page.objects) {
    if (object.key != key) return Error{Code::kNotEmpty, "the directory is not empty"};
    marker = object.etag;
  }
  return marker;
}

}  // namespace coffer::fs
