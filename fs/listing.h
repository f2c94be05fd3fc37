// One directory as S3 listed it: a sorted snapshot, and what builds it from pages. It may be shown
// while it grows, under a lock of those who share it, and is immutable from then on. No network.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "fs/content.h"
#include "s3client/object_store.h"

namespace coffer::fs {

inline constexpr std::string_view kFolderSuffix = "_$folder$";

// The empty object by which a tool marks a directory: "dir/", or Hadoop's "dir_$folder$".
bool IsBareMarker(std::string_view key, std::uint64_t size);

struct ListedName {
  std::string name;
  bool directory = false;
  bool archived = false;
  bool shadowed = false;  // a file whose name a directory has too: not shown
  bool unsound = false;   // a file whose row makes no sense: not shown, but HEAD may know it
  FileVersion version;    // files

  bool hidden() const { return shadowed || unsound; }
};

struct Listing {
  std::vector<ListedName> names;  // in key order: a directory sorts as "name/"
  std::uint64_t asked_at = 0;     // Directory::changes when the first page was asked for
  // Directories that only a marker of the kind "name_$folder$" (Hadoop's) shows, sorted.
  std::vector<std::string> folders;
  bool has_marker = false;  // the directory's own marker object was among the keys
  bool growing = false;     // pages still come, or did when nobody went on asking for them
  FileVersion marker;

  // The visible name, or null. A directory hides a file of the same name.
  const ListedName* Find(std::string_view name) const;
  bool HasFolder(std::string_view name) const;
  // False for a file that a directory of its name, on a page to come, would hide.
  bool IsSettled(const ListedName& row) const;
  // Where `name` stands, or would.
  std::size_t Position(std::string_view name) const;
};

// Collects the pages of one directory in the order they come.
class ListingBuilder {
 public:
  ListingBuilder(std::string directory_key, std::uint64_t asked_at);

  // Takes over a page; returns how many names of `listing().names` are new.
  std::size_t Add(const s3::ListPage& page);
  const Listing& listing() const { return *listing_; }
  // To be shown as it grows: then Add and Finish are called under the lock of those who see it.
  std::shared_ptr<const Listing> shared() const { return listing_; }
  const std::vector<std::string>& hidden() const { return hidden_; }
  // Directory buckets list in no order.
  void Sort();
  std::shared_ptr<const Listing> Finish() &&;

 private:
  void AddObject(const s3::ListedObject& object);
  void AddPrefix(const std::string& prefix);
  bool AddFolder(std::string_view marker);
  void Append(ListedName row);

  const std::string directory_key_;
  const std::shared_ptr<Listing> listing_ = std::make_shared<Listing>();
  std::vector<std::string> hidden_;  // keys that cannot be shown
};

}  // namespace coffer::fs
