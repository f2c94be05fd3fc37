#include "fs/path.h"

#include "crypto/digest.h"

namespace coffer::fs {

bool IsName(std::string_view name) {
  if (name.empty() || name.size() > kMaxName || name == "." || name == "..") return false;
  return name.find('/') == name.npos && name.find('\0') == name.npos;
}

bool IsVisibleKey(std::string_view prefix, std::string_view key) {
  if (!key.starts_with(prefix) || key.size() > kMaxKey) return false;
  std::string_view rest = key.substr(prefix.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  // The marker of the volume's own root has nothing left; a lone "/" below the root has a name
  // that is empty.
  if (rest.empty()) return key.size() == prefix.size();
  while (true) {
    const std::size_t slash = rest.find('/');
    if (!IsName(rest.substr(0, slash))) return false;
    if (slash == rest.npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

// The first eight bytes of SHA-256(key), big endian. Backup tools remember inode numbers, so this
// must never change. The two reserved numbers move up by two.
std::uint64_t InodeNumber(std::string_view key) {
  const Sha256Digest digest = Sha256(AsBytes(key));
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = number << 8 | std::to_integer<std::uint64_t>(digest[i]);
  }
  return number < 2 ? number + 2 : number;
}

std::string_view ParentPrefix(std::string_view key) {
  const std::string_view bare = key.ends_with('/') ? key.substr(0, key.size() - 1) : key;
  const std::size_t slash = bare.rfind('/');
  return slash == bare.npos ? std::string_view() : key.substr(0, slash + 1);
}

}  // namespace coffer::fs
