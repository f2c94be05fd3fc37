// Small files of this machine that credentials come from: read whole, bounded, and judged by who
// else may read them.
//
// Stateless; safe from any thread; blocks on the local disk only.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/result.h"

namespace coffer::s3 {

// Tells one content of a file from the next, whether it was rewritten or replaced. All zero when
// there is no file.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;
  bool operator==(const FileStamp&) const = default;
};
FileStamp StampOf(const std::string& path);

struct LocalFile {
  std::string text;
  bool others_can_read = false;  // by group or world
};

inline constexpr std::size_t kMaxLocalFileBytes = 1u << 20;

// Nothing when there is no such file; kDenied when it cannot be read, is not a regular file (nor
// /dev/null, an empty one) or is larger than kMaxLocalFileBytes.
Result<std::optional<LocalFile>> ReadLocalFile(const std::string& path);

// A file of Coffer's own secrets (a customer key): as ssh demands of private keys, nobody but its
// owner may read it, and the owner is this user or root. kDenied with the command that mends it.
Result<std::string> ReadSecretFile(const std::string& path);

}  // namespace coffer::s3
