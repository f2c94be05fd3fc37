#include "fs/listing.h"

#include <algorithm>
#include <utility>

#include "fs/path.h"
#include "s3client/object_info.h"

namespace coffer::fs {
namespace {

// Key order: names compare as bytes, a directory as "name/".
bool Before(std::string_view a, bool a_directory, std::string_view b, bool b_directory) {
  const std::size_t common = std::min(a.size(), b.size());
  if (const int order = a.substr(0, common).compare(b.substr(0, common)); order != 0) {
    return order < 0;
  }
  // The character that follows the common part: '/' ends a directory, nothing ends a file.
  const auto next = [common](std::string_view s, bool directory) {
    if (s.size() > common) return static_cast<int>(static_cast<unsigned char>(s[common]));
    return directory ? static_cast<int>('/') : -1;
  };
  return next(a, a_directory) < next(b, b_directory);
}

bool NameBefore(const ListedName& a, const ListedName& b) {
  return Before(a.name, a.directory, b.name, b.directory);
}

bool SameName(const ListedName& a, const ListedName& b) {
  return a.directory == b.directory && a.name == b.name;
}

std::size_t LowerBound(const std::vector<ListedName>& names, std::string_view name,
                       bool directory) {
  const auto at = std::lower_bound(names.begin(), names.end(), name,
                                   [directory](const ListedName& row, std::string_view wanted) {
                                     return Before(row.name, row.directory, wanted, directory);
                                   });
  return static_cast<std::size_t>(at - names.begin());
}

}  // namespace

bool Listing::HasFolder(std::string_view name) const {
  if (growing) return std::find(folders.begin(), folders.end(), name) != folders.end();
  return std::binary_search(folders.begin(), folders.end(), name);
}

bool Listing::IsSettled(const ListedName& row) const {
  if (!growing || row.directory) return true;
  return Before(row.name, true, names.back().name, names.back().directory);
}

bool IsBareMarker(std::string_view key, std::uint64_t size) {
  return size == 0 && (key.ends_with('/') || key.ends_with(kFolderSuffix));
}

const ListedName* Listing::Find(std::string_view name) const {
  for (const bool directory : {true, false}) {
    const std::size_t at = LowerBound(names, name, directory);
    if (at < names.size() && names[at].name == name && names[at].directory == directory) {
      return names[at].shadowed ? nullptr : &names[at];
    }
  }
  return nullptr;
}

std::size_t Listing::Position(std::string_view name) const {
  const ListedName* row = Find(name);
  return row != nullptr ? static_cast<std::size_t>(row - names.data())
                        : LowerBound(names, name, false);
}

ListingBuilder::ListingBuilder(std::string directory_key, std::uint64_t asked_at)
    : directory_key_(std::move(directory_key)) {
  listing_->asked_at = asked_at;
  listing_->growing = true;
}

std::size_t ListingBuilder::Add(const s3::ListPage& page) {
  const std::size_t before = listing_->names.size();
  // Objects and prefixes arrive as two sorted lists; the directory is their merge.
  std::size_t object = 0;
  std::size_t prefix = 0;
  while (object < page.objects.size() || prefix < page.prefixes.size()) {
    const bool take_object =
        prefix == page.prefixes.size() ||
        (object < page.objects.size() && page.objects[object].key < page.prefixes[prefix]);
    if (take_object) {
      AddObject(page.objects[object++]);
    } else {
      AddPrefix(page.prefixes[prefix++]);
    }
  }
  return listing_->names.size() - before;
}

void ListingBuilder::AddObject(const s3::ListedObject& object) {
  FileVersion version{object.etag, "", object.size, object.last_modified_s, object.storage_class};
  if (object.key == directory_key_) {
    listing_->has_marker = true;
    listing_->marker = std::move(version);
    return;
  }
  if (!object.key.starts_with(directory_key_)) return;  // not what was asked for
  std::string name = object.key.substr(directory_key_.size());
  if (!IsName(name)) {
    hidden_.push_back(object.key);
    return;
  }
  if (!object.sound) {
    hidden_.push_back(object.key);
  } else if (name.ends_with(kFolderSuffix) && object.size == 0 && AddFolder(name)) {
    return;
  }
  Append({std::move(name), false, s3::IsArchiveClass(object.storage_class), false, !object.sound,
          std::move(version)});
}

// A server that lists a name twice has it shown once.
void ListingBuilder::Append(ListedName row) {
  if (!listing_->names.empty() && SameName(listing_->names.back(), row)) return;
  listing_->names.push_back(std::move(row));
}

// False when "name_$folder$" is a file after all, since nothing but the suffix is there.
bool ListingBuilder::AddFolder(std::string_view marker) {
  const std::string name(marker.substr(0, marker.size() - kFolderSuffix.size()));
  if (!IsName(name)) return false;
  // "name/" sorts before its marker: a directory that has keys is here already.
  const std::size_t at = LowerBound(listing_->names, name, true);
  const bool shown = at < listing_->names.size() && listing_->names[at].directory &&
                     listing_->names[at].name == name;
  if (!shown) listing_->folders.push_back(name);
  return true;
}

void ListingBuilder::AddPrefix(const std::string& prefix) {
  if (!prefix.starts_with(directory_key_) || prefix.size() <= directory_key_.size() + 1) {
    hidden_.push_back(prefix);
    return;
  }
  std::string name =
      prefix.substr(directory_key_.size(), prefix.size() - directory_key_.size() - 1);
  if (!IsName(name)) {
    hidden_.push_back(prefix);
    return;
  }
  // Only names with a byte below '/' after the common part can stand between "a" and "a/".
  const std::size_t file = LowerBound(listing_->names, name, false);
  if (file < listing_->names.size() && listing_->names[file].name == name &&
      !listing_->names[file].directory) {
    listing_->names[file].shadowed = true;
    hidden_.push_back(directory_key_ + name);
  }
  Append({std::move(name), true, false, false, false, {}});
}

void ListingBuilder::Sort() {
  auto& names = listing_->names;
  std::stable_sort(names.begin(), names.end(), NameBefore);
  names.erase(std::unique(names.begin(), names.end(), SameName), names.end());
  for (const auto& row : names) {
    const std::size_t file = LowerBound(names, row.name, false);
    if (!row.directory || names[file].directory || names[file].name != row.name) continue;
    names[file].shadowed = true;
    hidden_.push_back(directory_key_ + row.name);
  }
}

std::shared_ptr<const Listing> ListingBuilder::Finish() && {
  std::sort(listing_->folders.begin(), listing_->folders.end());
  listing_->growing = false;
  return listing_;
}

}  // namespace coffer::fs
