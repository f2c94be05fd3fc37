// The version of a file's content that a handle reads or a write starts from.

#pragma once

#include <cstdint>
#include <string>

namespace coffer::fs {

struct FileVersion {
  std::string etag;
  std::string version_id;  // "" where there are none
  std::uint64_t size = 0;
  std::int64_t last_modified_s = 0;
  std::string storage_class = {};  // "" for what the mount gives to new objects

  bool operator==(const FileVersion&) const = default;
};

}  // namespace coffer::fs
