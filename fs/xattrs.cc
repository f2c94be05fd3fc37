// Extended attributes: the user's own travel as metadata; Coffer's answer getxattr and are left out
// of listxattr, so that `cp -a` and `rsync -X` do not copy them.

#include <functional>
#include <map>
#include <utility>

#include "fs/archive_state.h"
#include "fs/filesystem_impl.h"
#include "fs/path.h"
#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

constexpr std::string_view kUser = "user.";
constexpr std::string_view kLock = "user.coffer.lock.";
// Where other tools that know of write-once files look for the date.
constexpr std::string_view kImmutableUntil = "user.immutable.until";
constexpr std::size_t kLongestName = 255;
constexpr std::size_t kLargestValue = 64u << 10;

Error NoSuchAttribute() { return {Code::kNoAttribute, "no such extended attribute"}; }

// What the object itself says, under the name that follows "user.coffer.".
using ObjectField = std::function<std::string(const s3::ObjectInfo&)>;
const std::map<std::string_view, ObjectField>& ObjectFields() {
  static const std::map<std::string_view, ObjectField> fields = {
      {"etag", [](const s3::ObjectInfo& o) { return o.etag; }},
      {"version-id", [](const s3::ObjectInfo& o) { return o.version_id; }},
      {"storage-class", [](const s3::ObjectInfo& o) { return o.storage_class; }},
      {"content-type", [](const s3::ObjectInfo& o) { return o.headers.content_type; }},
      {"restore", ArchiveInWords},
      {"sse", [](const s3::ObjectInfo& o) { return o.sse; }},
      {"sse-kms-key-id", [](const s3::ObjectInfo& o) { return o.sse_kms_key_id; }},
  };
  return fields;
}

}  // namespace

Result<std::string> Filesystem::Impl::GetXattr(NodeId id, std::string_view name) {
  // Asked by every `ls -l` (security.selinux, system.posix_acl_access): answered without a request.
  if (!name.starts_with(kUser)) return Error{Code::kUnsupported, "only user.* is kept"};
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*node);
  }
  if (name == kImmutableUntil) {
    auto until = GetLockXattr(node, "retain-until");
    if (until) return until;  // else what somebody has stored there, if anything
  }
  if (!name.starts_with(kOwnXattrs)) {
    COFFER_ASSIGN(const Xattrs xattrs, XattrsOf(node, key));
    const auto found = xattrs.find(std::string(name));
    if (found == xattrs.end()) return NoSuchAttribute();
    return found->second;
  }
  if (name.starts_with(kLock)) return GetLockXattr(node, name.substr(kLock.size()));
  const std::string_view field = name.substr(kOwnXattrs.size());
  if (field == "source") return options_.source;
  if (field == "key") return key;
  if (node->id == kRootNode && parts_.volume_field) {
    const std::string value = parts_.volume_field(field);
    if (!value.empty()) return value;
  }
  if (field == "sealed" || field == "kms-key") return SealedField(node, key, field);
  const auto known = ObjectFields().find(field);
  if (known == ObjectFields().end() || node->id == kRootNode) return NoSuchAttribute();
  auto info = parts_.store.Head(key, {});
  if (!info && info.error().code == Code::kNotFound) return NoSuchAttribute();
  if (!info) return std::move(info).error();
  std::string value = known->second(*info);
  if (value.empty()) return NoSuchAttribute();
  return value;
}

// Whether an object is sealed, and under which KMS keys: what its header says, without a key.
Result<std::string> Filesystem::Impl::SealedField(const NodePtr& node, const std::string& key,
                                                  std::string_view field) {
  std::string etag;
  bool bound = false;
  {
    const Lock lock(tree_.mu);
    etag = node->version.etag;
    bound = node->bound || (node->extra && IsBound(*node->extra));
  }
  if (node->id == kRootNode || etag.empty()) return NoSuchAttribute();  // no object yet
  if (parts_.sealer == nullptr) {
    if (field != "sealed" || (!bound && !options_.exact_attributes)) return NoSuchAttribute();
    return std::string(bound ? "yes" : "no");
  }
  const auto keys = parts_.sealer->KeysOf(key, etag);
  if (!keys && keys.error().code == Code::kCorrupt) {
    if (field != "sealed") return NoSuchAttribute();
    return std::string("no");
  }
  if (!keys) return keys.error();
  if (field == "sealed") return std::string("yes");
  std::string names;
  for (const EncryptedDataKey& one : *keys) {
    if (one.provider == "aws-kms") names += (names.empty() ? "" : ",") + one.info;
  }
  if (names.empty()) return NoSuchAttribute();
  return names;
}

