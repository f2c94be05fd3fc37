#include "fs/tree.h"

#include <algorithm>
#include <utility>

#include "fs/volume_signs.h"

namespace coffer::fs {
namespace {

// Names kept in listings of all directories together: about 150 bytes each.
constexpr std::uint64_t kMaxCachedNames = 400'000;
constexpr std::size_t kFactsBeforePruning = 4'096;
constexpr std::size_t kRememberedObjects = 4'096;

}  // namespace

Tree::Tree(std::string prefix, const Attributes& root, const s3::Clock& clock)
    : prefix_(std::move(prefix)), clock_(clock), root_(std::make_shared<Node>()) {
  root_->id = kRootNode;
  root_->lookups = 1;
  root_->attributes = root;
  root_->directory = std::make_unique<Directory>();
  nodes_.emplace(kRootNode, root_);
}

NodePtr Tree::Find(NodeId id) const {
  const auto found = nodes_.find(id);
  return found == nodes_.end() ? nullptr : found->second;
}

NodePtr Tree::Child(const Node& parent, const std::string& name) const {
  const auto found = parent.directory->children.find(name);
  return found == parent.directory->children.end() ? nullptr : Find(found->second->id);
}

std::string Tree::Key(const Node& node) const {
  if (!node.parent) return prefix_;
  std::string key = Key(*node.parent) + node.name;
  if (node.is_directory()) key += '/';
  return key;
}

std::string Tree::ChildKey(const Node& directory, std::string_view name) const {
  return Key(directory).append(name);
}

Tree::View Tree::Consult(const Node& node, const std::string& name, s3::SteadyTime now) const {
  const Directory& directory = *node.directory;
  View view;
  view.asked_at = directory.changes;
  const auto found = directory.facts.find(name);
  const Fact* fact = found == directory.facts.end() ? nullptr : &found->second;
  if (fact != nullptr && now < fact->valid_until) {
    view.kind = View::Kind::kFact;
    view.fact = *fact;
    return view;
  }
  if (!directory.listing || now >= directory.listed_until) return view;
  // A change made after the listing was asked for is not in it.
  if (fact != nullptr && fact->change > directory.listing->asked_at) {
    if (!fact->present && now >= directory.complete_until) return view;
    view.kind = View::Kind::kFact;
    view.fact = *fact;
    view.fact.valid_until = directory.listed_until;
    return view;
  }
  const ListedName* listed = directory.listing->Find(name);
  if (listed == nullptr && !directory.kept.contains(name) && !directory.listing->HasFolder(name)) {
    if (now >= directory.complete_until) return view;
    view.kind = View::Kind::kFact;
    view.fact.valid_until = directory.complete_until;
    return view;
  }
  if (listed != nullptr && !directory.listing->IsSettled(*listed)) return view;
  // The listing vouches for a directory, the fact for its marker's attributes.
  const bool is_directory = listed == nullptr || listed->directory;
  if (is_directory && fact != nullptr && fact->present &&
      fact->attributes.type == FileType::kDirectory && now < fact->marker_until) {
    view.kind = View::Kind::kFact;
    view.fact = *fact;
    view.fact.valid_until = directory.listed_until;
    return view;
  }
  view.kind = View::Kind::kListed;
  view.listed_until = directory.listed_until;
  if (listed != nullptr) {
    view.listed = *listed;
  } else {
    view.listed.name = name;
    view.listed.directory = true;
  }
  return view;
}

bool Tree::Overridden(const Node& node, const std::string& name, std::uint64_t asked_at) const {
  if (asked_at < node.directory->expired_at) return true;
  const auto found = node.directory->facts.find(name);
  return found != node.directory->facts.end() && found->second.change > asked_at;
}

bool Tree::Learn(Node& node, const std::string& name, Fact fact, std::uint64_t asked_at) {
  Directory& directory = *node.directory;
  if (Overridden(node, name, asked_at)) return false;
  if (const NodePtr child = Child(node, name); child && (child->writing || child->waiting)) {
    return false;  // ours is newer, and not there yet
  }
  fact.change = 0;
  directory.facts.insert_or_assign(name, std::move(fact));
  Prune(directory);
  return true;
}

void Tree::Change(Node& node, const std::string& name, Fact fact) {
  Directory& directory = *node.directory;
  fact.change = ++directory.changes;
  if (fact.present) directory.kept.erase(name);
  directory.facts.insert_or_assign(name, std::move(fact));
}

// What was seen of a volume is not forgotten for what was known earlier.
void Tree::Show(Node& node, const Fact& fact) {
  if (node.directory && node.directory->sealed == HoldsSealed::kUnknown) {
    node.directory->sealed = fact.sealed;
    node.directory->sealed_until =
        fact.sealed == HoldsSealed::kNo ? clock_.Steady() + kSealedSeenFor : fact.valid_until;
  }
  if (node.writing || node.waiting) return;  // what we are about to send is newer
  // A change of metadata alone leaves most ETags as they are.
  const bool same_extra =
      node.extra && fact.extra ? *node.extra == *fact.extra : node.extra == fact.extra;
  const bool same =
      node.version.etag == fact.version.etag && node.attributes == fact.attributes && same_extra;
  if (!same) {
    node.object = nullptr;
    node.proved = false;
  }
  node.attributes = fact.attributes;
  node.version = fact.version;
  node.archived = fact.archived;
  node.marker = fact.marker;
  node.extra = fact.extra;
  node.lock = fact.lock;
  node.valid_until = fact.valid_until;
}

NodePtr Tree::Adopt(const NodePtr& parent, const std::string& name, const Fact& fact) {
  if (NodePtr child = Child(*parent, name)) {
    const bool same_type = child->attributes.type == fact.attributes.type;
    const bool same = same_type && (child->is_directory() || child->writing || child->waiting ||
                                    SameContent(child->version, fact.version));
    if (same) {
      Show(*child, fact);
      ++child->lookups;
      return child;
    }
    Detach(*child);
  }
  auto node = std::make_shared<Node>();
  node->id = next_id_++;
  node->parent = parent;
  node->name = name;
  node->lookups = 1;
  if (fact.attributes.type == FileType::kDirectory) {
    node->directory = std::make_unique<Directory>();
  }
  Show(*node, fact);
  nodes_.emplace(node->id, node);
  parent->directory->children.insert_or_assign(name, node.get());
  return node;
}

void Tree::Forget(NodeId id, std::uint64_t count) {
  const NodePtr node = Find(id);
  if (!node || node == root_) return;
  node->lookups -= std::min(count, node->lookups);
  DropIfUnused(node);
}

void Tree::Detach(Node& node) {
  if (!node.parent) return;
  node.gone = true;
  auto& siblings = node.parent->directory->children;
  if (const auto at = siblings.find(node.name); at != siblings.end() && at->second == &node) {
    siblings.erase(at);
  }
}

void Tree::Move(const NodePtr& node, const NodePtr& parent, std::string name) {
  auto& siblings = node->parent->directory->children;
  if (const auto at = siblings.find(node->name); at != siblings.end() && at->second == node.get()) {
    siblings.erase(at);
  }
  const NodePtr old_parent = std::exchange(node->parent, parent);
  node->name = std::move(name);
  node->gone = false;
  if (const NodePtr other = Child(*parent, node->name); other && other != node) Detach(*other);
  parent->directory->children.insert_or_assign(node->name, node.get());
  DropIfUnused(old_parent);
}

void Tree::DropIfUnused(NodePtr node) {
  while (node && node != root_) {
    const bool used = node->lookups > 0 || node->readers > 0 || node->writing || node->waiting ||
                      (node->directory && !node->directory->children.empty());
    if (used) return;
    if (node->directory) DropListing(*node);
    Detach(*node);
    nodes_.erase(node->id);
    node = node->parent;
  }
}

void Tree::Expire(Node& node) {
  for (const auto& [name, child] : node.directory->children) {
    child->valid_until = {};
    child->object = nullptr;
    child->proved = false;
    if (child->directory) Expire(*child);
  }
  node.directory->expired_at = ++node.directory->changes;
  node.directory->facts.clear();
  node.directory->kept.clear();
  DropListing(node);
}

void Tree::InstallListing(Node& node, std::shared_ptr<const Listing> listing, unsigned pages,
                          s3::SteadyTime listed_until, s3::SteadyTime complete_until) {
  Directory& directory = *node.directory;
  if (listing->asked_at < directory.expired_at || Find(node.id).get() != &node) return;
  if (directory.listing && directory.listing->asked_at > listing->asked_at) return;
  if (directory.listing == listing) directory.ahead = {};  // its order is whole now
  directory.pages = pages;
  directory.listed_until = listed_until;
  directory.complete_until = complete_until;
  directory.misses = 0;
  directory.listed_at = clock_.Steady();
  directory.slow_listings = 0;
  const ListedName* const own = listing->Find(kVolumeOwn);
  // A volume that was seen may have been made after this was asked for.
  const bool seen =
      directory.sealed == HoldsSealed::kYes && directory.listed_at < directory.sealed_until;
  if (own == nullptr || !own->directory) {
    if (!seen) directory.sealed = HoldsSealed::kNo;
    if (!seen) directory.sealed_until = clock_.Steady() + kSealedSeenFor;
  } else if (directory.sealed != HoldsSealed::kYes) {
    directory.sealed = HoldsSealed::kMaybe;
  }
  Hold(node, std::move(listing));
}

void Tree::ShowPages(Node& node, const std::shared_ptr<const Listing>& growing, unsigned pages,
                     s3::SteadyTime listed_until) {
  Directory& directory = *node.directory;
  if (growing->asked_at < directory.expired_at) return;
  const s3::SteadyTime now = clock_.Steady();
  if (directory.listing != growing) {
    if (directory.listing && now < directory.listed_until) return;
    directory.complete_until = {};
  }
  Hold(node, growing);
  directory.pages = std::max(directory.pages, pages);
  directory.listed_until = listed_until;
  directory.listed_at = now;
}

void Tree::Hold(Node& node, std::shared_ptr<const Listing> listing) {
  Directory& directory = *node.directory;
  if (directory.listing != listing) {
    DropListing(node);
    listed_.push_back(&node);
    directory.listing = std::move(listing);
  }
  const std::size_t names = directory.listing->names.size();
  cached_names_ += names - std::exchange(directory.counted, names);
  DropOldest();
}

void Tree::DropOldest() {
  while (cached_names_ > kMaxCachedNames && listed_.size() > 1) DropListing(*listed_.front());
}

void Tree::DropListing(Node& node) {
  if (!node.directory->listing) return;
  cached_names_ -= std::exchange(node.directory->counted, 0);
  node.directory->ahead = {};  // it holds the listing too
  for (const auto* order : {&node.directory->opens, &node.directory->visits}) {
    if (*order) (*order)->ForgetListing();
  }
  node.directory->listing = nullptr;
  listed_.erase(std::find(listed_.begin(), listed_.end(), &node));
}

void Tree::Prune(Directory& directory) {
  if (directory.facts.size() < directory.prune_at) return;
  const std::uint64_t listed = directory.listing ? directory.listing->asked_at : UINT64_MAX;
  const s3::SteadyTime now = clock_.Steady();
  std::erase_if(directory.facts, [&](const auto& entry) {
    const Fact& fact = entry.second;
    if (fact.valid_until > now || fact.marker_until > now) return false;
    // What a question under way, or the listing, does not know of must stay.
    return fact.change == 0 || (fact.change <= listed && directory.questions == 0);
  });
  directory.prune_at = std::max(kFactsBeforePruning, 2 * directory.facts.size());
}

void Tree::Remember(const NodePtr& node, std::shared_ptr<const s3::ObjectInfo> object) {
  node->object = std::move(object);
  node->proved = true;
  remembered_.push_back(node);
  if (remembered_.size() <= kRememberedObjects) return;
  if (const NodePtr oldest = remembered_.front().lock(); oldest && oldest != node) {
    oldest->object = nullptr;
  }
  remembered_.pop_front();
}

bool Tree::Moving(const Node& node) const {
  for (const Node* at = &node; at != nullptr; at = at->parent.get()) {
    if (at->moving) return true;
  }
  return false;
}

std::vector<NodePtr> Tree::All() const {
  std::vector<NodePtr> all;
  for (const auto& [id, node] : nodes_) all.push_back(node);
  return all;
}

std::vector<NodePtr> Tree::Below(const NodePtr& directory) const {
  std::vector<NodePtr> all{directory};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i]->directory) continue;
    for (const auto& [name, child] : all[i]->directory->children) {
      if (NodePtr node = Find(child->id)) all.push_back(std::move(node));
    }
  }
  return all;
}

}  // namespace coffer::fs
