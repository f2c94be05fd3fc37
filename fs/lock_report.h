// One file's row of the report on locks: what is in it, and how it is written. Pure functions.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "fs/options.h"
#include "s3client/object_store.h"

namespace coffer::fs {

struct LockRow {
  std::string version_id = {};
  std::uint64_t size = 0;
  std::int64_t last_modified_s = 0;
  s3::Lock lock = {};     // as the service tells it, retention that has ended included
  bool retained = false;  // it runs, by the service's time
  std::vector<std::string> unmet = {};  // requirements, as they were written
  std::string error = {};               // not "": nothing else is known
};

// `path` is what the patterns are held against: below the root.
LockRow MakeLockRow(std::string_view path, const s3::ObjectInfo& info,
                    std::span<const LockRequirement> required);

// At the service's time: retention of at least that mode, with at least that period left. A legal
// hold is no retention.
bool Meets(const s3::Lock& lock, std::int64_t now_s, const LockTerm& term);

enum class LockFormat { kText, kCsv, kJson };
// What follows the key, in one line: columns of RFC 4180, members of an object, words.
std::string RowText(const LockRow& row, LockFormat format);
// The key and that text: a whole line, without its end.
std::string RowLine(const std::string& key, const std::string& text, LockFormat format);
std::string LockCsvHeader();

}  // namespace coffer::fs