Result<std::vector<std::string>> Filesystem::Impl::ListXattrs(NodeId id) {
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  std::string key;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*node);
  }
  COFFER_ASSIGN(const Xattrs xattrs, XattrsOf(node, key));
  std::vector<std::string> names;
  for (const auto& [name, value] : xattrs) names.push_back(name);
  return names;
}

// The user's own attributes of a node. What a lookup learned counts; where attributes come from
// listings alone, the object is asked.
Result<Xattrs> Filesystem::Impl::XattrsOf(const NodePtr& node, const std::string& key) {
  {
    const Lock lock(tree_.mu);
    const bool known = options_.exact_attributes || node->writing || node->waiting;
    if (known) return node->extra ? XattrsFromMetadata(*node->extra) : Xattrs{};
  }
  auto info = parts_.store.Head(key, {});
  if (!info && info.error().code == Code::kNotFound && node->directory) return Xattrs{};
  if (!info) return std::move(info).error();
  return XattrsFromMetadata(info->metadata);
}

Status Filesystem::Impl::SetXattr(NodeId id, std::string_view name,
                                  std::optional<std::string_view> value, XattrMode mode) {
  COFFER_TRY(CheckWritable());
  COFFER_ASSIGN(const NodePtr node, FindNode(id));
  if (name.starts_with(kLock)) return SetLockXattr(id, name.substr(kLock.size()), value);
  if (!name.starts_with(kUser)) {
    const Lock lock(tree_.mu);
    if (IsLocked(*node)) return LockedError(node->lock.lock);
    return Error{Code::kUnsupported, "only user.* is kept"};
  }
  if (name.starts_with(kOwnXattrs)) {
    return Error{Code::kNotPermitted, "user.coffer.* is Coffer's own and cannot be set"};
  }
  if (name.size() > kLongestName) return Error{Code::kRange, "name over 255 bytes"};
  if (!IsXattrName(name)) return Error{Code::kInvalid, "not a name that metadata can carry"};
  if (value && value->size() > kLargestValue) return Error{Code::kNoSpace, "value over 64 KiB"};
  COFFER_TRY(Revalidate(node, false));
  COFFER_TRY(EnterToChange(node));
  COFFER_TRY(CheckUnlocked(node));
  COFFER_TRY(LearnAttributes(node));
  COFFER_TRY(RefuseSealed(node));
  std::string key;
  std::shared_ptr<OpenFile> file;
  {
    const Lock lock(tree_.mu);
    key = tree_.Key(*node);
    file = node->writing;
  }
  COFFER_ASSIGN(Xattrs xattrs, XattrsOf(node, key));
  const std::string wanted(name);
  const bool exists = xattrs.contains(wanted);
  if (exists && mode == XattrMode::kCreate) return Error{Code::kExists, "is there already"};
  if (!exists && (mode == XattrMode::kReplace || !value)) return NoSuchAttribute();
  if (value) {
    xattrs.insert_or_assign(wanted, std::string(*value));
  } else {
    xattrs.erase(wanted);
  }
  return KeepXattrs(node, file.get(), xattrs);
}

Status Filesystem::Impl::KeepXattrs(const NodePtr& node, OpenFile* file, const Xattrs& xattrs) {
  // S3 takes 2 KB of metadata in all: refused now, not by a request that is sent later.
  constexpr std::size_t kRoomForXattrs = 1600;
  std::optional<Turn::Hold> turn;
  if (file != nullptr) turn.emplace(file->turn);
  const bool fixed = file != nullptr && file->writer.streaming();
  const bool dirty = file != nullptr && file->writer.dirty();
  const Lock lock(tree_.mu);
  if (!node->parent) return Error{Code::kUnsupported, "the root of a volume keeps no attributes"};
  s3::Metadata extra = node->extra ? *node->extra : s3::Metadata{};
  XattrsToMetadata(xattrs, extra);
  std::size_t size = 0;
  for (const auto& [field, text] : extra) size += field.size() + text.size();
  if (size > kRoomForXattrs) {
    return Error{Code::kNoSpace, "S3 keeps 2 KB of metadata for an object"};
  }
  node->extra = extra.empty() ? nullptr : std::make_shared<const s3::Metadata>(extra);
  if (file != nullptr) file->metadata = std::move(extra);
  if (fixed) {
    file->attributes_late = true;
  } else if (!dirty) {
    Wait(node);
  }
  return Ok();
}

}  // namespace coffer::fs
