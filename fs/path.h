// Keys and names: which keys are files, which name a component may have, and inode numbers.
// Pure functions.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace coffer::fs {

inline constexpr std::size_t kMaxName = 255;
inline constexpr std::size_t kMaxKey = 1024;

// May `name` be one component of a path: not empty, not "." or "..", no '/' or NUL, <= 255 bytes?
bool IsName(std::string_view name);

// Below `prefix`, is every component of `key` a name (one trailing '/' allowed)? Keys that are not
// cannot be shown; they are counted as hidden. True for `prefix` itself, the root's marker.
bool IsVisibleKey(std::string_view prefix, std::string_view key);

// As messages show it: between double quotes.
inline std::string QuotedKey(std::string_view key) { return "\"" + std::string(key) + "\""; }

// st_ino: a hash of the key, stable over remounts and machines; never 0 or 1 (the root's).
std::uint64_t InodeNumber(std::string_view key);

// "a/b/" for "a/b/c" and for "a/b/c/"; "" for a key at the top.
std::string_view ParentPrefix(std::string_view key);

}  // namespace coffer::fs
