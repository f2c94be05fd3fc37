#include "fs/sealed_metadata.h"

#include <algorithm>
#include <array>
#include <utility>

#include "crypto/encoding.h"
#include "crypto/kdf.h"
#include "crypto/name_tag.h"
#include "crypto/sealed_xattrs.h"
#include "fs/attributes.h"

namespace coffer::fs {
namespace {

// Stands before sealed extended attributes. In the clear they begin as URL-encoded JSON does.
constexpr std::string_view kSealedXattrs = "1:";
// Every field that attributes are read from; atime is left out, since tools move it at will.
constexpr std::array kBound = {
    "ctime", "file-group", "file-mtime", "file-owner", "file-permissions",
    "gid",   "mode",       "mtime",      "uid",        kXattrField};

BoundAttributes BoundOf(const s3::Metadata& metadata) {
  BoundAttributes bound;
  for (const char* name : kBound) {
    const auto found = metadata.find(name);
    if (found != metadata.end()) bound.emplace(*found);
  }
  return bound;
}

}  // namespace

std::string SealedMetadata::BelowPrefix(const std::string& key) const {
  return key.substr(std::min(volume_.prefix.size(), key.size()));
}

Result<s3::Metadata> SealedMetadata::Seal(const std::string& key, const MessageIdentity& message,
                                          s3::Metadata plain) const {
  const auto xattrs = plain.find(kXattrField);
  if (xattrs != plain.end()) {
    COFFER_ASSIGN(const Secret xattr_key,
                  DeriveXattrKey(message.key.key.view(), message.id, arena_));
    COFFER_ASSIGN(const Bytes sealed, SealXattrs(xattr_key, AsBytes(xattrs->second)));
    xattrs->second = std::string(kSealedXattrs) + Base64Encode(sealed);
  }
  COFFER_ASSIGN(const Secret bind_key, DeriveBindKey(message.key.key.view(), message.id, arena_));
  const BoundAttributes bound = BoundOf(plain);
  COFFER_ASSIGN(plain[kBindField], BindTag(bind_key, {volume_.id, BelowPrefix(key), bound}));
  return plain;
}

Result<s3::Metadata> SealedMetadata::Rebound(const std::string& key, const MessageIdentity& message,
                                             s3::Metadata stored) const {
  const auto xattrs = stored.find(kXattrField);
  // Another tool that sealed the object left them in the clear.
  if (xattrs != stored.end() && xattrs->second.starts_with(kSealedXattrs)) {
    COFFER_ASSIGN(xattrs->second, OpenXattrs(message, xattrs->second));
  }
  return Seal(key, message, std::move(stored));
}

Status SealedMetadata::Bound(const std::string& key, const MessageIdentity& message,
                             const s3::Metadata& stored) const {
  COFFER_ASSIGN(const Secret bind_key, DeriveBindKey(message.key.key.view(), message.id, arena_));
  const BoundAttributes bound = BoundOf(stored);
  const auto tag = stored.find(kBindField);
  if (tag == stored.end()) return Error{Code::kCorrupt, "it has no bind tag"};
  return CheckBindTag(bind_key, {volume_.id, BelowPrefix(key), bound}, tag->second);
}

Result<s3::Metadata> SealedMetadata::Open(const std::string& key, const MessageIdentity& message,
                                          s3::Metadata stored, std::string& complaint) const {
  if (volume_.binding != BindingPolicy::kOff) {
    Status fits = Bound(key, message, stored);
    if (!fits && volume_.binding == BindingPolicy::kStrict) {
      return std::move(fits).error().While(
          "the object has another's name or changed attributes (what a tool made or moved on "
          "purpose: coffer rebind adopts it, --name-binding=warn reads it)");
    }
    if (!fits) complaint = fits.error().what;
  }
  stored.erase(kBindField);
  const auto xattrs = stored.find(kXattrField);
  if (xattrs == stored.end()) return stored;
  COFFER_ASSIGN(xattrs->second, OpenXattrs(message, xattrs->second));
  return stored;
}

Status SealedMetadata::OpensXattrs(const MessageIdentity& message,
                                   const s3::Metadata& stored) const {
  const auto xattrs = stored.find(kXattrField);
  if (xattrs == stored.end()) return Ok();
  COFFER_TRY(OpenXattrs(message, xattrs->second));
  return Ok();
}

Result<std::string> SealedMetadata::OpenXattrs(const MessageIdentity& message,
                                               const std::string& sealed) const {
  if (!sealed.starts_with(kSealedXattrs)) {
    return Error{Code::kCorrupt, "its extended attributes are not sealed"};
  }
  const auto bytes = Base64Decode(std::string_view(sealed).substr(kSealedXattrs.size()));
  if (!bytes) return Error{Code::kCorrupt, "its extended attributes are damaged"};
  COFFER_ASSIGN(const Secret xattr_key, DeriveXattrKey(message.key.key.view(), message.id, arena_));
  COFFER_ASSIGN(const Bytes opened, coffer::OpenXattrs(xattr_key, *bytes));
  return std::string(AsText(opened));
}

s3::Metadata SealedMetadata::Unproved(s3::Metadata stored) {
  stored.erase(kBindField);
  return stored;
}

void SealedMetadata::DropXattrs(s3::Metadata& metadata) { metadata.erase(kXattrField); }

bool SealedMetadata::HasXattrs(const s3::Metadata& metadata) {
  return metadata.contains(kXattrField);
}

}  // namespace coffer::fs
