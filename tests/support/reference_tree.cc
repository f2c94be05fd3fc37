#include "tests/support/reference_tree.h"

#include <utility>

namespace coffer::test {

using Outcome = ReferenceTree::Outcome;

Outcome ReferenceTree::CheckParents(const std::string& path) const {
  for (std::size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const auto parent = nodes_.find(path.substr(0, slash));
    if (parent == nodes_.end()) return Code::kNotFound;
    if (!parent->second.directory) return Code::kNotDirectory;
  }
  return std::nullopt;
}

bool ReferenceTree::HasChildren(const std::string& path) const {
  const auto next = nodes_.lower_bound(path + "/");
  return next != nodes_.end() && next->first.starts_with(path + "/");
}

Outcome ReferenceTree::Write(const std::string& path, std::string text) {
  if (auto refused = CheckParents(path)) return refused;
  if (IsDirectory(path)) return Code::kIsDirectory;
  const auto [at, fresh] = nodes_.try_emplace(path, Node{false, "", 0644});
  at->second.text = std::move(text);
  return std::nullopt;
}

Outcome ReferenceTree::Append(const std::string& path, std::string_view text) {
  if (auto refused = CheckParents(path)) return refused;
  if (IsDirectory(path)) return Code::kIsDirectory;
  nodes_.try_emplace(path, Node{false, "", 0644}).first->second.text += text;
  return std::nullopt;
}

Outcome ReferenceTree::Unlink(const std::string& path) {
  if (auto refused = CheckParents(path)) return refused;
  if (!Exists(path)) return Code::kNotFound;
  if (IsDirectory(path)) return Code::kIsDirectory;
  nodes_.erase(path);
  return std::nullopt;
}

Outcome ReferenceTree::MakeDirectory(const std::string& path) {
  if (auto refused = CheckParents(path)) return refused;
  if (Exists(path)) return Code::kExists;
  nodes_.emplace(path, Node{true, "", 0755});
  return std::nullopt;
}

Outcome ReferenceTree::RemoveDirectory(const std::string& path) {
  if (auto refused = CheckParents(path)) return refused;
  if (!Exists(path)) return Code::kNotFound;
  if (!IsDirectory(path)) return Code::kNotDirectory;
  if (HasChildren(path)) return Code::kNotEmpty;
  nodes_.erase(path);
  return std::nullopt;
}

Outcome ReferenceTree::Rename(const std::string& from, const std::string& to, bool no_replace) {
  if (auto refused = CheckParents(from)) return refused;
  if (auto refused = CheckParents(to)) return refused;
  if (!Exists(from)) return Code::kNotFound;
  if (from == to) return std::nullopt;
  const bool directory = IsDirectory(from);
  if (directory && to.starts_with(from + "/")) return Code::kInvalid;
  if (Exists(to)) {
    if (no_replace) return Code::kExists;
    if (IsDirectory(to) && !directory) return Code::kIsDirectory;
    if (!IsDirectory(to) && directory) return Code::kNotDirectory;
    if (HasChildren(to)) return Code::kNotEmpty;
    nodes_.erase(to);
  }
  std::map<std::string, Node> moved;
  for (auto at = nodes_.lower_bound(from); at != nodes_.end();) {
    const bool below = at->first == from || at->first.starts_with(from + "/");
    if (!below && !at->first.starts_with(from)) break;
    if (!below) {
      ++at;
      continue;
    }
    moved.emplace(to + at->first.substr(from.size()), std::move(at->second));
    at = nodes_.erase(at);
  }
  nodes_.merge(moved);
  return std::nullopt;
}

Outcome ReferenceTree::Chmod(const std::string& path, unsigned mode) {
  if (auto refused = CheckParents(path)) return refused;
  if (!Exists(path)) return Code::kNotFound;
  nodes_.at(path).mode = mode;
  return std::nullopt;
}

std::optional<std::string> ReferenceTree::Content(const std::string& path) const {
  const auto at = nodes_.find(path);
  if (at == nodes_.end() || at->second.directory) return std::nullopt;
  return at->second.text;
}

bool ReferenceTree::IsDirectory(const std::string& path) const {
  if (path.empty()) return true;
  const auto at = nodes_.find(path);
  return at != nodes_.end() && at->second.directory;
}

std::vector<std::string> ReferenceTree::List(const std::string& path) const {
  const std::string prefix = path.empty() ? "" : path + "/";
  std::vector<std::string> names;
  for (auto at = nodes_.lower_bound(prefix); at != nodes_.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    const std::string name = at->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(name);
  }
  return names;
}

std::vector<std::string> ReferenceTree::Paths() const {
  std::vector<std::string> paths;
  for (const auto& [path, node] : nodes_) paths.push_back(path);
  return paths;
}

}  // namespace coffer::test
