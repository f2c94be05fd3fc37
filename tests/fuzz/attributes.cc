// What a bucket says of a file's attributes: clamped, refused, and the same there and back.

#include "fs/attributes.h"

#include "tests/fuzz/fuzz.h"

namespace coffer::test {
namespace {

constexpr const char* kNames[] = {"mode",       "uid",        "gid",        "mtime",
                                  "ctime",      "atime",      "xattr",      "file-permissions",
                                  "file-owner", "file-group", "file-mtime", "file-atime"};

void CheckShown(const fs::Attributes& attributes, const fs::AttributeDefaults& defaults) {
  Must(attributes.mode <= 07777, "a mode has permission bits only");
  Must(attributes.uid != 0xffffffff && attributes.gid != 0xffffffff, "owners can be given");
  constexpr fs::TimeNs kEarliest = -(fs::TimeNs{1} << 31) * fs::kSecond;
  for (const fs::TimeNs time : {attributes.mtime, attributes.ctime, attributes.atime})
    Must(time >= kEarliest, "no time is before ext4's");
  const std::uint32_t shown = fs::ShownMode(attributes, defaults);
  if (!defaults.special_bits) Must((shown & 06000) == 0, "setuid and setgid are not shown");
}

void CheckThereAndBack(const fs::Attributes& attributes, const s3::Metadata& metadata,
                       const std::string& key, const fs::AttributeDefaults& defaults) {
  const s3::Metadata stored = fs::ToMetadata(metadata, attributes);
  Must(fs::FromMetadata(key, stored, 0, defaults) == attributes, "attributes there and back");
  for (const auto& [name, value] : fs::WithoutAttributes(metadata)) {
    Must(stored.contains(name) && stored.at(name) == value, "foreign metadata stays");
  }
}

void CheckXattrs(s3::Metadata metadata) {
  const fs::Xattrs xattrs = fs::XattrsFromMetadata(metadata);
  for (const auto& [name, value] : xattrs) {
    Must(fs::IsXattrName(name), "an attribute has a user's name");
  }
  fs::XattrsToMetadata(xattrs, metadata);
  Must(fs::XattrsFromMetadata(metadata) == xattrs, "extended attributes there and back");
  s3::Metadata twice = metadata;
  fs::XattrsToMetadata(xattrs, twice);
  Must(twice == metadata, "extended attributes are stored in one way");
}

}  // namespace

void FuzzAttributes(ByteView input) {
  Pieces pieces(input);
  fs::AttributeDefaults defaults;
  const std::uint8_t flags = pieces.Byte();
  defaults.special_bits = (flags & 1) != 0;
  const std::string key = (flags & 2) != 0 ? "d/" : "f";
  const auto modified = static_cast<std::int64_t>(pieces.Long());
  s3::Metadata metadata;
  while (!pieces.done()) {
    const std::uint8_t name = pieces.Byte() % (std::size(kNames) + 1);
    if (name == std::size(kNames)) {
      std::string own = pieces.Text();
      metadata[std::move(own)] = pieces.Line();
    } else {
      metadata[kNames[name]] = pieces.Line();
    }
  }
  const fs::Attributes attributes = fs::FromMetadata(key, metadata, modified, defaults);
  Must((attributes.type == fs::FileType::kDirectory) == (key == "d/"), "a marker is a directory");
  CheckShown(attributes, defaults);
  CheckThereAndBack(attributes, metadata, key, defaults);
  CheckXattrs(metadata);
}

}  // namespace coffer::test
