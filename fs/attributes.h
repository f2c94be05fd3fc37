// What a file looks like to stat(2), and how that travels as S3 user metadata.
//
// Written under the names that s3fs uses (decimal), read also as rclone and AWS DataSync write it.
// The bucket is not trusted: types it may not choose are refused, times and owners clamped, setuid
// and setgid shown only when asked for. Pure functions; no state.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "s3client/object_store.h"

namespace coffer::fs {

// Extended attributes that Coffer itself answers.
inline constexpr std::string_view kOwnXattrs = "user.coffer.";
// The field of user metadata that holds the extended attributes.
inline constexpr const char* kXattrField = "xattr";

enum class FileType { kFile, kDirectory, kSymlink };
inline constexpr std::uint32_t kWriteBits = 0222;
// S_IFREG, S_IFDIR, S_IFLNK.
std::uint32_t TypeBits(FileType type);

using TimeNs = std::int64_t;  // nanoseconds since the epoch
inline constexpr TimeNs kSecond = 1'000'000'000;

struct Attributes {
  FileType type = FileType::kFile;
  std::uint32_t mode = 0644;  // permission bits, no more than 07777; ShownMode says what shows
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  TimeNs mtime = 0;
  TimeNs ctime = 0;
  TimeNs atime = 0;

  bool operator==(const Attributes&) const = default;
};

// What objects look like that carry no metadata, and what the mount lets through.
struct AttributeDefaults {
  std::uint32_t file_mode = 0644;
  std::uint32_t dir_mode = 0755;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t umask = 0;    // bits never shown
  bool special_bits = false;  // show setuid and setgid
};

// `key` ends in '/' for a directory marker. Never fails: what is hostile falls back to defaults.
Attributes FromMetadata(std::string_view key, const s3::Metadata& metadata,
                        std::int64_t last_modified_s, const AttributeDefaults& defaults);

// The permission bits that stat shows of `attributes`, whose mode is kept as it is stored, so that
// a change of something else does not take the hidden bits away.
std::uint32_t ShownMode(const Attributes& attributes, const AttributeDefaults& defaults);

// What an implicit directory (no marker) looks like.
Attributes ImplicitDirectory(const AttributeDefaults& defaults, TimeNs time);

// `metadata` without the fields that say attributes, in anybody's notation.
s3::Metadata WithoutAttributes(s3::Metadata metadata);

// `metadata` with the attribute fields replaced by `attributes`; everything else (foreign names,
// xattr) is kept, rclone's and DataSync's own fields are removed so that they cannot contradict.
s3::Metadata ToMetadata(s3::Metadata metadata, const Attributes& attributes);

// User extended attributes as s3fs keeps them: one metadata field "xattr", URL-encoded JSON of
// name -> base64. Unreadable values read as none.
using Xattrs = std::map<std::string, std::string>;
// Only names for which IsXattrName holds.
Xattrs XattrsFromMetadata(const s3::Metadata& metadata);
// Replaces the user attributes; what the field holds of other namespaces ("system.", ...) is kept.
void XattrsToMetadata(const Xattrs& xattrs, s3::Metadata& metadata);

// May a user store an attribute of this name: "user." and more, at most 255 bytes, UTF-8 (JSON
// carries nothing else), without NUL, and not one of our own ("user.coffer.")?
bool IsXattrName(std::string_view name);

}  // namespace coffer::fs
