// What a filesystem does, in the fewest words: the reference for random operations.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/result.h"

namespace coffer::test {

class ReferenceTree {
 public:
  // Nothing when the call succeeds.
  using Outcome = std::optional<Code>;

  Outcome Write(const std::string& path, std::string text);
  Outcome Append(const std::string& path, std::string_view text);
  Outcome Unlink(const std::string& path);
  Outcome MakeDirectory(const std::string& path);
  Outcome RemoveDirectory(const std::string& path);
  Outcome Rename(const std::string& from, const std::string& to, bool no_replace);
  Outcome Chmod(const std::string& path, unsigned mode);

  // The content of a file; nothing for anything else.
  std::optional<std::string> Content(const std::string& path) const;
  bool IsDirectory(const std::string& path) const;
  bool Exists(const std::string& path) const { return path.empty() || nodes_.contains(path); }
  unsigned Mode(const std::string& path) const { return nodes_.at(path).mode; }
  std::vector<std::string> List(const std::string& path) const;  // sorted
  std::vector<std::string> Paths() const;

 private:
  struct Node {
    bool directory = false;
    std::string text;
    unsigned mode = 0;
  };
  // Why a path cannot be looked up, if its parents say so.
  Outcome CheckParents(const std::string& path) const;
  bool HasChildren(const std::string& path) const;

  std::map<std::string, Node> nodes_;  // "" is the root and not in here
};

}  // namespace coffer::test
